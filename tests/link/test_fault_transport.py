"""The faulty cable does what its specs say, at the byte that they name, whatever pieces the bytes come in."""

import random
import re
from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boardproof_export.shared.errors import InputError
from boardproof_host.link.disturbance.faults import REPEAT_BYTES, FaultPlan, FaultSpec, FaultyTransport, Kind
from boardproof_host.link.transport import PortGoneError
from support.board_library import VirtualClock

DATA = bytes(range(1, 101))


@dataclass
class Pipe:
    """A pipe in memory whose other end is the test."""

    clock: VirtualClock
    written: list[bytes] = field(default_factory=list)
    coming: deque[bytes] = field(default_factory=deque)
    closed: bool = False
    baud: int = 0
    name: str = "pipe://"

    def read(self, timeout: float) -> bytes:
        if self.coming:
            return self.coming.popleft()
        self.clock.advance(self.clock() + timeout)
        return b""

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def set_baud(self, baud: int) -> None:
        self.baud = baud

    def close(self) -> None:
        self.closed = True


def cable(*specs: str, seed: int = 0) -> tuple[FaultyTransport, Pipe, FaultPlan, VirtualClock]:
    clock = VirtualClock()
    plan = FaultPlan([FaultSpec.parse(spec) for spec in specs], seed)
    pipe = Pipe(clock)
    return plan.wrap(pipe, clock), pipe, plan, clock


def send(pieces: list[bytes], direction: str, *specs: str, seed: int = 0) -> tuple[bytes, list[FaultSpec]]:
    """What comes out of the cable in the end."""
    transport, pipe, plan, _ = cable(*specs, seed=seed)
    if direction == "down":
        for piece in pieces:
            transport.write(piece)
        assert transport.read(3.0) == b""
        return b"".join(pipe.written), plan.injected
    pipe.coming.extend(pieces)
    out = b""
    while data := transport.read(3.0):
        out += data
    return out, plan.injected


def cut(data: bytes, seed: int) -> list[bytes]:
    """The same bytes in pieces of 1 to 20."""
    dice = random.Random(seed)
    pieces = []
    while data:
        size = dice.randint(1, 20)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize("offset", [0, 1, 42, 99])
class TestNamedByte:
    def test_drop(self, direction: str, offset: int) -> None:
        assert send([DATA], direction, f"drop@{direction}:{offset}")[0] == DATA[:offset] + DATA[offset + 1 :]

    def test_flip_changes_one_bit(self, direction: str, offset: int) -> None:
        out, _ = send([DATA], direction, f"flip@{direction}:{offset}")
        different = [(a ^ b).bit_count() for a, b in zip(out, DATA, strict=True)]
        assert different == [1 if index == offset else 0 for index in range(100)]

    def test_duplicate_repeats_what_just_passed(self, direction: str, offset: int) -> None:
        out, _ = send([DATA], direction, f"duplicate@{direction}:{offset}")
        again = out[offset + 1 : len(out) - (99 - offset)]
        assert 1 <= len(again) <= min(offset + 1, REPEAT_BYTES)
        assert DATA[: offset + 1].endswith(again)
        assert out == DATA[: offset + 1] + again + DATA[offset + 1 :]

    def test_reorder_only_moves_bytes(self, direction: str, offset: int) -> None:
        out, _ = send([DATA], direction, f"reorder@{direction}:{offset}")
        assert sorted(out) == sorted(DATA)
        assert out[:offset] == DATA[:offset]
        assert (out == DATA) == (offset == 99)  # nothing comes behind the last byte that could overtake it

    def test_split_and_delay_change_no_byte(self, direction: str, offset: int) -> None:
        assert send([DATA], direction, f"split@{direction}:{offset}")[0] == DATA
        assert send([DATA], direction, f"delay@{direction}:{offset}")[0] == DATA

    def test_the_other_direction_is_left_alone(self, direction: str, offset: int) -> None:
        other = "up" if direction == "down" else "down"
        for kind in Kind:
            assert send([DATA], direction, f"{kind}@{other}:{offset}") == (DATA, [])


def test_a_split_comes_in_two_pieces() -> None:
    transport, pipe, _, _ = cable("split@down:10", "split@up:3")
    transport.write(DATA)
    assert pipe.written == [DATA[:10], DATA[10:]]
    pipe.coming.append(DATA)
    assert [transport.read(0), transport.read(0)] == [DATA[:3], DATA[3:]]


