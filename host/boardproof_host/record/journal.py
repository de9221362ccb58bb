"""The journal of a run: what the board answered so far, on disk, so that `--resume` goes on after a crash.

Layout: one line of JSON (the run's key), then a record an image: index u32, ticks u32, outputs, CRC-32 over these,
little-endian. Records are appended as they come and handed to the operating system twice a second, so a killed
process loses at most that much; a record cut short by the kill is dropped when reading. Beside it, legs.json holds
what the link did in each leg of the run.
"""

import contextlib
import fcntl
import json
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from boardproof_export.shared.errors import InputError

SCHEMA = "boardproof.journal/2"
FILE_NAME = "journal.bin"
LEGS_NAME = "legs.json"
LOCK_NAME = ".lock"
FLUSH_SECONDS = 0.5
_HEAD = struct.Struct("<II")
_CRC = struct.Struct("<I")


@dataclass(frozen=True)
class RunKey:
    """What must be the same for a run to go on."""

    model: str  # SHA-256
    data: str  # SHA-256 over the inputs in streaming order
    firmware: str  # build id
    target: str
    engine: str
    kernels: str
    images: int
    output_bytes: int
    tick_unit: str
    schema: str = SCHEMA


@dataclass(frozen=True)
class Entry:
    """One answered image."""

    index: int  # position in the run
    ticks: int
    output: bytes


@dataclass(frozen=True)
class Leg:
    """What the link did in one leg of a run: from a start to the next interruption."""

    seconds: float = 0.0
    bytes_down: int = 0
    bytes_up: int = 0
    payload_down: int = 0
    retransmits: int = 0
    crc_errors: int = 0
    restarts: int = 0
    reopened: int = 0
    confirmed: int = 0
    answered: int = 0

    def __add__(self, other: "Leg") -> "Leg":
        return Leg(**{name: value + getattr(other, name) for name, value in asdict(self).items()})


class Journal:
    """An open journal.

    Args:
        folder: the report's folder.
        key: the run's.
        resume: go on with the journal that is there; otherwise it is moved aside.

    Raises:
        InputError: the journal there is another run's, another process writes it, or it cannot be written.
    """

    failed: OSError | None = None  # why it stopped keeping answers: the disk is full
    earlier: tuple[Leg, ...] = ()  # legs of the run before this one

    def __init__(self, folder: Path, key: RunKey, *, resume: bool) -> None:
        self.path = folder / FILE_NAME
        self._flushed = time.monotonic()
        self._guard = self._only_one(folder)
        try:
            self.entries = self._take_up(key) if resume else []
            if self.entries:
                self.earlier = self._legs()
            self._file = self._open(key, resume and bool(self.path.exists()))
        except OSError as error:
            self._guard.close()
            raise InputError(
                f"cannot write {self.path}: {error.strerror or error}", hint="name another folder with --out"
            ) from error

    def _take_up(self, key: RunKey) -> list[Entry]:
        """The entries of the run before; cuts off a record that was not finished."""
        if not self.path.exists():
            return []
        with self.path.open("r+b") as file:
            before = _read_key(file, self.path)
            _check(before, key)
            start = file.tell()
            entries = list(_entries(file.read(), key))
            file.truncate(start + len(entries) * (_HEAD.size + key.output_bytes + _CRC.size))
        return entries

    def _open(self, key: RunKey, append: bool) -> IO[bytes]:
        if append:
            return self.path.open("ab")
        if self.path.exists():
            self.path.replace(self.path.with_suffix(".previous"))
        file = self.path.open("wb")
        file.write(json.dumps(asdict(key)).encode() + b"\n")
        file.flush()
        return file

    def _only_one(self, folder: Path) -> IO[bytes]:
        """A lock of the folder, which lasts until it is closed."""
        path = folder / LOCK_NAME
        try:
            guard = path.open("wb")
        except OSError as error:
            raise InputError(
                f"cannot write {path}: {error.strerror or error}", hint="name another folder with --out"
            ) from error
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            guard.close()
            raise InputError(
                f"another run is writing into {folder}", hint="wait for it, or name another folder with --out"
            ) from error
        return guard

    def _legs(self) -> tuple[Leg, ...]:
        """The legs before this one; none where they were not written."""
        try:
            record = json.loads(self.path.with_name(LEGS_NAME).read_text(encoding="utf-8"))
            return tuple(Leg(**leg) for leg in record)
        except (OSError, ValueError, TypeError, RecursionError):
            return ()

    def add(self, entry: Entry, leg: Callable[[], Leg] | None = None) -> None:
        """Appends one answered image. A full disk is noted, and ends the keeping, not the run.

        Args:
            leg: tells what the link did so far in this leg; asked twice a second, not for every image.
        """
        if self.failed is not None:
            return
        body = _HEAD.pack(entry.index, entry.ticks) + entry.output
        now = time.monotonic()
        try:
            self._file.write(body + _CRC.pack(zlib.crc32(body)))
            if now - self._flushed > FLUSH_SECONDS:
                self.flush(None if leg is None else leg())
                self._flushed = now
        except OSError as error:
            self.failed = error

    def flush(self, leg: Leg | None) -> None:
        """Hands everything to the operating system.

        Raises:
            OSError: there is no room.
        """
        self._file.flush()
        if leg is not None:
            text = json.dumps([asdict(one) for one in (*self.earlier, leg)])
            self.path.with_name(LEGS_NAME).write_text(text, encoding="utf-8")

    def close(self, leg: Leg | None = None) -> None:
        """Closes the file; closing twice is fine."""
        if not self._file.closed:
            try:
                self.flush(leg)
            except OSError as error:
                self.failed = self.failed or error
        with contextlib.suppress(OSError):
            self._file.close()
        self._guard.close()

    def discard(self) -> None:
        """Closes and removes it: the report holds what it held."""
        self.close()
        for path in (
            self.path,
            self.path.with_name(LEGS_NAME),
            self.path.with_suffix(".previous"),
            self.path.with_name(LOCK_NAME),
        ):
            path.unlink(missing_ok=True)


def _read_key(file: IO[bytes], path: Path) -> dict[str, object]:
    line = file.readline(1 << 16)
    try:
        record: dict[str, object] = json.loads(line)
        if record["schema"] != SCHEMA:
            raise ValueError(f"schema {record['schema']!r}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} is no journal of this version: {error}", hint="run again without --resume"
        ) from error
    return record


def _check(before: dict[str, object], key: RunKey) -> None:
    changed = [
        f"{name} ({_short(before.get(name))}, now {_short(value)})"
        for name, value in asdict(key).items()
        if before.get(name) != value
    ]
    if changed:
        raise InputError(
            f"the run cannot go on: what changed since is {', '.join(changed)}",
            hint="start a new run, without --resume (the old journal is kept beside it)",
        )


def _short(value: object) -> str:
    return str(value)[:16]


def _entries(data: bytes, key: RunKey) -> Iterator[Entry]:
    size = _HEAD.size + key.output_bytes
    for start in range(0, len(data) - size - _CRC.size + 1, size + _CRC.size):
        body = data[start : start + size]
        if zlib.crc32(body) != _CRC.unpack_from(data, start + size)[0]:
            return
        index, ticks = _HEAD.unpack_from(body)
        if index >= key.images:
            return
        yield Entry(index, ticks, body[_HEAD.size :])
