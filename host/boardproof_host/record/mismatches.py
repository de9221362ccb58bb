"""The images that matter most: those whose outputs, or whose class, are not an oracle's."""

from collections.abc import Sequence

import numpy as np

from boardproof_export.shared.tensors import TensorInfo, split_rows
from boardproof_host.record import metrics
from boardproof_host.record.facts import Bytes, Images, Measured
from boardproof_host.record.metrics import Values
from boardproof_host.record.schema import Flip, Mismatch

KEPT = 16  # images
MOST_OUTPUTS = 100  # of which all are kept; of more, those that differ most
OUTPUTS_KEPT = 20


def mismatches(
    images: Images, measured: Measured, reference: Bytes, outputs: Sequence[TensorInfo]
) -> tuple[Mismatch, ...]:
    """The worst images against the reference, of rows (M, output bytes)."""
    device, theirs = split_rows(measured.outputs, outputs), split_rows(reference, outputs)

    def describe(row: int) -> Mismatch:
        position = measured.positions[row]
        mine, other = _flat(device, row), _flat(theirs, row)
        at = _kept(mine, other)
        return Mismatch(
            image=int(images.indices[position]),
            label=None if images.labels is None else int(images.labels[position]),
            device=_plain(mine, at),
            oracle=_plain(other, at),
            at=at,
        )

    worst = metrics.mismatches(device[0], theirs[0], KEPT)
    elsewhere = [
        row for row in np.flatnonzero((measured.outputs != reference).any(axis=1)) if row not in worst
    ]
    return tuple(describe(int(row)) for row in [*worst, *elsewhere][:KEPT])


def flips(images: Images, measured: Measured, device: Values, oracle: Values) -> tuple[Flip, ...]:
    """The images of which both predict different classes, the largest margins first."""
    if device.shape[1] < 2:
        return ()
    return tuple(
        Flip(
            int(images.indices[measured.positions[row]]),
            mine,
            theirs,
            *map(_number, margins),
        )
        for row, mine, theirs, *margins in metrics.flips(device, oracle)[:KEPT]
    )


def _flat(parts: Sequence[Values], row: int) -> list[float]:
    """An image's outputs, one behind the other."""
    return [value for part in parts for value in part[row].tolist()]


def _kept(device: Sequence[float], oracle: Sequence[float]) -> tuple[int, ...] | None:
    """Which outputs are kept, in their order; None where all are."""
    if len(device) <= MOST_OUTPUTS:
        return None
    apart = np.abs(np.subtract(device, oracle, dtype=np.float64))
    ranked = np.argsort(-np.nan_to_num(apart, nan=np.inf), kind="stable")[:OUTPUTS_KEPT]
    return tuple(sorted(int(at) for at in ranked if device[at] != oracle[at]))


def _plain(values: Sequence[float], at: Sequence[int] | None) -> tuple[float | None, ...]:
    """Outputs as JSON can hold them: it has neither NaN nor infinity."""
    shown = values if at is None else [values[position] for position in at]
    return tuple(value if np.isfinite(value) else None for value in shown)


def _number(margin: float) -> float | None:
    """Whole where it is: steps are written as such."""
    if not np.isfinite(margin):
        return None
    return int(margin) if margin.is_integer() else margin
