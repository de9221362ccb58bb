"""A sequence, through which the model keeps its state: the board computes each input once and in order, whatever the
cable does; a board that was lost begins again. In virtual time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.disturbance.faults import FaultPlan, FaultSpec, Kind
from boardproof_host.link.refusals import StateLostError
from boardproof_host.link.session import Session
from boardproof_host.record.journal import Entry
from boardproof_host.runs.stream import SEQUENCES, Fleet, Measurement
from support.board_library import BoardOptions, MemoryBoard, VirtualClock, build_board
from support.conversation import random_inputs, replay
from support.exactness import Case, oracle
from support.small_models import svdf_model

IMAGES = 12


@dataclass(frozen=True)
class Filter:
    """A board with a filter over its last inputs."""

    library: Path
    inputs: NDArray[np.uint8]
    kept: NDArray[np.int8]  # what it answers to a sequence
    alone: NDArray[np.int8]  # and to each input at its start


@dataclass(frozen=True)
class Run:
    measurement: Measurement
    board: MemoryBoard
    session: Session
    seen: dict[str, int]  # bytes by direction


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Filter:
    model, inputs = svdf_model(), random_inputs(IMAGES, 4)
    case = Case(model, inputs)
    library = build_board(tmp_path_factory.mktemp("filter"), model)
    return Filter(library, inputs.view(np.uint8), oracle(case), oracle(case, fresh=True))


def run(
    board: Filter,
    faults: Sequence[FaultSpec] = (),
    *,
    options: BoardOptions | None = None,
    stateful: bool = True,
    before: Sequence[Entry] = (),
) -> Run:
    plan, clock = FaultPlan(list(faults), 0), VirtualClock(limit=600)
    memory = MemoryBoard(board.library, clock, options or BoardOptions())
    session = Session(
        plan.wrap(memory, clock),
        seed=1,
        stateful=stateful,
        clock=clock,
        reopen=lambda _: plan.wrap(memory.reopened(), clock),
    )
    session.hello()
    fleet = Fleet([session], board.inputs, stateful=stateful)
    fleet.resume(before)
    measurement = fleet.run()
    return Run(
        measurement, memory, session, {way: schedule.taken for way, schedule in plan.schedules.items()}
    )


def check(found: Run, board: Filter, words: str = "") -> None:
    measurement = found.measurement
    assert measurement.complete and measurement.untrusted is None, (words, measurement.reason)
    np.testing.assert_array_equal(measurement.outputs.view(np.int8), board.kept, words)


def test_state_is_kept_where_it_is_asked_for(board: Filter) -> None:
    assert (board.kept != board.alone).any()
    found = run(board)
    check(found, board)
    assert found.board.inferences == IMAGES and found.session.counters.confirmed == IMAGES
    alone = run(board, stateful=False).measurement
    np.testing.assert_array_equal(alone.outputs.view(np.int8), board.alone)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DISCONNECT])
def test_no_fault_has_an_input_computed_twice(board: Filter, kind: Kind) -> None:
    seen = run(board).seen
    for way in ("down", "up"):
        for offset in range(3, seen[way], 17):
            fault = FaultSpec(kind, direction=way, offset=offset)
            found = run(board, [fault])
            check(found, board, replay([fault], 0))
            assert found.board.inferences == IMAGES, replay([fault], 0)


def test_a_line_that_damages_much(board: Filter) -> None:
    for seed in range(5):
        faults = [
            FaultSpec.parse("flip:0.01"),
            FaultSpec.parse("duplicate:0.005"),
            FaultSpec.parse("drop:0.005"),
        ]
        plan, clock = FaultPlan(faults, seed), VirtualClock(limit=600)
        memory = MemoryBoard(board.library, clock)
        session = Session(plan.wrap(memory, clock), seed=seed, stateful=True, clock=clock)
        session.hello()
        check(Run(Fleet([session], board.inputs, stateful=True).run(), memory, session, {}), board, f"{seed}")
        assert memory.inferences == IMAGES


def test_a_board_that_was_lost_begins_again(board: Filter) -> None:
    received = run(board).seen["down"]
    for at in range(60, received, 19):
        found = run(board, options=BoardOptions(power_lost_at=at, boot=0.05))
        check(found, board, f"power lost at byte {at}")
        assert found.session.counters.restarts >= 1 and found.board.inferences >= IMAGES
    fault = FaultSpec(Kind.DISCONNECT, direction="up", offset=250)
    check(run(board, [fault]), board)


def test_what_was_answered_before_comes_again(board: Filter) -> None:
    """A run that goes on computes the whole sequence, and holds the board to what is known."""
    before = [Entry(index, 1, board.kept[index].tobytes()) for index in range(5)]
    found = run(board, before=before)
    check(found, board)
    assert found.measurement.resumed == 5 and found.board.inferences == IMAGES
    wrong = run(board, before=[Entry(2, 1, bytes(3))]).measurement
    assert wrong.reason is not None and "answered image 2 otherwise" in wrong.reason


def test_a_board_that_is_lost_again_and_again_is_refused(
    board: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def lost(*_: object) -> None:
        begun.append(None)
        raise StateLostError

    monkeypatch.setattr(Session, "stream", lost)
    found = run(board).measurement
    assert len(begun) == SEQUENCES and found.reason is not None and "state with it" in found.reason


def test_a_board_without_state_is_refused(board: Filter) -> None:
    session = run(board).session
    assert session.identity is not None
    session.identity = type(session.identity)(**vars(session.identity) | {"features": 0})
    with pytest.raises(LinkError, match="keeps no state"):
        session.stream(iter(()))
