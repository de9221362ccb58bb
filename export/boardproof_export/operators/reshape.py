"""RESHAPE: the output is the input under another name."""

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator

from boardproof_export.operators.checks import UnsupportedError, one_to_one
from boardproof_export.operators.records import Operator
from boardproof_export.shared.model import Graph, Op


def resolve(graph: Graph, op: Op) -> None:
    """Checks the operator; there is nothing to know.

    Raises:
        UnsupportedError: it does more than rename.
    """
    source, output = one_to_one(graph, op, most_inputs=2)
    if source.count != output.count:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    shape = graph.optional(op, 1)
    if shape is not None and shape.data is None:
        raise UnsupportedError("has a shape that is computed: convert with a batch of 1")


def reference(_: None, values: NDArray[np.int8]) -> NDArray[np.int8]:
    """The same values."""
    return values


OPERATOR = Operator(name="reshape", builtin=BuiltinOperator.RESHAPE, resolve=resolve, reference=reference)
