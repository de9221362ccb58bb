"""Models whose tensors can be looked at: LiteRT with its built-in kernels, every tensor kept; and single operators."""

import copy
from collections.abc import Mapping
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from boardproof_export.precision.quiet import hidden_output
from boardproof_export.shared.model import ABSENT, Graph, Op, Tensor

_IDENTIFIER = b"TFL3"


class Observed:
    """One model, a sample at a time. Without delegates: they keep what they compute to themselves."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        with hidden_output():
            self._interpreter = Interpreter(
                model_content=content,
                num_threads=1,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                experimental_preserve_all_tensors=True,
            )
        self._shapes: Mapping[int, tuple[int, ...]] | None = None

    def run(self, values: Mapping[int, NDArray[Any]]) -> None:
        """One inference from these inputs, by tensor index, from the state of a fresh start.

        Raises:
            RuntimeError, ValueError: the interpreter cannot run the model.
        """
        shapes = {index: array.shape for index, array in values.items()}
        if shapes != self._shapes:
            for index, shape in shapes.items():
                self._interpreter.resize_tensor_input(index, shape)
            self._interpreter.allocate_tensors()
            self._shapes = shapes
        self._interpreter.reset_all_variables()
        for index, array in values.items():
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()

    def tensor(self, index: int) -> NDArray[Any]:
        """A tensor after `run`.

        Raises:
            ValueError: nothing has written it.
        """
        found: NDArray[Any] = self._interpreter.get_tensor(index)
        return found


class Single:
    """An operator of a graph as a model of its own, whose inputs are what the operator reads and no file holds."""

    def __init__(self, graph: Graph, parts: Any, op: Op) -> None:
        """`parts` is `taken_apart(graph)`."""
        self.inputs = tuple(
            index
            for index in dict.fromkeys(op.inputs)
            if index >= 0 and graph.tensors[index].data is None and not graph.tensors[index].variable
        )
        used = list(dict.fromkeys(index for index in (*op.inputs, *op.outputs) if index >= 0))
        self._at = {index: position for position, index in enumerate(used)}
        self._observed = Observed(self._alone(parts, op, used))

    def run(self, values: Mapping[int, NDArray[Any]], outputs: tuple[int, ...]) -> list[NDArray[Any]]:
        """What the operator gives; as `Observed.run`, by the graph's own tensor indices."""
        self._observed.run({self._at[index]: values[index] for index in self.inputs})
        return [self._observed.tensor(self._at[index]) for index in outputs]

    def _alone(self, parts: Any, op: Op, used: list[int]) -> bytes:
        """The operator and its tensors, and nothing else of the file."""
        main = parts.subgraphs[0]
        alone = schema.ModelT()
        alone.version, alone.operatorCodes = parts.version, parts.operatorCodes
        alone.buffers, tensors = [schema.BufferT()], []
        for index in used:
            tensor = copy.copy(main.tensors[index])
            alone.buffers.append(parts.buffers[tensor.buffer])
            tensor.buffer = len(alone.buffers) - 1
            tensors.append(tensor)
        operator = copy.copy(main.operators[op.index])
        operator.inputs = [self._at.get(index, ABSENT) for index in op.inputs]
        operator.outputs = [self._at[index] for index in op.outputs]
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = tensors, [operator]
        graph.inputs, graph.outputs = [self._at[index] for index in self.inputs], operator.outputs
        alone.subgraphs = [graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(alone.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())


def taken_apart(graph: Graph) -> Any:
    """The file as records that can be put together anew."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(graph.content, 0))


def real(tensor: Tensor, values: NDArray[Any]) -> NDArray[np.float64]:
    """What a tensor's values stand for, flat."""
    wide = values.astype(np.float64).ravel()
    if tensor.quantization is None or tensor.quantization.per_channel or values.dtype.kind == "f":
        return wide
    return (wide - tensor.quantization.zero_points[0]) * float(tensor.quantization.scales[0])
