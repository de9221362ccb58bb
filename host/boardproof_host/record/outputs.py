"""Rows of bytes, as they come over the wire, and their comparison as the outputs' values."""

from collections.abc import Sequence

import numpy as np

from boardproof_export.shared.tensors import TensorInfo, split_rows
from boardproof_host.record import metrics
from boardproof_host.record.facts import Bytes
from boardproof_host.record.metrics import Parity


def compare(device: Bytes, oracle: Bytes, outputs: Sequence[TensorInfo]) -> Parity:
    """Compares rows of bytes (N, output bytes), output by output."""
    parts = [
        metrics.parity(mine, theirs)
        for mine, theirs in zip(split_rows(device, outputs), split_rows(oracle, outputs), strict=True)
    ]
    return metrics.joined(parts, int(np.count_nonzero((device == oracle).all(axis=1))))
