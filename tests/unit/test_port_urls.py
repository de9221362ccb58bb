"""A session over every kind of URL that pyserial knows, each opened for real."""

from pathlib import Path

import numpy as np
import pytest

from boardproof_export.shared.errors import InputError
from boardproof_host.boards.virtual import board as virtual_board
from boardproof_host.boards.virtual.board import Firmware
from boardproof_host.link.refusals import NoAnswerError
from boardproof_host.link.session import Session
from boardproof_host.link.timeouts import Patience
from boardproof_host.oracles.worker import load_tflm
from boardproof_host.ports.serial_port import SerialTransport
from model_builder import random_model
from support.served_board import on_rfc2217, on_socket, on_terminal
from support.small_models import edges_of

MODEL = random_model(9, depths=(20, 6))


@pytest.fixture(scope="module")
def firmware() -> Firmware:
    return virtual_board.build(MODEL)


def run_session(url: str, count: int = 40) -> None:
    inputs = [bytes((index * 7 + at) & 0xFF for at in range(20)) for index in range(count)]
    transport = SerialTransport(url)
    session = Session(transport, Patience(hello=5.0))
    assert session.hello().target == "tflm_host"
    answers = {answer.index: answer.output for answer in session.stream(enumerate(inputs))}
    session.check_digest()
    transport.close()
    run = load_tflm(MODEL, edges_of(MODEL))
    assert answers == {
        index: run(np.frombuffer(data, np.uint8), True).tobytes() for index, data in enumerate(inputs)
    }


def test_socket(firmware: Firmware) -> None:
    with on_socket(firmware) as (host, port):
        run_session(f"socket://{host}:{port}")


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # of pyserial itself
def test_rfc2217(firmware: Firmware) -> None:
    with on_rfc2217(firmware) as (host, port):
        run_session(f"rfc2217://{host}:{port}")


def test_spy(firmware: Firmware, tmp_path: Path) -> None:
    """pyserial's log of a port: the session works, and the file shows its bytes."""
    log = tmp_path / "bytes.log"
    with on_terminal(firmware) as device:
        run_session(f"spy://{device}?file={log}", count=5)
    text = log.read_text()
    assert " TX " in text
    assert " RX " in text


def test_loop_has_no_board_behind_it() -> None:
    transport = SerialTransport("loop://")
    with pytest.raises(NoAnswerError):
        Session(transport, Patience(hello=0.3)).hello()
    transport.close()


@pytest.mark.parametrize("url", ["hwgrep://[", "hwgrep://*", "nothing://x"])
def test_what_is_no_url_of_a_port_is_a_wrong_argument(url: str) -> None:
    with pytest.raises(InputError, match="is no port"):
        SerialTransport(url)
