"""A faulty cable: a Transport that damages what passes between a session and any byte pipe.

A fault happens at a byte, counted from 0 in one direction since the plan was made, whatever pieces the bytes come
in. Everything random about it follows from the plan's seed and its own id, so a run is replayed by the seed and the
ids that it names.

    KIND:RATE          at random, so many a byte, in both directions     flip:0.001
    KIND@down:OFFSET   at this byte from host to board                   drop@down:1234
    KIND@up:OFFSET     at this byte from board to host                   delay@up:0
"""

import heapq
import math
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from boardproof_export.shared.errors import InputError
from boardproof_host.link.disturbance.wrapper import TransportWrapper
from boardproof_host.link.transport import PortGoneError, Transport

Direction = Literal["down", "up"]

REPEAT_BYTES = 2048  # most bytes that a duplicate repeats: whole frames among them
SWAP_BYTES = 32  # most bytes that overtake, or are overtaken by, others
SWAP_SECONDS = 0.05  # that overtaken bytes wait for the others
DELAY_SECONDS = (0.001, 1.0)  # shortest and longest


class Kind(StrEnum):
    """What happens at a byte."""

    DROP = "drop"  # it is lost
    FLIP = "flip"  # one of its bits is another
    DUPLICATE = "duplicate"  # after it, the last 1 to REPEAT_BYTES bytes come again
    DELAY = "delay"  # it and all behind it come later
    SPLIT = "split"  # what comes with it in one piece comes in two
    REORDER = "reorder"  # it and up to SWAP_BYTES - 1 behind it are overtaken by the next bytes
    DISCONNECT = "disconnect"  # it and all behind it are lost, and the pipe is gone


@dataclass(frozen=True)
class FaultSpec:
    """What is to go wrong: by `rate` a byte in both directions, or at byte `offset` of one direction."""

    kind: Kind
    rate: float = 0.0
    direction: Direction | None = None
    offset: int = 0

    def __str__(self) -> str:
        if self.direction is None:
            return f"{self.kind}:{self.rate:g}"
        return f"{self.kind}@{self.direction}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "FaultSpec":
        """Reads `KIND:RATE` or `KIND@DIRECTION:OFFSET`.

        Raises:
            InputError: it is neither.
        """
        where, _, number = text.partition(":")
        kind, at, direction = where.partition("@")
        try:
            if kind not in list(Kind):
                raise ValueError(f"{kind!r} is no kind")
            if not at:
                rate = float(number)
                if not 0 < rate <= 1:
                    raise ValueError(f"the rate {number} is not within 0 to 1")
                return cls(Kind(kind), rate=rate)
            if direction not in get_args(Direction):
                raise ValueError(f"{direction!r} is no direction")
            offset = int(number)
            if offset < 0:
                raise ValueError(f"the offset {offset} is negative")
            return cls(Kind(kind), direction="down" if direction == "down" else "up", offset=offset)
        except ValueError as error:
            kinds = ", ".join(Kind)
            raise InputError(
                f"{text!r} is no fault: {error}",
                hint=f"write KIND:RATE as in flip:0.001, or KIND@down:BYTE, KIND@up:BYTE; kinds: {kinds}",
            ) from error


class _Schedule:
    """The faults of one direction, in the order of their bytes."""

    def __init__(self, specs: Iterable[FaultSpec], seed: int, direction: Direction) -> None:
        self.taken = 0  # bytes so far
        self._coming = heapq.merge(*(_offsets(spec, seed, direction) for spec in specs))
        self._next = next(self._coming, None)

    def take(self, count: int) -> list[tuple[int, Kind]]:
        """The faults among the next `count` bytes: (byte, counted from the direction's first, kind)."""
        self.taken += count
        found = []
        while self._next is not None and self._next[0] < self.taken:
            found.append(self._next)
            self._next = next(self._coming, None)
        return found


def _offsets(spec: FaultSpec, seed: int, direction: Direction) -> Iterator[tuple[int, Kind]]:
    if spec.direction is not None:
        if spec.direction == direction:
            yield spec.offset, spec.kind
        return
    dice = random.Random(f"{seed}/{spec}/{direction}")
    at = -1
    while True:  # gaps between independent events are geometric
        at += 1 + (0 if spec.rate >= 1 else int(math.log(1 - dice.random()) / math.log1p(-spec.rate)))
        yield at, spec.kind


class FaultPlan:
    """Which faults happen where. It outlives the pipe: one that is opened again goes on counting its bytes.

    Args:
        specs: what is to go wrong.
        seed: of everything random.
    """

    def __init__(self, specs: Iterable[FaultSpec], seed: int = 0) -> None:
        self.specs = tuple(specs)
        self.seed = seed
        self.injected: list[FaultSpec] = []  # in order: the specs that bring back exactly these faults
        self.schedules = {way: _Schedule(self.specs, seed, way) for way in get_args(Direction)}

    @property
    def counts(self) -> dict[str, int]:
        """Faults injected so far, by kind."""
        return dict(Counter(str(spec.kind) for spec in self.injected))

    def wrap(self, inner: Transport, clock: Callable[[], float] = time.monotonic) -> "FaultyTransport":
        """Puts the faults between a session and `inner`."""
        return FaultyTransport(inner, self, clock)

    def happen(self, kind: Kind, direction: Direction, offset: int) -> random.Random:
        """Notes a fault and gives the random numbers that are its own."""
        spec = FaultSpec(kind, direction=direction, offset=offset)
        self.injected.append(spec)
        return random.Random(f"{self.seed}/{spec}")


