"""VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE and CALL_ONCE: state that a streaming network keeps under a name.

A variable is a state of the network. A handle is known at export, and so is what CALL_ONCE does: it gives variables
their first values. Sources: micro/micro_resource_variable.cc and micro/kernels of the four. TensorFlow Lite Micro's
Reset() puts a variable to its zero point and runs no CALL_ONCE again; here a reset is the start.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Array, Call, Kernel, Operator, State
from boardproof_export.shared.model import Graph, Op, Tensor

_CONTAINER, _NAME = 0, 1  # fields of VarHandleOptions
_SUBGRAPH = 0  # of CallOnceOptions
_HANDLE, _VALUE = 0, 1  # input positions


@dataclass(frozen=True)
class Access:
    """A read or an assignment of a whole variable."""

    bytes: int
    dtype: str
    constant: NDArray[np.uint8] | None = field(default=None, repr=False)  # what is assigned, where it is one


@dataclass(frozen=True)
class _Assignment:
    op: Op
    value: Tensor


def _nothing(graph: Graph, op: Op) -> None:
    """A handle: its name is read where it is used."""
    if op.inputs or len(op.outputs) != 1 or graph.tensors[op.outputs[0]].type != "RESOURCE":
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs, not one handle")
    checks.options_of(op, BuiltinOptions.VarHandleOptions)


def _read(graph: Graph, op: Op) -> Access:
    if len(op.inputs) != 1 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    return _access(graph, op, graph.tensors[op.outputs[0]])


def _assign(graph: Graph, op: Op) -> Access:
    value = graph.optional(op, _VALUE)
    if len(op.inputs) != 2 or op.outputs or value is None:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    return _access(graph, op, value)


def _access(graph: Graph, op: Op, tensor: Tensor) -> Access:
    size = len(_state(graph, op).initial)
    if tensor.bytes != size or tensor.dynamic:
        raise UnsupportedError(
            f"moves {tensor.type} {list(tensor.shape)} to or from a variable of {size} bytes"
        )
    return Access(size, tensor.type.lower(), tensor.data)


def _state(graph: Graph, op: Op) -> State:
    """The variable that `op` of the main subgraph reads or assigns.

    Raises:
        UnsupportedError: there is none, or nothing says how large it is.
    """
    name = _name(graph.ops, op)
    found = [
        entry
        for ops, tensors in (
            (graph.ops, graph.tensors),
            *((other.ops, other.tensors) for other in graph.others),
        )
        for entry in _assignments(ops, tensors)
        if _name(ops, entry.op) == name
    ]
    if not found or not found[0].value.bytes:
        raise UnsupportedError("reads a variable that nothing assigns")
    # MicroResourceVariables::Allocate: the first assignment makes the variable, its zero point fills it.
    first = found[0].value
    fill = 0 if first.quantization is None else first.quantization.zero_points[0]
    initial = np.full(first.bytes or 0, fill & 0xFF, np.uint8)
    for once in graph.ops:
        if once.builtin == BuiltinOperator.CALL_ONCE:
            initial = _initialized(graph, once, name, initial)
    return State(f"variable {name}", initial)


def _states(graph: Graph, op: Op) -> tuple[State, ...]:
    return (_state(graph, op),)


def _name(ops: Sequence[Op], op: Op) -> tuple[str, str]:
    """Container and name behind the handle that `op` reads, both in one subgraph."""
    handle = op.inputs[_HANDLE] if op.inputs else None
    for maker in ops:
        if maker.builtin == BuiltinOperator.VAR_HANDLE and handle in maker.outputs:
            options = checks.options_of(maker, BuiltinOptions.VarHandleOptions)
            return options.text(_CONTAINER), options.text(_NAME)
    raise UnsupportedError("has no handle of a variable")


def _assignments(ops: Sequence[Op], tensors: Sequence[Tensor]) -> Iterator[_Assignment]:
    for op in ops:
        if op.builtin == BuiltinOperator.ASSIGN_VARIABLE and len(op.inputs) == 2 and op.inputs[_VALUE] >= 0:
            yield _Assignment(op, tensors[op.inputs[_VALUE]])


def _initialized(
    graph: Graph, once: Op, name: tuple[str, str], initial: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """What is in a variable after `once`."""
    other = graph.others[_called(graph, once) - 1]
    for entry in _assignments(other.ops, other.tensors):
        data = entry.value.data
        if _name(other.ops, entry.op) == name and data is not None:
            if len(data) != len(initial):
                raise UnsupportedError(
                    f"reads a variable of {len(initial)} bytes that begins with {len(data)}"
                )
            initial = data
    return initial


def _called(graph: Graph, op: Op) -> int:
    number = checks.options_of(op, BuiltinOptions.CallOnceOptions).int32(_SUBGRAPH)
    if not 1 <= number <= len(graph.others):
        raise UnsupportedError(f"calls subgraph {number}, and there are {graph.subgraphs}")
    return number


def _once(graph: Graph, op: Op) -> None:
    """Checks that nothing but constants is assigned, and that nobody has looked before."""
    if op.inputs or op.outputs:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs, not none")
    other = graph.others[_called(graph, op) - 1]
    known = (BuiltinOperator.VAR_HANDLE, BuiltinOperator.ASSIGN_VARIABLE)
    strange = next((inner.code for inner in other.ops if inner.builtin not in known), None)
    if strange is not None:
        raise UnsupportedError(
            f"calls a subgraph with {strange}, which does more than give variables their values"
        )
    if any(entry.value.data is None for entry in _assignments(other.ops, other.tensors)):
        raise UnsupportedError("calls a subgraph that gives variables computed values")
    earlier = graph.ops[: op.index]
    if any(
        graph.tensors[index].type == "RESOURCE" for before in earlier for index in before.inputs if index >= 0
    ):
        raise UnsupportedError("comes after a variable was used")


def _value(layer: Access, state: NDArray[np.uint8]) -> NDArray[Any]:
    return state.view(layer.dtype).copy()


def _keep(layer: Access, *values_and_state: NDArray[Any]) -> tuple[()]:
    value = values_and_state[0] if layer.constant is None else layer.constant
    values_and_state[-1][:] = np.ascontiguousarray(value).view(np.uint8)
    return ()


def _pack(layer: Access) -> Call:
    if layer.constant is None:
        return Call((), {"bytes": layer.bytes}, 0)
    array = Array("value", "uint8_t", layer.constant)
    return Call(
        (array,), {"bytes": layer.bytes, "constant": "value"}, layer.bytes, function="aot_assign_constant"
    )


def _describe(layer: Access | None) -> str:
    return "" if layer is None else f"{layer.bytes} bytes"


def _pack_read(layer: Access) -> Call:
    return Call((), {"bytes": layer.bytes}, 0)


OPERATORS = (
    Operator(
        name="var_handle",
        family="variables",
        resolve=_nothing,
        reference=lambda _: np.zeros(0, np.uint8),
    ),
    Operator(
        name="call_once",
        family="variables",
        resolve=_once,
        reference=lambda _: (),
        calls=lambda op: (op.options.int32(_SUBGRAPH),),
    ),
    Operator(
        name="read_variable",
        family="variables",
        resolve=_read,
        reference=_value,
        states=_states,
        describe=_describe,
        kernels=(Kernel("aot_read_variable", _pack_read),),
    ),
    Operator(
        name="assign_variable",
        family="variables",
        resolve=_assign,
        reference=_keep,
        states=_states,
        describe=_describe,
        kernels=(Kernel("aot_assign_variable", _pack),),
    ),
)
