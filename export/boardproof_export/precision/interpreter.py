"""A .tflite file over samples, through LiteRT with its default kernels."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.precision.quiet import hidden_output
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph
from boardproof_export.shared.sources import DataSource
from boardproof_export.shared.tensors import TENSOR_TYPES, TensorInfo, split_rows

CHUNK = 250  # samples at once: bounds memory, and what an open batch computes in one call


def inputs_of(graph: Graph, path: Path) -> tuple[TensorInfo, ...]:
    """A model's inputs.

    Raises:
        InputError: one is of a type that no data source gives.
    """
    found = []
    for index in graph.inputs:
        info = graph.tensors[index].info
        if info is None:
            tensor = graph.tensors[index]
            raise InputError(
                f"the input {tensor.name!r} of {path} is {tensor.type}, which no board takes",
                hint=f"convert it with inputs of one of these types: {', '.join(TENSOR_TYPES)}",
            )
        found.append(info)
    return tuple(found)


def samples(
    source: DataSource, inputs: tuple[TensorInfo, ...], indices: NDArray[np.intp]
) -> Iterator[list[NDArray[Any]]]:
    """The chosen samples, at most CHUNK at a time: an array (n, ...) an input, of its type.

    Raises:
        InputError: the data do not fit the inputs.
    """
    for start in range(0, len(indices), CHUNK):
        rows = source.rows(inputs, indices[start : start + CHUNK])
        yield [
            values.reshape(len(rows), *tensor.shape[1:])
            for values, tensor in zip(split_rows(rows, inputs), inputs, strict=True)
        ]


class Runner:
    """One model. A graph with an open batch takes a chunk in one call, any other a sample."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with hidden_output():  # "Created TensorFlow Lite XNNPACK delegate"
            self._interpreter = Interpreter(model_content=content)
            self._inputs = self._interpreter.get_input_details()
            self._outputs = self._interpreter.get_output_details()
        signatures = [details["shape_signature"] for details in self._inputs]
        self._open = all(len(shape) and shape[0] == -1 for shape in signatures)
        self._batch = 0

    def run(self, arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs (n, C) of n samples, of the outputs' types; without state of earlier ones.

        Raises:
            RuntimeError, ValueError: LiteRT cannot run the model.
        """
        if self._open:
            try:
                return self._run(arrays, len(arrays[0]))
            except (RuntimeError, ValueError):  # a graph that states its batch in some constant
                self._open = False
        return self._run(arrays, 1)

    def _run(self, arrays: list[NDArray[Any]], batch: int) -> list[NDArray[Any]]:
        count = len(arrays[0])
        with hidden_output(diagnose=False):
            self._resize(batch)
            parts = [
                self._invoke([values[at : at + batch] for values in arrays]) for at in range(0, count, batch)
            ]
        return [np.concatenate(output).reshape(count, -1) for output in zip(*parts, strict=True)]

    def _resize(self, batch: int) -> None:
        if batch == self._batch:
            return
        self._batch = 0
        for details in self._inputs:
            shape = details["shape"]
            if len(shape):
                self._interpreter.resize_tensor_input(details["index"], (batch, *map(int, shape[1:])))
        self._interpreter.allocate_tensors()
        self._batch = batch

    def _invoke(self, arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
        self._interpreter.reset_all_variables()
        for details, values in zip(self._inputs, arrays, strict=True):
            shape = (self._batch, *map(int, details["shape"][1:])) if len(details["shape"]) else ()
            self._interpreter.set_tensor(details["index"], values.reshape(shape))
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_tensor(details["index"])) for details in self._outputs]

    def real(self, outputs: list[NDArray[Any]]) -> list[NDArray[np.float64]]:
        """What the outputs' values stand for."""
        found = []
        for values, details in zip(outputs, self._outputs, strict=True):
            scale, zero_point = details["quantization"]
            wide = values.astype(np.float64)
            found.append((wide - zero_point) * scale if scale else wide)
        return found
