"""A port that vanishes in mid-run: the run goes on where it comes back, with every image right."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from boardproof_export.shared.errors import LinkError
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_host.boards.virtual.board import Firmware, VirtualBoard, build
from boardproof_host.link.session import Session
from boardproof_host.link.timeouts import Patience
from boardproof_host.link.transport import Transport
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.runs.stream import Fleet
from support.host_c import ROOT
from support.linked_checkout import boardproof, linked_checkout
from support.served_board import on_terminal

MODEL = ROOT / "models" / "fashion_mnist_int8.tflite"
IMAGES = 600


@pytest.fixture(scope="module")
def firmware() -> Firmware:
    return build(MODEL.read_bytes())


def inputs() -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    return dataset.quantize(dataset.load("test").images[:IMAGES], 1 / 255, -128).view(np.uint8)


def after(answers: int, act: Callable[[], None]) -> Callable[[object], None]:
    """Acts once, when so many answers have come: whatever the machine's speed."""
    seen = []

    def keep(_: object) -> None:
        seen.append(1)
        if len(seen) == answers:
            act()

    return keep


def undisturbed(firmware: Firmware) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    with on_terminal(firmware) as port:
        transport = SerialTransport(port)
        session = Session(transport)
        session.hello()
        result = Fleet([session], inputs()).run()
        transport.close()
    assert result.reason is None
    return result.outputs


def test_under_another_name(firmware: Firmware) -> None:
    """The terminal goes away for real; the board is found at another one, restarted."""
    first = contextlib.ExitStack()
    name = first.enter_context(on_terminal(firmware))
    with on_terminal(firmware) as other:
        session = Session(
            SerialTransport(name),
            patience=Patience(silence=2.0, hello=2.0),
            reopen=lambda _: SerialTransport(other),
        )
        session.hello()

        result = Fleet([session], inputs(), keep=after(50, first.close)).run()
        assert result.reason is None, result.failures
        assert session.counters.reopened == 1
        assert session.transport.name == other
        session.transport.close()
    assert np.array_equal(result.outputs, undisturbed(firmware))


def test_another_firmware_is_not_taken_for_the_board(firmware: Firmware, tmp_path: Path) -> None:
    content = bytearray(MODEL.read_bytes())
    content[len(content) // 2] ^= 1
    first = contextlib.ExitStack()
    name = first.enter_context(on_terminal(firmware))
    with on_terminal(build(bytes(content))) as other:

        def reopen(_: float) -> Transport:
            return SerialTransport(other)

        session = Session(SerialTransport(name), patience=Patience(silence=2.0), reopen=reopen)
        session.hello()
        result = Fleet([session], inputs(), keep=after(50, first.close)).run()
        assert result.reason is not None
        assert "another model_sha256" in result.reason
        assert 50 <= int(result.answered.sum()) < IMAGES
        session.transport.close()


@contextlib.contextmanager
def dropping_server(firmware: Firmware, drop_after: int, drops: int) -> Iterator[str]:
    """A board behind a TCP server that hangs up `drops` times, each time after so many bytes; the board goes on."""
    connected: list[socket.socket] = []
    board = VirtualBoard(firmware, lambda data: connected[-1].sendall(data))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for visit in range(drops + 1):
                connection, _ = listener.accept()
                connected.append(connection)
                left = drop_after if visit < drops else 1 << 60
                with connection, contextlib.suppress(OSError):
                    while left > 0 and (data := connection.recv(4096)):
                        left -= len(data)
                        board.feed(data)

        threading.Thread(target=serve, daemon=True).start()
        host, port = listener.getsockname()
        yield f"socket://{host}:{port}"


def test_a_connection_that_drops_three_times(firmware: Firmware, tmp_path: Path) -> None:
    project = linked_checkout(tmp_path)
    with dropping_server(firmware, drop_after=60_000, drops=3) as url:
        done = boardproof(project, "run", "--port", url, "--limit", str(IMAGES), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    measured = report["measured"]
    assert (measured["verdict"], report["outcome"], measured["images"]) == ("exact", "proven", IMAGES)
    assert measured["link"]["reopened"] == 3


def test_a_port_that_does_not_come_back(firmware: Firmware) -> None:
    first = contextlib.ExitStack()
    session = Session(SerialTransport(first.enter_context(on_terminal(firmware))))
    session.hello()
    result = Fleet([session], inputs(), keep=after(50, first.close)).run()
    assert result.reason is not None
    (error,) = result.failures.values()
    assert isinstance(error, LinkError)
    assert 50 <= int(result.answered.sum()) < IMAGES
