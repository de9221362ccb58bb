"""One contract for every byte pipe (boardproof_host.link.transport.Transport), each opened for real."""

import os
import pty
import socket
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from boardproof_host.link.disturbance.faults import FaultPlan
from boardproof_host.link.disturbance.rate import ThrottledTransport
from boardproof_host.link.refusals import StalledError
from boardproof_host.link.transport import PortGoneError, Transport
from boardproof_host.ports.serial_port import SerialTransport

BAUD = 1_000_000
ALL_BYTES = bytes(range(256))


@dataclass(frozen=True)
class Pipe:
    """A transport, and what its other end does."""

    transport: Transport
    send: Callable[[bytes], object]
    receive: Callable[[], bytes]
    vanish: Callable[[], object]


@contextmanager
def on_terminal(prefix: str = "", suffix: str = "") -> Iterator[Pipe]:
    board, host = pty.openpty()
    tty.setraw(host)
    transport = SerialTransport(prefix + os.ttyname(host) + suffix)
    os.close(host)
    open_ends = [board]

    def vanish() -> None:
        os.close(open_ends.pop())

    try:
        yield Pipe(transport, lambda data: os.write(board, data), lambda: os.read(board, 65536), vanish)
    finally:
        transport.close()
        for end in open_ends:
            os.close(end)


@contextmanager
def on_socket() -> Iterator[Pipe]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = SerialTransport(f"socket://127.0.0.1:{listener.getsockname()[1]}")
        board, _ = listener.accept()
        with board:
            yield Pipe(transport, board.sendall, lambda: board.recv(65536), board.close)
        transport.close()


@contextmanager
def throttled() -> Iterator[Pipe]:
    with on_terminal() as pipe:
        yield Pipe(ThrottledTransport(pipe.transport, BAUD), pipe.send, pipe.receive, pipe.vanish)


@contextmanager
def faulty() -> Iterator[Pipe]:
    with on_terminal() as pipe:
        yield Pipe(FaultPlan([]).wrap(pipe.transport), pipe.send, pipe.receive, pipe.vanish)


def spied() -> AbstractContextManager[Pipe]:
    """A port without a descriptor to wait on: pyserial's own reads and writes."""
    return on_terminal("spy://", f"?file={os.devnull}")


KINDS = [on_terminal, on_socket, spied, throttled, faulty]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def pipe(request: pytest.FixtureRequest) -> Iterator[Pipe]:
    with request.param() as made:
        yield made


def read_all(pipe: Pipe, count: int) -> bytes:
    data, deadline = b"", time.monotonic() + 5
    while len(data) < count and time.monotonic() < deadline:
        data += pipe.transport.read(0.2)
    return data


def test_without_data_a_read_ends_in_time(pipe: Pipe) -> None:
    started = time.monotonic()
    assert pipe.transport.read(0.2) == b""
    assert 0.15 < time.monotonic() - started < 2


def test_a_read_ends_with_the_first_byte_and_loses_none(pipe: Pipe) -> None:
    pipe.send(ALL_BYTES)
    started = time.monotonic()
    first = pipe.transport.read(5.0)
    assert first and time.monotonic() - started < 2
    assert first + read_all(pipe, len(ALL_BYTES) - len(first)) == ALL_BYTES


def test_every_byte_is_written(pipe: Pipe) -> None:
    pipe.transport.write(ALL_BYTES)
    pipe.transport.read(0.1)  # bytes of a throttled line move while somebody reads
    assert pipe.receive() == ALL_BYTES


def test_a_full_pipe_raises_in_time(pipe: Pipe) -> None:
    """Nobody reads at the other end: a write must not wait for ever."""
    pipe.transport.write_seconds = 0.3
    started = time.monotonic()
    with pytest.raises(StalledError, match="took no byte"):
        while time.monotonic() - started < 20:
            pipe.transport.write(ALL_BYTES * 256)
            pipe.transport.read(0.1)
    assert time.monotonic() - started < 15


def test_a_pipe_that_vanished_says_so(pipe: Pipe) -> None:
    pipe.vanish()
    with pytest.raises(PortGoneError, match="is gone"):
        for _ in range(50):
            pipe.transport.read(0.1)
    with pytest.raises(PortGoneError, match="is gone"):
        for _ in range(50):
            pipe.transport.write(ALL_BYTES)
            pipe.transport.read(0.1)


def test_it_is_closed_twice_and_has_a_name_and_a_rate(pipe: Pipe) -> None:
    assert pipe.transport.name
    assert pipe.transport.baud in (0, BAUD)
    pipe.transport.close()
    pipe.transport.close()
