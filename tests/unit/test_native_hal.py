"""The native HAL: the whole firmware as a process of this machine, talked to over a socket."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardproof_host.protocol import frame, messages
from model_builder import tiny_model
from support.board_library import render_model
from support.host_c import FIRMWARE, compile_host


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("native")
    generated = render_model(folder, tiny_model())
    sources = [
        FIRMWARE / "main.c",
        FIRMWARE / "hal" / "native" / "hal.c",
        *sorted((FIRMWARE / "app").rglob("*.c")),
        *sorted((FIRMWARE / "protocol").glob("*.c")),
        *sorted((FIRMWARE / "engine" / "aot").rglob("*.c")),
        generated / "model_aot.c",
    ]
    return compile_host(folder / "board", sources, [f"-I{generated}"])


@pytest.fixture
def board(program: Path) -> Iterator[tuple["subprocess.Popen[bytes]", socket.socket]]:
    here, there = socket.socketpair()
    with here, subprocess.Popen([program], stdin=there, stdout=there) as process:
        there.close()
        here.settimeout(20)
        yield process, here
        here.close()
        process.wait(20)


def ask(link: socket.socket, kind: int, payload: bytes) -> frame.Frame:
    link.sendall(b"\0" + frame.encode(kind, 7, payload))
    parser = frame.FrameParser()
    while True:
        data = link.recv(4096)
        assert data, "the board hung up"
        if frames := parser.feed(data):
            return frames[0]


def test_it_answers_hello_and_echo(board: tuple["subprocess.Popen[bytes]", socket.socket]) -> None:
    process, link = board
    answer = ask(link, messages.Hello.TYPE, messages.Hello(nonce=99, version=messages.VERSION).pack())
    hello = messages.HelloAnswer.unpack(answer.payload)
    assert (hello.nonce, hello.engine, hello.clock_hz, hello.baud) == (99, "aot", 0, 0)
    assert hello.receive_bytes == 65536
    data = bytes(range(60))
    assert ask(link, messages.Echo.TYPE, data).payload == data
    assert process.poll() is None


def test_it_ends_with_its_input(board: tuple["subprocess.Popen[bytes]", socket.socket]) -> None:
    process, link = board
    link.shutdown(socket.SHUT_WR)
    assert process.wait(20) == 0
