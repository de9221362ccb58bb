"""What a run found out, as plain records: the material that a record is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from boardproof_host.record.metrics import IntArray
from boardproof_host.record.schema import CostUnit, Dataset, Host, Selection

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Measured:
    """What the boards answered: M of the N selected images."""

    positions: NDArray[np.intp]  # (M,) which of the selected images, 0 to N - 1
    outputs: Bytes  # (M, output bytes): the outputs one behind the other, as they come over the wire
    ticks: IntArray  # (M,) in `unit`
    unit: CostUnit
    resumed: int = 0  # of the M, taken over from earlier legs
    legs: int = 1
    interrupted: bool = False  # by the user
    untrusted: bool = False  # a board's digest is not that over its answers: nothing is proven
    reason: str | None = None  # why the run was cut short


@dataclass(frozen=True)
class Images:
    """The selected images, N of them."""

    selection: Selection
    indices: NDArray[np.intp]  # (N,) in the data set
    labels: IntArray | None  # (N,) class indices; None where there are none, or where outputs are no classes
    dataset: Dataset | None
    truth: NDArray[Any] | None = None  # (N,) classes or (N, K) values: what the outputs should be
    inputs: Bytes | None = None  # (N, input bytes), as they go to the board


@dataclass(frozen=True)
class OracleFacts:
    """What one oracle computed."""

    outputs: Bytes  # (N, output bytes) over all selected images, in their order
    version: str
    rounding: str
    seconds: float = 0.0  # wall time; 0 when the cache had them
    cached: bool = False


@dataclass(frozen=True)
class Footprint:
    """What the firmware takes, in bytes; None where it is not known."""

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    arena_bytes: int | None = None


@dataclass(frozen=True)
class LinkUse:
    """What the sessions counted on the link, in all legs."""

    seconds: float  # from the first to the last image; of several legs, the sum
    bytes_down: int
    bytes_up: int
    retransmits: int
    crc_errors: int
    baud: int  # of one board; 0 where the link has no rate
    payload_down: int = 0  # input bytes before packing and framing
    boards: int = 1
    restarts: int = 0
    reopened: int = 0
    confirmed: int | None = None
    faults: Mapping[str, int] | None = None  # put in on purpose, by kind


@dataclass(frozen=True)
class Gates:
    """What a run has to reach; a missed gate is exit code 1."""

    verdict: Literal["exact", "equivalent"] = "exact"  # the worst that counts as proven
    min_accuracy: float | None = None  # 0 to 1


@dataclass(frozen=True)
class Circumstances:
    """When, where, how and with what the run was made."""

    created: str  # UTC, ISO 8601
    boardproof: str  # version
    host: Host
    timing: Mapping[str, float] = field(default_factory=dict)  # wall seconds by phase
    command: tuple[str, ...] = ()
