"""The throttle keeps a UART's rate, in virtual and in real time."""

import os
import time
from collections import deque
from dataclasses import dataclass, field

import pytest

from boardproof_export.shared.errors import InputError
from boardproof_host.link.disturbance.rate import PIECE_BYTES, Line, ThrottledTransport
from boardproof_host.ports.serial_port import SerialTransport
from support.board_library import VirtualClock

DATA = bytes(range(256)) * 4


@dataclass
class Echo:
    """A pipe that returns at once what is written to it, and notes when each byte was written."""

    clock: VirtualClock
    times: list[float] = field(default_factory=list)
    coming: deque[bytes] = field(default_factory=deque)
    silent: bool = False
    name: str = "echo://"
    baud: int = 0

    def read(self, timeout: float) -> bytes:
        if self.coming:
            return self.coming.popleft()
        self.clock.advance(self.clock() + timeout)
        return b""

    def write(self, data: bytes) -> None:
        self.times += [self.clock()] * len(data)
        if not self.silent:
            self.coming.append(data)

    def set_baud(self, baud: int) -> None:
        self.baud = baud

    def close(self) -> None:
        pass


def drain(transport: ThrottledTransport, seconds: float = 1.0) -> bytes:
    out = b""
    while data := transport.read(seconds):
        out += data
    return out


@pytest.mark.parametrize("baud", [9600, 115200, 921600])
def test_a_byte_takes_ten_bits(baud: int) -> None:
    clock = VirtualClock()
    pipe = Echo(clock, silent=True)
    transport = ThrottledTransport(pipe, baud, clock)
    transport.write(DATA)
    assert transport.read(2.0) == b""
    byte = 10 / baud
    late = [time - (index + 1) * byte for index, time in enumerate(pipe.times)]
    assert len(late) == len(DATA)
    assert min(late) > -1e-9
    assert max(late) < PIECE_BYTES * byte
    assert pipe.times[-1] == pytest.approx(len(DATA) * byte)


def test_both_directions_run_at_once() -> None:
    """An echo: each byte goes down and comes up, so the last one is back one piece later, not twice as late."""
    clock = VirtualClock()
    transport = ThrottledTransport(Echo(clock), 115200, clock)
    transport.write(DATA)
    out = b""
    while len(out) < len(DATA):
        out += transport.read(1.0)
    assert out == DATA
    byte = 10 / 115200
    assert len(DATA) * byte < clock() < (len(DATA) + 2 * PIECE_BYTES) * byte


def test_pauses_are_not_made_up_for() -> None:
    clock = VirtualClock()
    pipe = Echo(clock, silent=True)
    transport = ThrottledTransport(pipe, 9600, clock)
    transport.write(b"ab")
    transport.read(1.0)
    transport.write(b"cd")
    transport.read(1.0)
    assert pipe.times == pytest.approx([2 * 10 / 9600, 2 * 10 / 9600, 1 + 20 / 9600, 1 + 20 / 9600])


def test_the_rate_can_change_in_mid_run() -> None:
    clock = VirtualClock()
    pipe = Echo(clock, silent=True)
    transport = ThrottledTransport(pipe, 9600, clock)
    transport.write(b"x" * 96)
    transport.set_baud(960_000)
    assert clock() == pytest.approx(0.1), "what was on the wire leaves at the old rate"
    transport.write(b"x" * 96)
    transport.read(1.0)
    assert pipe.times[-1] == pytest.approx(0.101)
    assert pipe.baud == 960_000


def test_a_time_out_is_kept_while_bytes_pass() -> None:
    clock = VirtualClock()
    transport = ThrottledTransport(Echo(clock, silent=True), 9600, clock)
    transport.write(DATA)
    assert transport.read(0.25) == b""
    assert clock() == pytest.approx(0.25)


def test_the_line_of_one_direction() -> None:
    line = Line(0.5)
    assert line.next() is None
    line.put(b"abc", 10.0)
    line.put(b"d", 10.1)
    assert line.next() == 11.5
    assert (line.take(10.49), line.take(10.5), line.take(11.6), line.take(11.9)) == (b"", b"a", b"bc", b"")
    assert line.take(12.0) == b"d"
    assert line.next() is None


@pytest.mark.parametrize("baud", [0, -9600])
def test_a_rate_that_is_none_is_refused(baud: int) -> None:
    with pytest.raises(InputError):
        ThrottledTransport(Echo(VirtualClock()), baud)


def test_real_time_on_a_pseudo_terminal() -> None:
    """20,000 bytes at 1 Mbaud take 0.2 s, in pieces, through a real pipe."""
    import tty

    leader, follower = os.openpty()
    tty.setraw(follower)
    transport = ThrottledTransport(SerialTransport(os.ttyname(follower)), 1_000_000)
    data = os.urandom(20_000)
    received = b""
    started = time.monotonic()
    try:
        os.set_blocking(leader, False)
        transport.write(data)
        while len(received) < len(data) and time.monotonic() < started + 10:
            transport.read(0.005)
            try:
                received += os.read(leader, 65536)
            except BlockingIOError:
                continue
        seconds = time.monotonic() - started
        os.write(leader, data[:1000])
        back = b""
        started = time.monotonic()
        while len(back) < 1000 and time.monotonic() < started + 10:
            back += transport.read(0.1)
        back_seconds = time.monotonic() - started
    finally:
        transport.close()
        os.close(leader)
        os.close(follower)
    assert received == data
    assert back == data[:1000]
    assert 0.2 <= seconds < 1.0
    assert 0.01 <= back_seconds < 0.5
