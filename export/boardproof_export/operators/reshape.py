"""RESHAPE, SQUEEZE and EXPAND_DIMS: the output is the input under another name.

Sources: micro/kernels/reshape_common.cc, squeeze.cc, expand_dims.cc. As there, the output's shape is its tensor's.
"""

from collections.abc import Collection
from functools import partial
from typing import Any

from numpy.typing import NDArray

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Operator
from boardproof_export.shared.model import Graph, Op


def _resolve(types: Collection[str], graph: Graph, op: Op) -> None:
    """Checks the operator; there is nothing to know. `types` are those that it takes, all where it is empty.

    Raises:
        UnsupportedError: it does more than rename.
    """
    source = graph.optional(op, 0)
    if source is None or len(op.inputs) > 2 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    if source.type != output.type or source.bytes is None:
        raise UnsupportedError(f"makes {output.type} of {source.type}")
    if types and source.type not in types:
        raise UnsupportedError(f"has {source.type} values; only {', '.join(types)} run")
    if source.count != output.count:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    parameter = graph.optional(op, 1)
    if parameter is not None and parameter.data is None:
        raise UnsupportedError("has a shape that depends on the input")


def reference(_: None, values: NDArray[Any], *_parameter: NDArray[Any]) -> NDArray[Any]:
    """The same values."""
    return values


OPERATORS = tuple(
    Operator(name=name, family="reshape", resolve=partial(_resolve, types), reference=reference)
    for name, types in (
        ("reshape", ()),
        ("squeeze", ()),
        ("expand_dims", ("INT8", "INT16", "FLOAT32")),
    )
)