def test_a_delay_holds_back_what_follows_too() -> None:
    transport, pipe, _, clock = cable("delay@down:10")
    transport.write(DATA[:20])
    transport.write(DATA[20:])
    assert b"".join(pipe.written) == DATA[:10]
    assert transport.read(2.0) == b""
    assert b"".join(pipe.written) == DATA
    assert clock() == pytest.approx(2.0)


def test_a_disconnect_lets_earlier_bytes_through_and_ends_both_directions() -> None:
    transport, pipe, plan, _ = cable("disconnect@up:10")
    pipe.coming.append(DATA)
    assert transport.read(1.0) == DATA[:10]
    for action in (lambda: transport.read(1.0), lambda: transport.write(b"x")):
        with pytest.raises(PortGoneError, match="disconnect@up:10"):
            action()
    assert pipe.closed
    assert pipe.written == []
    again = plan.wrap(Pipe(VirtualClock()))
    again.write(DATA)  # another pipe of the same plan: the fault is over


def test_a_disconnect_while_writing() -> None:
    transport, pipe, _, _ = cable("disconnect@down:10")
    with pytest.raises(PortGoneError):
        transport.write(DATA)
    assert b"".join(pipe.written) == DATA[:10]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DISCONNECT])
@pytest.mark.parametrize("direction", ["down", "up"])
def test_pieces_do_not_matter(kind: Kind, direction: str) -> None:
    data = random.Random(1).randbytes(3000)
    whole, injected = send([data], direction, f"{kind}:0.02", seed=3)
    assert len(injected) > 20
    for seed in range(3):
        assert send(cut(data, seed), direction, f"{kind}:0.02", seed=3) == (whole, injected)
    assert send(cut(data, 9), direction, *map(str, injected), seed=3)[0] == whole
    if kind not in (Kind.SPLIT, Kind.DELAY):
        assert whole != data
        assert send([data], direction, f"{kind}:0.02", seed=4)[0] != whole


def test_a_rate_is_a_rate() -> None:
    for rate in (0.001, 0.03, 1.0):
        _, injected = send([bytes(20_000)], "down", f"drop:{rate}")
        assert len(injected) == pytest.approx(20_000 * rate, rel=0.35)


def test_what_was_injected_is_counted_by_kind() -> None:
    transport, _, plan, _ = cable("drop@down:3", "flip@down:5", "flip@down:8", "drop@up:0")
    transport.write(DATA)
    assert plan.counts == {"drop": 1, "flip": 2}
    assert [str(spec) for spec in plan.injected] == ["drop@down:3", "flip@down:5", "flip@down:8"]


@given(st.lists(st.sampled_from([f"{kind}@down:{n}" for kind in Kind for n in (0, 1, 2, 5)]), max_size=6))
def test_many_faults_close_together_lose_no_byte_that_they_should_not(specs: list[str]) -> None:
    transport, pipe, _, _ = cable(*specs)
    try:
        transport.write(DATA)
        transport.read(20.0)
    except PortGoneError:
        assert any(spec.startswith("disconnect") for spec in specs)
        return
    out = b"".join(pipe.written)
    assert set(DATA[6:]) <= set(out)
    if not any(spec.startswith(("duplicate", "drop", "flip")) for spec in specs):
        assert sorted(out) == sorted(DATA)


def test_the_rest_of_the_contract_is_the_pipe_s() -> None:
    transport, pipe, _, clock = cable("drop:0.5")
    transport.set_baud(9600)
    assert (pipe.baud, transport.name) == (9600, "pipe://")
    assert transport.read(0.25) == b""
    assert clock() == pytest.approx(0.25)
    transport.close()
    assert pipe.closed


@pytest.mark.parametrize("text", ["flip:0.001", "drop@down:0", "delay@up:123", "disconnect:1"])
def test_specs_read_as_they_are_written(text: str) -> None:
    assert str(FaultSpec.parse(text)) == text


NO_SPECS = """
flip | flip: | flip:0 | flip:2 | flip:-1 | flip:nan | flip:x | crash:0.1 | flip@down | flip@down: | flip@left:3
flip@up:-1 | flip@up:1.5 | @up:1 | flip@:1 |
"""


@pytest.mark.parametrize("text", re.split(r" \| ?|\n", NO_SPECS))
def test_what_is_no_spec_is_refused_with_the_kinds(text: str) -> None:
    with pytest.raises(InputError) as caught:
        FaultSpec.parse(text)
    assert "disconnect" in caught.value.hint
