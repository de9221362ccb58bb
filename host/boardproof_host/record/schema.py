"""The record of a run: `report.json`, schema "boardproof.report/1". docs/REPORT.md describes every field.

Reading checks what was read against the types below. Fields that this version does not know are ignored, so that
a newer version may add some without a new schema.
"""

import json
import os
import re
import tempfile
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_host.record.metrics import Histogram, Summary, Verdict

SCHEMA = "boardproof.report/1"
FILE_NAME = "report.json"

CostUnit = Literal["instructions", "cycles", "microseconds"]


@dataclass(frozen=True)
class Model:
    """The .tflite file that the board runs."""

    name: str
    sha256: str  # lower-case hex
    bytes: int
    ops: tuple[str, ...]  # in execution order


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
    sha256: str  # of the images' file, uncompressed; lower-case hex


@dataclass(frozen=True)
class Selection:
    """Which images were to be streamed."""

    requested: int
    available: int  # images of the data set
    images: str | None  # the range "A:B" that was asked for
    seed: int | None  # of the random choice; None for dataset order


@dataclass(frozen=True)
class Reference:
    """The oracle that the verdict compares with."""

    oracle: str
    stand_in: bool  # it takes the place of `tflm`, which this host has no package of


@dataclass(frozen=True)
class OracleParity:
    """The device's outputs against one oracle's; see `metrics.Parity`."""

    images: int
    values: int
    exact_images: int
    mismatched_values: int
    max_abs_diff: int
    argmax_flips: int
    version: str
    rounding: str
    seconds: float  # wall time of the oracle; 0 when its outputs came from the cache
    cached: bool


@dataclass(frozen=True)
class Mismatch:
    """An image whose outputs differ from the reference oracle's."""

    image: int  # index in the data set
    label: int | None
    device: tuple[int, ...]  # int8 outputs
    oracle: tuple[int, ...]


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
class Link:
    """What the link did while the images were streamed."""

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


@dataclass(frozen=True)
class Host:
    """The machine beside the board."""

    os: str
    python: str
    packages: dict[str, str]  # name to version


@dataclass(frozen=True)
class Report:
    """The whole record."""

    verdict: Verdict  # over the images that were measured
    complete: bool
    reason: str | None  # why the run was cut short; None when it is complete
    created: str  # UTC, ISO 8601
    boardproof: str  # version
    model: Model
    target: Target
    dataset: Dataset | None
    selection: Selection
    images: int  # measured
    reference: Reference
    accuracy: dict[str, float | None]  # "device" and every oracle, 0 to 1; None without labels
    class_accuracy: tuple[float | None, ...] | None  # device, by label
    confusion: tuple[tuple[int, ...], ...] | None  # device: row = label, column = argmax
    parity: dict[str, OracleParity]
    mismatches: tuple[Mismatch, ...]  # the worst, against the reference
    cost: Cost
    link: Link
    timing: dict[str, float]  # wall seconds by phase of the run
    host: Host
    schema: str = SCHEMA

    def to_json(self) -> str:
        """The file's text: the schema first, indented, lists of numbers on one line, without NaN."""
        text = json.dumps({"schema": self.schema} | asdict(self), indent=2, allow_nan=False)
        # JSON escapes line ends in strings, so a bracket before one is always a list.
        return re.sub(r"\[\n[^\[\]{}\"]*\]", lambda match: _one_line(match.group()), text) + "\n"

    def write(self, path: Path) -> Path:
        """Writes the record so that the file is whole or as it was before.

        Raises:
            InputError: the folder cannot be written.
        """
        write_whole(path, self.to_json())
        return path


def outcome(report: Report) -> ExitCode:
    """The exit code that a report stands for: a divergence counts also in a run that was cut short."""
    if report.verdict == "diverged":
        return ExitCode.DIVERGED
    return ExitCode.PROVEN if report.complete else ExitCode.LINK


def write_whole(path: Path, text: str) -> None:
    """Writes UTF-8 text beside `path` and moves it there; makes the folder when it is missing.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path.parent, error) from error


def check_writable(folder: Path) -> None:
    """Makes sure, before anything is computed, that a report can be written into `folder`; makes it if missing.

    Raises:
        InputError: it is a file, or it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def read(path: Path) -> Report:
    """Reads a `report.json`.

    Raises:
        InputError: the file cannot be read, is not JSON, has another schema, or lacks a field.
    """
    hint = "name a report.json that `boardproof run` or `boardproof prove` wrote"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint=hint) from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}", hint=hint) from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{path} has schema {schema!r}, not {SCHEMA!r}", hint=hint)
    try:
        report: Report = _typed(Report, record, "")
    except _MisfitError as error:
        raise InputError(f"{path} is not a report: {error}", hint=hint) from error
    return report


class _MisfitError(Exception):
    """A value that does not fit its type; the message says which one."""


def _typed(kind: Any, value: Any, where: str) -> Any:
    """Converts a JSON value to the type `kind` of the record, which may be a dataclass."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _typed(arguments[0], value, where)
    if origin is Literal:
        if value not in arguments:
            raise _MisfitError(f"{where} is {value!r}, not one of {', '.join(arguments)}")
        return value
    if is_dataclass(kind):
        return _typed_record(kind, _checked(value, dict, where), where)
    if origin is dict:
        items = _checked(value, dict, where).items()
        return {key: _typed(arguments[1], item, f"{where}.{key}") for key, item in items}
    if origin is tuple:
        items = enumerate(_checked(value, list, where))
        return tuple(_typed(arguments[0], item, f"{where}[{index}]") for index, item in items)
    return _checked(value, (int, float) if kind is float else kind, where)


def _typed_record(kind: Any, value: Mapping[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    prefix = f"{where}." if where else ""
    for name in names:
        if name not in value:
            raise _MisfitError(f"{prefix}{name} is missing")
    return kind(**{name: _typed(hints[name], value[name], f"{prefix}{name}") for name in names})


def _checked(value: Any, kind: Any, where: str) -> Any:
    if isinstance(value, bool) and kind is not bool:
        raise _MisfitError(f"{where} is {value!r}")
    if not isinstance(value, kind):
        raise _MisfitError(f"{where} is {value!r}")
    return value


def _one_line(numbers: str) -> str:
    return "[" + " ".join(numbers[1:-1].split()) + "]"


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"the report folder {folder} cannot be written: {error.strerror or error}",
        hint="name another folder with --out, or change its permissions",
    )
