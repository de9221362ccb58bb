"""L2_NORMALIZATION, int8: each row over the root of the sum of its squares.

Sources: micro/kernels/l2norm.cc, kernels/internal/reference/integer_ops/l2normalization.h, kernels/internal/common.cc
(the root). The scales do not enter: the output's is taken for 1/128.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.gemmlowp import inverse_root
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op
from boardproof_export.shared.options import Options

_OUTPUT_BITS = 7  # below the point
_MOST_DEPTH = ((1 << 31) - 1) // 255**2  # whose squares' sum fits int32


@dataclass(frozen=True)
class Normalization:
    """A layer: rows of `depth` values."""

    rows: int
    depth: int
    zero_point: int


def resolve(graph: Graph, op: Op) -> Normalization:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = checks.one_to_one(graph, op)
    if not 1 <= len(source.shape) <= 4 or source.shape != output.shape or source.count == 0:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    fused = _fused(checks.options_of(op, BuiltinOptions.L2NormOptions))
    if fused != "NONE":
        raise UnsupportedError(f"has fused {fused}, which TensorFlow Lite Micro refuses")
    depth = source.shape[-1]
    if depth > _MOST_DEPTH:
        raise UnsupportedError(f"sums {depth} squares, which may overflow; {_MOST_DEPTH} fit")
    return Normalization(source.count // depth, depth, checks.per_tensor(source, "input")[1])


def reference(layer: Normalization, values: NDArray[np.int8]) -> NDArray[np.int8]:
    """The outputs, flat."""
    steps = values.reshape(layer.rows, layer.depth).astype(np.int64) - layer.zero_point
    found = np.empty_like(steps)
    for row, squares in enumerate((steps * steps).sum(axis=1)):
        multiplier, shift = inverse_root(int(squares))
        found[row] = fixed_point.rescale(steps[row], (multiplier, shift + _OUTPUT_BITS))
    return np.clip(found, -128, 127).astype(np.int8).ravel()


def _pack(layer: Normalization) -> Call:
    return Call((), {"rows": layer.rows, "depth": layer.depth, "zero_point": layer.zero_point}, 0)


def _fused(options: Options) -> str:
    return checks.activation_name(options, 0)


OPERATOR = Operator(
    name="l2_normalization",
    resolve=resolve,
    reference=reference,
    kernels=(Kernel("aot_l2_normalization", _pack),),
    describe=lambda layer: f"{layer.rows} of {layer.depth}",
    activation=_fused,
    in_place=True,
)
