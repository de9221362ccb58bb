"""The record of a run as types: `report.json`, schema "boardproof.report/2". docs/REPORT.md describes every field.

`file.py` reads and writes it; report-2.schema.json says the same to other programs.
"""

from dataclasses import dataclass, field
from typing import Literal

from boardproof_export.shared.memory import MemoryPlan
from boardproof_export.shared.quality import Kind
from boardproof_export.shared.tensors import TensorInfo
from boardproof_host.record.metrics import Histogram, Summary, Verdict

SCHEMA = "boardproof.report/2"
ADDED = {"added": True}  # a field that records of this schema may lack: an earlier boardproof wrote them

CostUnit = Literal["instructions", "cycles", "microseconds"]
# proven: complete, and every gate was passed. diverged: the verdict says so. missed: another gate was. incomplete:
# images are missing. interrupted: likewise, by the user. failed: nothing was measured,
# or what was cannot be trusted.
Outcome = Literal["proven", "diverged", "missed", "incomplete", "interrupted", "failed"]


@dataclass(frozen=True)
class Op:
    """An operator of the model, in execution order."""

    name: str
    macs: int | None = None  # multiply-accumulates of an inference
    kernel: str | None = None  # what the engine runs it with


@dataclass(frozen=True)
class Model:
    """The .tflite file that the board runs."""

    name: str
    sha256: str  # lower-case hex
    bytes: int
    ops: tuple[Op, ...]
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()


@dataclass(frozen=True)
class Target:
    """The firmware that answered, as it said itself in hello."""

    name: str
    engine: str  # "aot" or "tflm"
    kernels: str
    core: str
    build_id: str  # lower-case hex
    emulated: bool
    clock_hz: int | None  # None for an emulator


@dataclass(frozen=True)
class Dataset:
    """Where the images come from."""

    name: str
    sha256: str  # of all inputs and labels; lower-case hex
    classes: tuple[str, ...] = ()  # names by label; empty where the outputs are no classes


@dataclass(frozen=True)
class Selection:
    """Which images were to be streamed."""

    requested: int
    available: int  # images of the data set
    images: str | None  # the range "A:B" that was asked for
    seed: int | None  # of the random choice; None for dataset order
    stateful: bool = field(
        default=False, metadata=ADDED
    )  # the images were one sequence, through which the model kept its state


@dataclass(frozen=True)
class Reference:
    """The oracle that the verdict compares with."""

    oracle: str
    stand_in: bool  # it takes the place of `tflm`, which this host has no package of
    own_oracle: bool = (
        False  # the board's engine is this oracle: only the host's side and the link are proven
    )
    doubt: str | None = None  # why the reference itself may be wrong


@dataclass(frozen=True)
class Gate:
    """What the run had to reach."""

    name: Literal["verdict", "min-accuracy", "complete"]
    wanted: str
    reached: str | None  # None where there is nothing to hold to the gate
    passed: bool


@dataclass(frozen=True)
class Flip:
    """An image of which the board and an oracle predict different classes.

    A margin is how far the class that a side predicts lies above the other's, in that side's outputs: in steps, or as
    float outputs are; 0 is a tie, None no number.
    """

    image: int  # index in the data set
    device: int  # class
    oracle: int
    device_margin: float | None
    oracle_margin: float | None


@dataclass(frozen=True)
class OracleParity:
    """The device's outputs against one oracle's; see `metrics.Parity`."""

    images: int
    values: int
    exact_images: int
    mismatched_values: int
    max_abs_diff: float  # in steps of a quantized output's scale, or as the float outputs are
    argmax_flips: int
    version: str
    rounding: str
    seconds: float  # wall time of the oracle; 0 when its outputs came from the cache
    cached: bool
    flips: tuple[Flip, ...] = field(
        default=(), metadata=ADDED
    )  # those of the argmax, the largest margins first; at most 16


@dataclass(frozen=True)
class Mismatch:
    """An image whose outputs differ from the reference oracle's."""

    image: int  # index in the data set
    label: int | None
    device: tuple[float | None, ...]  # outputs, one behind the other; None is NaN or infinite
    oracle: tuple[float | None, ...]
    at: tuple[int, ...] | None = field(
        default=None, metadata=ADDED
    )  # which of the outputs these are, of very many; None: all of them


@dataclass(frozen=True)
class Cost:
    """What an inference costs; None where it is not known."""

    unit: CostUnit | None
    instructions_per_inference: Summary | None  # emulated: a count, never a time
    cycles_per_inference: Summary | None
    microseconds: Summary | None  # per inference; only on silicon
    saturated: int  # counts that are a lower bound, because the counter saturated
    histogram: Histogram | None  # of the unit
    flash_bytes: int | None  # whole firmware, model included
    ram_bytes: int | None  # statically allocated, tensors included
    arena_bytes: int | None  # tensors
    model_bytes: int | None  # the .tflite file


