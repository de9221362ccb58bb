"""A run, as a record: what the command line, the Python API and the tests ask for."""

from dataclasses import dataclass, field
from pathlib import Path

from boardproof_export.shared.sources.opening import SourceOptions
from boardproof_host.boards.options import BoardOptions
from boardproof_host.record.facts import Gates


@dataclass(frozen=True)
class ImageOptions:
    """Which images of the data source are streamed; without any, all."""

    source: SourceOptions = field(default_factory=SourceOptions)  # without data: what fits the model
    limit: int | None = None
    images: str | None = None  # "A:B", images A to B - 1
    seed: int | None = None  # with `limit`: choose at random
    stateful: bool = False  # they are one sequence, through which the model keeps its state


@dataclass(frozen=True)
class RunOptions:
    """One measurement."""

    board: BoardOptions
    images: ImageOptions = ImageOptions()
    gates: Gates = field(default_factory=Gates)
    resume: bool = False  # go on with the run that was cut short
    out: Path | None = None  # folder of this run's record; None: a new one, kept beside the others


@dataclass(frozen=True)
class TraceOptions:
    """Images operator by operator."""

    board: BoardOptions
    source: SourceOptions = field(default_factory=SourceOptions)  # as in ImageOptions
    images: tuple[int, ...] = ()  # none: those that differ in the last report of this board and model
    report: Path | None = None  # without `images`: those that differ in this one
    worst: int | None = None  # of a report's: so many at most, the worst first


@dataclass(frozen=True)
class ProfileOptions:
    """What an inference costs, operator by operator."""

    board: BoardOptions
    source: SourceOptions = field(default_factory=SourceOptions)  # as in ImageOptions
    images: tuple[int, ...] = ()  # these; none: the first `limit`
    limit: int = 10
