"""Conversations between a session and a board in memory, over a faulty cable, in virtual time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import BoardproofError
from boardproof_host.link.disturbance.faults import FaultPlan, FaultSpec
from boardproof_host.link.disturbance.rate import ThrottledTransport
from boardproof_host.link.exchange import LinkCounters
from boardproof_host.link.session import Session
from boardproof_host.link.transport import Transport
from model_builder import random_model
from support.board_library import BoardOptions, MemoryBoard, VirtualClock, build_board

SEED = 20
IMAGES = 20


@dataclass(frozen=True)
class Circumstances:
    """What is the same for many conversations."""

    options: BoardOptions = field(default_factory=BoardOptions)
    baud: int = 0  # 0: bytes take no time
    reopens: bool = True  # a port that vanishes comes back
    packed: bool = True
    rates: tuple[int, ...] = ()  # to negotiate after hello
    session_seed: int = SEED
    limit: float = 600.0  # virtual seconds that a conversation may take


@dataclass(frozen=True)
class Outcome:
    """How a conversation ended. It can only end right or with an error that the user can act on."""

    outputs: NDArray[np.int8]  # (N, outputs); no rows when it was refused
    refused: str | None  # the error's message
    seconds: float  # virtual
    counters: LinkCounters
    injected: tuple[FaultSpec, ...]
    bytes_seen: dict[str, int]  # by direction, before faults
    overruns: int
    inferences: int
    power_losses: int


@dataclass(frozen=True)
class Bench:
    """A board, inputs for it, and what it answers when nothing disturbs it."""

    library: Path
    inputs: NDArray[np.int8]  # (N, input_bytes)
    expected: NDArray[np.int8]  # (N, output_bytes)

    def converse(
        self, faults: Sequence[FaultSpec | str] = (), *, seed: int = 0, under: Circumstances | None = None
    ) -> Outcome:
        """Streams the inputs through the faults.

        Raises:
            AssertionError: a wrong, doubled or missing answer without an error, or a conversation without end.
        """
        return converse(self.library, self.inputs, self.expected, faults, seed=seed, under=under)


def make_bench(folder: Path, depths: tuple[int, ...], images: int = IMAGES) -> Bench:
    """Builds a board with a seeded model of these layers in `folder`, and lets it answer undisturbed."""
    library = build_board(folder, random_model(1, depths=depths))
    inputs = random_inputs(images, depths[0])
    return Bench(library, inputs, converse(library, inputs, None).outputs)


def as_bench(library: Path, inputs: Sequence[bytes], outputs: Sequence[bytes]) -> Bench:
    """A board whose right answers are known."""
    rows, expected = ([np.frombuffer(row, np.int8) for row in side] for side in (inputs, outputs))
    return Bench(library, np.stack(rows), np.stack(expected))


def random_inputs(count: int, size: int, seed: int = SEED) -> NDArray[np.int8]:
    """int8 (count, size); half of them mostly the zero point, so that some go packed and some plain."""
    rng = np.random.default_rng(seed)
    inputs = rng.integers(-128, 128, (count, size)).astype(np.int8)
    inputs[::2, : size * 3 // 4] = -128
    return inputs


def converse(
    library: Path,
    inputs: NDArray[np.int8],
    expected: NDArray[np.int8] | None,
    faults: Sequence[FaultSpec | str] = (),
    *,
    seed: int = 0,
    under: Circumstances | None = None,
    session_type: type[Session] = Session,
) -> Outcome:
    """Streams `inputs` to the board of `library` through `faults`; `expected` None: whatever comes is right.

    Raises:
        AssertionError: see `Bench.converse`.
    """
    under = under or Circumstances()
    plan = FaultPlan([f if isinstance(f, FaultSpec) else FaultSpec.parse(f) for f in faults], seed)
    clock = VirtualClock(limit=under.limit)
    board = MemoryBoard(library, clock, under.options)

    def cable(pipe: Transport) -> Transport:
        return plan.wrap(ThrottledTransport(pipe, under.baud, clock) if under.baud else pipe, clock)

    session = session_type(
        cable(board),
        seed=under.session_seed,
        packed=under.packed,
        clock=clock,
        reopen=(lambda _: cable(board.reopened())) if under.reopens else None,
    )
    outputs, refused = _stream(session, inputs, expected, under.rates)
    return Outcome(
        outputs=outputs,
        refused=refused,
        seconds=clock.now,
        counters=session.counters,
        injected=tuple(plan.injected),
        bytes_seen={way: schedule.taken for way, schedule in plan.schedules.items()},
        overruns=board.overruns,
        inferences=board.inferences,
        power_losses=board.power_losses,
    )


def _stream(
    session: Session, inputs: NDArray[np.int8], expected: NDArray[np.int8] | None, rates: tuple[int, ...]
) -> tuple[NDArray[np.int8], str | None]:
    outputs: dict[int, NDArray[np.int8]] = {}
    try:
        session.hello()
        session.raise_baud(rates)
        for answer in session.stream((index, row.tobytes()) for index, row in enumerate(inputs)):
            output = np.frombuffer(answer.output, np.int8)
            assert answer.index not in outputs, f"image {answer.index} was answered twice"
            assert expected is None or (output == expected[answer.index]).all(), (
                f"image {answer.index}: wrong"
            )
            outputs[answer.index] = output
        session.check_digest()
    except BoardproofError as error:
        assert error.message
        assert error.hint
        return np.zeros((0, 0), np.int8), error.message
    assert len(outputs) == len(inputs), f"images without an answer: {set(range(len(inputs))) - set(outputs)}"
    return np.stack([outputs[index] for index in range(len(inputs))]), None


def replay(faults: Sequence[FaultSpec | str], seed: int) -> str:
    """How to see the same faults again."""
    return f"replay: {' '.join(f'--fault {fault}' for fault in faults)} --fault-seed {seed}"
