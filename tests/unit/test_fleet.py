"""A fleet that is interrupted waits for what its boards have in flight."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.session import Session
from boardproof_host.runs.stream import Fleet

IN_FLIGHT = 5
SECONDS_AN_ANSWER = 0.3


@dataclass(frozen=True)
class Answer:
    index: int
    ticks: int
    output: bytes


class SlowBoard:
    """As a session: takes IN_FLIGHT images at once and answers them one by one, whatever happens meanwhile."""

    identity = SimpleNamespace(output_bytes=1)
    transport = SimpleNamespace(name="slow")

    def __init__(self) -> None:
        self.confirmed = False

    def stream(self, inputs: Iterator[tuple[int, bytes]], _: object) -> Iterator[Answer]:
        taken = [index for _, (index, _) in zip(range(IN_FLIGHT), inputs, strict=False)]
        for index in taken:
            time.sleep(SECONDS_AN_ANSWER)
            yield Answer(index, 1, b"\1")

    def check_digest(self) -> None:
        self.confirmed = True


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Also where a shell has started the tests in the background, with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("boards", [1, 2])
def test_ctrl_c_waits_for_what_is_in_flight(boards: int, heeds_ctrl_c: None) -> None:
    sessions = [SlowBoard() for _ in range(boards)]
    told: list[bool] = []
    fleet = Fleet(
        cast(list[Session], sessions),
        np.zeros((100, 1), np.uint8),
        keep=None,
        stopping=lambda: told.append(all(session.confirmed for session in sessions)),
    )
    timer = threading.Timer(1.5 * SECONDS_AN_ANSWER, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    result: Any = fleet.run()
    assert result.interrupted
    assert told == [False]  # at once, before anything is waited for
    assert not result.failures
    assert int(result.answered.sum()) == boards * IN_FLIGHT
    assert all(session.confirmed for session in sessions)


class DyingBoard(SlowBoard):
    """Takes its images with it."""

    transport = SimpleNamespace(name="dying")

    def stream(self, inputs: Iterator[tuple[int, bytes]], _: object) -> Iterator[Answer]:
        taken = [index for _, (index, _) in zip(range(IN_FLIGHT), inputs, strict=False)]
        yield Answer(taken[0], 1, b"\1")
        raise LinkError("it died", hint="look after it")


def test_what_a_dead_board_left_is_done_by_the_others() -> None:
    sessions = [SlowBoard(), DyingBoard()]
    fleet = Fleet(cast(list[Session], sessions), np.zeros((2 * IN_FLIGHT, 1), np.uint8))
    timer = threading.Timer(15, fleet._stop.set)  # or it waits for ever
    timer.start()
    result = fleet.run()
    timer.cancel()
    assert result.complete
    assert list(result.failures) == ["dying"]
    assert result.reason is None