class _Lane:
    """One direction of one pipe: bytes go in as they were sent and come out as they arrive."""

    def __init__(self, plan: FaultPlan, direction: Direction, clock: Callable[[], float]) -> None:
        self._plan = plan
        self._direction = direction
        self._schedule = plan.schedules[direction]
        self._clock = clock
        self._recent = b""  # the last bytes sent
        self._pieces: deque[tuple[float, bytearray]] = deque()  # when each comes out
        self._joins = False  # what comes next may join the newest piece
        self._not_before = 0.0
        self._overtaken = bytearray()
        self._to_hold = 0
        self._to_pass = 0
        self._release_at = math.inf
        self.broken: FaultSpec | None = None  # what ended the pipe

    def put(self, data: bytes) -> None:
        """Takes bytes that were sent now."""
        if self.broken:
            return
        first = self._schedule.taken
        done = 0
        for offset, kind in self._schedule.take(len(data)):
            at = offset - first
            self._pass(data[done:at])
            byte = data[max(done, at) : at + 1]  # b"" for a second fault at the same byte
            self._recent = (self._recent + data[done : at + 1])[-REPEAT_BYTES:]
            done = at + 1
            self._apply(kind, byte, self._plan.happen(kind, self._direction, offset))
            if self.broken:
                return
        self._pass(data[done:])
        self._recent = (self._recent + data[done:])[-REPEAT_BYTES:]
        self._joins = False

    def take(self) -> bytes:
        """The next piece that has arrived by now, or b""."""
        now = self._clock()
        if now >= self._release_at:
            self._release()
        if self._pieces and self._pieces[0][0] <= now:
            return bytes(self._pieces.popleft()[1])
        return b""

    def next(self) -> float:
        """When the next piece arrives; infinity when none is on its way."""
        return min(self._release_at, self._pieces[0][0] if self._pieces else math.inf)

    def _apply(self, kind: Kind, byte: bytes, dice: random.Random) -> None:
        if kind is Kind.DISCONNECT:
            self._release()
            self.broken = self._plan.injected[-1]
        elif kind is Kind.FLIP:
            self._pass(bytes(value ^ (1 << dice.randrange(8)) for value in byte))
        elif kind is Kind.DUPLICATE:
            self._pass(byte)
            count = int(2 ** dice.uniform(0, math.log2(REPEAT_BYTES)))
            self._pass(self._recent[-count:])
        elif kind is Kind.DELAY:
            shortest, longest = DELAY_SECONDS
            seconds = shortest * (longest / shortest) ** dice.random()
            self._not_before = max(self._not_before, self._clock()) + seconds
            self._joins = False
            self._pass(byte)
        elif kind is Kind.SPLIT:
            self._joins = False
            self._pass(byte)
        elif kind is Kind.REORDER:
            self._release()
            self._to_hold = dice.randint(1, SWAP_BYTES)
            self._to_pass = dice.randint(1, SWAP_BYTES)
            self._release_at = self._clock() + SWAP_SECONDS
            self._pass(byte)

    def _pass(self, data: bytes) -> None:
        """Lets bytes through, around those that are being overtaken."""
        if self._to_hold:
            held, data = data[: self._to_hold], data[self._to_hold :]
            self._overtaken += held
            self._to_hold -= len(held)
        if self._overtaken and not self._to_hold:
            passing, data = data[: self._to_pass], data[self._to_pass :]
            self._emit(passing)
            self._to_pass -= len(passing)
            if not self._to_pass:
                self._release()
        self._emit(data)

    def _release(self) -> None:
        self._emit(self._overtaken)
        self._overtaken = bytearray()
        self._to_hold = self._to_pass = 0
        self._release_at = math.inf

    def _emit(self, data: bytes | bytearray) -> None:
        if not data:
            return
        due = max(self._not_before, self._clock())
        if self._joins and self._pieces:
            self._pieces[-1][1].extend(data)
        else:
            self._pieces.append((due, bytearray(data)))
        self._joins = True


class FaultyTransport(TransportWrapper):
    """A pipe with a plan's faults. Delayed bytes move while somebody reads, as a session always does.

    Args:
        inner: the pipe.
        plan: what goes wrong.
        clock: seconds that never go back, by which `inner.read` waits.
    """

    def __init__(
        self, inner: Transport, plan: FaultPlan, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(inner)
        self._clock = clock
        self._down = _Lane(plan, "down", clock)
        self._up = _Lane(plan, "up", clock)
        self._gone: FaultSpec | None = None

    def read(self, timeout: float) -> bytes:
        """See Transport."""
        deadline = self._clock() + timeout
        while True:
            self._push()
            arrived = self._up.take()
            if arrived:
                return arrived
            self._break_at(self._up)
            now = self._clock()
            wake = min(deadline, self._down.next(), self._up.next())
            data = self._inner.read(max(0.0, wake - now))
            if data:
                self._up.put(data)
            elif now >= deadline:
                return b""

    def write(self, data: bytes) -> None:
        """See Transport."""
        self._push()
        self._down.put(data)
        self._push()

    def _push(self) -> None:
        if self._gone is not None:
            raise self._vanished(self._gone)
        while piece := self._down.take():
            self._inner.write(piece)
        self._break_at(self._down)

    def _break_at(self, lane: _Lane) -> None:
        """Ends the pipe once all that a lane had before its end has come out."""
        if lane.broken is not None and lane.next() == math.inf:
            self._gone = lane.broken
            self._inner.close()
            raise self._vanished(lane.broken)

    def _vanished(self, why: FaultSpec) -> PortGoneError:
        return PortGoneError(
            f"{self.name} is gone: the fault {why} was asked for", hint="run again without --fault"
        )
