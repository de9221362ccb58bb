"""How good a model's outputs are, by what they mean: pure functions over arrays, without I/O.

Outputs are real values (N, C), `truth` is what they should be: classes, int64 (N,), or values, float64 (N, K).
"""

from math import sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.tensors import TensorInfo

Kind = Literal["classes", "scores", "regression", "reconstruction"]
Real = NDArray[np.floating[Any]]
Truth = NDArray[Any]


def kind_of(
    truth: Truth | None, inputs: tuple[TensorInfo, ...], outputs: tuple[TensorInfo, ...]
) -> Kind | None:
    """What the first output means; None where there is nothing to hold it to.

    An output of the input's shape is a reconstruction; classes need an output a class; scores are one output and labels
    of 0 and 1; values need as many outputs as there are.
    """
    output = outputs[0]
    slim = [[extent for extent in tensor.shape if extent != 1] for tensor in (inputs[0], output)]
    if len(inputs) == 1 and output.count > 1 and slim[0] == slim[1] and (truth is None or _is_binary(truth)):
        return "reconstruction"
    if truth is None:
        return None
    if truth.ndim == 1 and output.count == 1:
        return "scores" if _is_binary(truth) else "regression"
    if truth.ndim == 1:
        return "classes" if len(truth) and int(truth.max()) < output.count else None
    return "regression" if truth.shape[1] == output.count else None


def _is_binary(truth: Truth) -> bool:
    return truth.ndim == 1 and bool(np.isin(truth, (0, 1)).all())


def real_values(values: NDArray[Any], tensor: TensorInfo) -> Real:
    """What a tensor's values stand for, float64."""
    wide = values.astype(np.float64)
    if tensor.scale is None or tensor.zero_point is None:
        return wide
    return (wide - tensor.zero_point) * tensor.scale


def metrics(kind: Kind, outputs: Real, truth: Truth | None, inputs: Real | None) -> dict[str, float | None]:
    """The metrics of one interpreter or board, by name.

    Args:
        inputs: real values (N, C); of a reconstruction alone.
    """
    if kind == "reconstruction":
        assert inputs is not None
        errors = np.mean((outputs - inputs) ** 2, axis=1)
        found: dict[str, float | None] = {"mse": float(errors.mean())}
        return found if truth is None else found | {"auc": auc(errors, truth)}
    assert truth is not None
    if kind == "scores":
        return {"auc": auc(outputs[:, 0], truth)}
    if kind == "classes":
        found = {"top_1": top(outputs, truth, 1)}
        return found | {"top_5": top(outputs, truth, 5)} if outputs.shape[1] > 5 else found
    return regression(outputs, truth.reshape(len(truth), -1).astype(np.float64))


def top(outputs: Real, classes: Truth, count: int) -> float:
    """Share of samples whose class is among the `count` largest outputs; of equal ones the first come first."""
    ranked = np.argsort(-outputs, axis=1, kind="stable")[:, :count]
    return float(np.mean((ranked == classes[:, None]).any(axis=1)))


def auc(scores: Real, truth: Truth) -> float | None:
    """Area under the receiver operating characteristic: the share of pairs of a 1 and a 0 in which the 1 has the larger
    score, equal ones counting half. None where there are no such pairs."""
    ones = int(np.count_nonzero(truth == 1))
    zeros = len(truth) - ones
    if ones == 0 or zeros == 0:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]  # 1 for the smallest, equal ones their mean
    return float((ranks[truth == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def regression(outputs: Real, truth: Real) -> dict[str, float | None]:
    """Mean absolute error, root of the mean squared error, and the coefficient of determination over all values."""
    errors = outputs - truth
    spread = float(((truth - truth.mean(axis=0)) ** 2).sum())
    return {
        "mae": float(np.abs(errors).mean()),
        "rmse": sqrt(float((errors**2).mean())),
        "r2": 1 - float((errors**2).sum()) / spread if spread > 0 else None,
    }