@dataclass(frozen=True)
class OpCost:
    """What an operator costs: the mean over the images of a profile."""

    index: int  # in execution order
    name: str
    kernel: str | None  # what the engine aot runs it with
    macs: int | None  # multiply-accumulates of an inference
    constant_bytes: int | None  # weights and the like, as they are in the file
    count: float | None  # in the profile's unit, what the hook costs taken off
    share: float | None  # of an inference, 0 to 1
    per_mac: float | None  # count a multiply-accumulate; None where there are none


@dataclass(frozen=True)
class Profile:
    """An inference operator by operator. The operators' counts and `rest` are `inference` together."""

    unit: CostUnit | None  # None where the board's ticks are no cost: then no count is known
    images: tuple[int, ...]  # in the data set; counts are the mean over them
    ops: tuple[OpCost, ...]
    inference: float | None  # without the hook
    hooked: (
        float | None
    )  # operators' sections as they were measured, with the hook: what it costs is the difference
    hook: float | None  # of that, what was taken off every operator
    rest: float | None  # outside of operators, and what the hook costs that is not the same for all


@dataclass(frozen=True)
class Link:
    """What the link did while the images were streamed: in all legs of a run that was resumed."""

    seconds: float
    images_per_second: float | None
    bytes_down: int  # host to board, on the wire
    bytes_up: int
    retransmits: int
    crc_errors: int  # damaged frames that either end dropped
    baud: int | None  # None where the link has no rate
    line_rate_fraction: float | None  # of the busier direction, 0 to 1; None without a rate
    payload_rate_fraction: float | None  # inputs before packing and framing; packed ones may pass 1
    faults: dict[str, int] | None  # put in on purpose, by kind; None where none was asked for
    boards: int = 1  # that shared the images; rates and fractions are of all of them together
    restarts: int = 0  # times that a board lost its session in mid-run
    reopened: int = 0  # times that a port vanished and came back
    confirmed: int | None = (
        None  # images whose answers a board's digest confirmed; None where it was not asked
    )


@dataclass(frozen=True)
class Host:
    """The machine beside the board."""

    os: str
    python: str
    packages: dict[str, str]  # name to version


@dataclass(frozen=True)
class McNemar:
    """Samples that the board or an interpreter alone has right, and how likely that is where neither is better."""

    device_alone: int
    oracle_alone: int
    p: float


@dataclass(frozen=True)
class Quality:
    """How good the outputs are, by what they mean: `boardproof_export.shared.quality`."""

    kind: Kind
    metrics: dict[str, dict[str, float | None]]  # "device" and every oracle: value by the metric's name
    interval: tuple[float, ...] | None  # of the device's top_1, 95 %: its ends; None for other kinds
    mcnemar: dict[str, McNemar]  # by oracle; empty for other kinds than classes
    intervals: dict[str, tuple[float, ...]] = field(
        default_factory=dict, metadata=ADDED
    )  # the 95 % interval of everybody's top_1: "device" and every oracle


@dataclass(frozen=True)
class Measurement:
    """What the boards answered, and what that shows. None of it is there when a run failed before the first answer."""

    verdict: Verdict  # over the images that were measured
    images: int  # measured, those of earlier legs included
    resumed: int  # of these, taken over from earlier legs
    legs: int  # 1 for a run that was not resumed
    accuracy: dict[str, float | None]  # "device" and every oracle, 0 to 1; None without labels
    class_accuracy: tuple[float | None, ...] | None  # device, by label
    confusion: tuple[tuple[int, ...], ...] | None  # device: row = label, column = argmax
    reference: Reference
    parity: dict[str, OracleParity]
    not_run: dict[str, str]  # oracles that cannot run the model, and why
    mismatches: tuple[Mismatch, ...]  # the worst, against the reference
    cost: Cost
    link: Link
    quality: Quality | None = field(
        default=None, metadata=ADDED
    )  # None where nothing tells what outputs should be
    profile: Profile | None = field(default=None, metadata=ADDED)  # None where the board was not asked
    memory: MemoryPlan | None = field(default=None, metadata=ADDED)  # of the engine aot


@dataclass(frozen=True)
class Report:
    """The whole record."""

    outcome: Outcome
    exit_code: int
    reason: str | None  # why the run failed or was cut short; None when it is complete
    next: str | None  # what to do about it
    gates: tuple[Gate, ...]
    command: tuple[str, ...]  # the command line that made it; empty where there was none
    created: str  # UTC, ISO 8601
    boardproof: str  # version
    model: Model | None  # None where the run failed before it was known, as below
    target: Target | None
    dataset: Dataset | None
    selection: Selection | None
    measured: Measurement | None
    timing: dict[str, float]  # wall seconds by phase of the run
    host: Host
    schema: str = SCHEMA

    @property
    def complete(self) -> bool:
        """All requested images were measured."""
        return (
            self.measured is not None
            and self.selection is not None
            and self.measured.images == self.selection.requested
        )
