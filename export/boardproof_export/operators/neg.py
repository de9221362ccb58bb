"""NEG, float32: TensorFlow Lite Micro has it of no other type.

Sources: micro/kernels/neg.cc, kernels/internal/reference/neg.h.
"""

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.operators.tables import edges
from boardproof_export.shared.model import Graph, Op


def resolve(graph: Graph, op: Op) -> int:
    """How many values it negates.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = edges(graph, op)
    if (source.type, output.type) != ("FLOAT32", "FLOAT32"):
        raise UnsupportedError(f"has {source.type} input and {output.type} output; only FLOAT32 runs")
    return source.count


def reference(_: int, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outputs, flat."""
    return np.negative(values)


OPERATOR = Operator(
    name="neg",
    builtin=BuiltinOperator.NEG,
    resolve=resolve,
    reference=reference,
    kernels=(Kernel("aot_neg", lambda count: Call((), {"count": count}, 0)),),
    in_place=True,
)
