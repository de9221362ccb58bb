"""SHAPE and ZEROS_LIKE: known at export, as every tensor's shape is.

Sources: micro/kernels/shape.cc, zeros_like.cc.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Operator
from boardproof_export.shared.model import Graph, Op


def resolve(graph: Graph, op: Op) -> tuple[int, ...]:
    """The input's shape.

    Raises:
        UnsupportedError: it is open, or told as other numbers than int32.
    """
    source = graph.optional(op, 0)
    if source is None or len(op.inputs) != 1 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    if source.dynamic:
        raise UnsupportedError("has an open batch or dimension: convert with a batch of 1")
    output = graph.tensors[op.outputs[0]]
    if output.type != "INT32" or output.count != len(source.shape):
        raise UnsupportedError(f"makes {output.type} {list(output.shape)} of {list(source.shape)}")
    return source.shape


def reference(shape: tuple[int, ...]) -> NDArray[np.int32]:
    """The shape as a tensor."""
    return np.array(shape, np.int32)


def resolve_zeros(graph: Graph, op: Op) -> tuple[int, str]:
    """How many zeros, and of which type.

    Raises:
        UnsupportedError: TensorFlow Lite Micro does not make them.
    """
    source = graph.optional(op, 0)
    if source is None or len(op.inputs) != 1 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    if source.type not in ("INT8", "INT32", "INT64", "FLOAT32") or output.type != source.type:
        raise UnsupportedError(f"makes {output.type} of {source.type}")
    if source.shape != output.shape:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    return output.count, output.type.lower()


def reference_of_zeros(layer: tuple[int, str]) -> NDArray[Any]:
    """Plain zeros, whatever the zero point is."""
    return np.zeros(layer[0], layer[1])


OPERATORS = (
    Operator(name="shape", resolve=resolve, reference=reference, reads=False),
    Operator(
        name="zeros_like",
        family="shape",
        resolve=resolve_zeros,
        reference=reference_of_zeros,
        reads=False,
    ),
)
