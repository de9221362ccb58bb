"""The journal of a run: what the board answered so far, on disk, so that `--resume` goes on after a crash.

Layout: one line of JSON (the run's key), then blocks: length u32, CRC-32 over the rest, the rest being a line of JSON
(what the link did in this leg of the run so far) and the answers since the block before: index u32, ticks u32, outputs.
Numbers are little-endian. A block is written whole twice a second, so a killed process loses at most that much, and
answers and the link's figures always belong together; a block cut short by the kill is dropped when reading.
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
from boardproof_export.shared.files import unwritable

SCHEMA = "boardproof.journal/3"
FILE_NAME = "journal.bin"
LOCK_NAME = ".lock"
BLOCK_SECONDS = 0.5
BLOCK_BYTES = 1 << 20  # however quick the answers come
_BLOCK = struct.Struct("<II")
_ANSWER = struct.Struct("<II")


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
    stateful: bool = False
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
        NoRoomError: the disk is full.
    """

    failed: OSError | None = None  # why it stopped keeping answers: the disk is full

    def __init__(self, folder: Path, key: RunKey, *, resume: bool) -> None:
        self.path = folder / FILE_NAME
        self.entries: list[Entry] = []  # of the legs before this one
        self.earlier: tuple[Leg, ...] = ()  # these legs
        self._pending: list[bytes] = []  # answers of the next block
        self._pending_bytes = 0
        self._leg: Callable[[], Leg] | None = None
        self._written = time.monotonic()
        self._guard = self._only_one(folder)
        try:
            again = resume and self.path.exists()
            if again:
                self._take_up(key)
            self._file = self._open(key, again)
        except OSError as error:
            self._guard.close()
            raise unwritable(self.path, error) from error

    def _take_up(self, key: RunKey) -> None:
        """Reads the legs before; cuts off a block that was not finished."""
        legs: dict[int, Leg] = {}
        with self.path.open("r+b") as file:
            _check(_read_key(file, self.path), key)
            end = file.tell()
            for block in _blocks(file.read(), key):
                legs[block.number] = block.leg
                self.entries += block.entries
                end += block.bytes
            file.truncate(end)
        self.earlier = tuple(legs[number] for number in sorted(legs))

    def _open(self, key: RunKey, append: bool) -> IO[bytes]:
        if append:
            return self.path.open("ab", buffering=0)
        if self.path.exists():
            self.path.replace(self.path.with_suffix(".previous"))
        file = self.path.open("wb", buffering=0)
        _write(file, json.dumps(asdict(key)).encode() + b"\n")
        return file

    def _only_one(self, folder: Path) -> IO[bytes]:
        """A lock of the folder, which lasts until it is closed."""
        path = folder / LOCK_NAME
        try:
            guard = path.open("wb")
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            guard.close()
            raise InputError(
                f"another run is writing into {folder}", hint="wait for it, or name another folder with --out"
            ) from error
        return guard

    def add(self, entry: Entry, leg: Callable[[], Leg]) -> None:
        """Takes one answered image. A full disk is noted, and ends the keeping, not the run.

        Args:
            leg: tells what the link did so far in this leg; asked when a block is written.
        """
        self._leg = leg
        answer = _ANSWER.pack(entry.index, entry.ticks) + entry.output
        self._pending.append(answer)
        self._pending_bytes += len(answer)
        if time.monotonic() - self._written > BLOCK_SECONDS or self._pending_bytes > BLOCK_BYTES:
            self._write_block()

    def _write_block(self) -> None:
        leg = Leg() if self._leg is None else self._leg()
        line = json.dumps({"leg": len(self.earlier)} | asdict(leg)).encode() + b"\n"
        body = line + b"".join(self._pending)
        self._pending, self._pending_bytes, self._written = [], 0, time.monotonic()
        if self.failed is not None:
            return
        try:
            _write(self._file, _BLOCK.pack(len(body), zlib.crc32(body)) + body)
        except OSError as error:
            self.failed = error

    def close(self) -> None:
        """Writes what is left, with the leg's last figures, and closes the file; closing twice is fine."""
        if not self._file.closed and self._leg is not None:
            self._write_block()
        with contextlib.suppress(OSError):
            self._file.close()
        self._guard.close()

    def discard(self) -> None:
        """Closes and removes it: the report holds what it held."""
        self.close()
        for path in (
            self.path,
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


@dataclass(frozen=True)
class _Block:
    number: int  # of the leg
    leg: Leg  # so far
    entries: list[Entry]
    bytes: int  # in the file


def _blocks(data: bytes, key: RunKey) -> Iterator[_Block]:
    """Whole blocks, up to the first that is not."""
    at = 0
    while at + _BLOCK.size <= len(data):
        length, crc = _BLOCK.unpack_from(data, at)
        body = data[at + _BLOCK.size : at + _BLOCK.size + length]
        if len(body) < length or zlib.crc32(body) != crc:
            return
        line, _, answers = body.partition(b"\n")
        try:
            record = json.loads(line)
            number = record.pop("leg")
            block = _Block(number, Leg(**record), list(_answers(answers, key)), _BLOCK.size + length)
        except (ValueError, KeyError, TypeError, struct.error):
            return
        yield block
        at += block.bytes


def _answers(data: bytes, key: RunKey) -> Iterator[Entry]:
    for at in range(0, len(data), _ANSWER.size + key.output_bytes):
        index, ticks = _ANSWER.unpack_from(data, at)
        if index >= key.images:
            raise ValueError(f"image {index} of {key.images}")
        yield Entry(index, ticks, data[at + _ANSWER.size : at + _ANSWER.size + key.output_bytes])


def _write(file: IO[bytes], data: bytes) -> None:
    """All of it: a raw file may take a part.

    Raises:
        OSError: there is no room.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
