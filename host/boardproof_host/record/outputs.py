"""Rows of bytes, as they come over the wire, as the outputs' values, and their comparison."""

from collections.abc import Sequence

import numpy as np

from boardproof_export.shared.tensors import TensorInfo
from boardproof_host.record import metrics
from boardproof_host.record.facts import Bytes
from boardproof_host.record.metrics import Parity, Values


def split(rows: Bytes, outputs: Sequence[TensorInfo]) -> list[Values]:
    """Rows of bytes (N, output bytes) as the outputs' values, an array (N, C) each.

    Raises:
        ValueError: they are not as long as the outputs.
    """
    ends = np.cumsum([output.bytes for output in outputs])
    if not len(ends) or rows.shape[1] != ends[-1]:
        raise ValueError(
            f"rows of {rows.shape[1]} bytes for outputs of {[output.bytes for output in outputs]}"
        )
    return [
        np.ascontiguousarray(rows[:, end - output.bytes : end]).view(output.dtype)
        for output, end in zip(outputs, ends, strict=True)
    ]


def compare(device: Bytes, oracle: Bytes, outputs: Sequence[TensorInfo]) -> Parity:
    """Compares rows of bytes (N, output bytes), output by output."""
    parts = [
        metrics.parity(mine, theirs)
        for mine, theirs in zip(split(device, outputs), split(oracle, outputs), strict=True)
    ]
    return metrics.joined(parts, int(np.count_nonzero((device == oracle).all(axis=1))))
