"""One conversation between a session and a board in memory, over a faulty cable, in virtual time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from boardproof_export.manifest.errors import BoardproofError
from boardproof_host.fault import FaultPlan, FaultSpec
from boardproof_host.session import LinkCounters, Session
from boardproof_host.throttle import ThrottledTransport
from boardproof_host.transport import Transport
from numpy.typing import NDArray
from support.board_library import BoardOptions, MemoryBoard, VirtualClock

SEED = 20
IMAGES = 20


@dataclass(frozen=True)
class Outcome:
    """How a conversation ended. It can only end right or with an error that the user can act on."""

    refused: str | None  # the error's message
    seconds: float  # virtual
    counters: LinkCounters
    injected: tuple[FaultSpec, ...]
    bytes_seen: dict[str, int]  # by direction, before faults
    overruns: int
    inferences: int
    power_losses: int


def random_inputs(count: int, size: int, seed: int = SEED) -> NDArray[np.int8]:
    """int8 (count, size); half of the values are the zero point, so that some inputs go packed and some plain."""
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
    options: BoardOptions | None = None,
    session_seed: int = SEED,
    reopens: bool = True,
    baud: int = 0,
    limit: float = 600.0,
) -> tuple[Outcome, NDArray[np.int8]]:
    """Streams `inputs` through the faults; returns how it ended, and the outputs.

    Args:
        expected: int8 (N, outputs): every answer must be this one. None: whatever comes.
        faults: specs.
        seed: of the faults.
        reopens: a port that vanishes comes back.
        baud: line rate; 0: bytes take no time.
        limit: virtual seconds that the conversation may take.

    Raises:
        AssertionError: a wrong, doubled or missing answer without an error, or a conversation without end.
    """
    plan = FaultPlan([f if isinstance(f, FaultSpec) else FaultSpec.parse(f) for f in faults], seed)
    clock = VirtualClock(limit=limit)
    board = MemoryBoard(library, clock, options or BoardOptions())

    def cable(pipe: Transport) -> Transport:
        return plan.wrap(ThrottledTransport(pipe, baud, clock) if baud else pipe, clock)

    def reopen(_: float) -> Transport:
        return cable(board.reopened())

    session = Session(cable(board), seed=session_seed, clock=clock, reopen=reopen if reopens else None)
    outputs: dict[int, NDArray[np.int8]] = {}
    refused = None
    try:
        session.hello()
        for answer in session.stream((index, row.tobytes()) for index, row in enumerate(inputs)):
            output = np.frombuffer(answer.output, np.int8)
            assert answer.index not in outputs, f"image {answer.index} was answered twice"
            assert expected is None or (output == expected[answer.index]).all(), (
                f"image {answer.index}: wrong"
            )
            outputs[answer.index] = output
        session.check_digest()
        assert len(outputs) == len(inputs), f"images were lost: {set(range(len(inputs))) - set(outputs)}"
    except BoardproofError as error:
        assert error.message
        assert error.hint
        refused = error.message
    outcome = Outcome(
        refused=refused,
        seconds=clock.now,
        counters=session.counters,
        injected=tuple(plan.injected),
        bytes_seen={way: schedule.taken for way, schedule in plan.schedules.items()},
        overruns=board.overruns,
        inferences=board.inferences,
        power_losses=board.power_losses,
    )
    whole = refused is None
    return outcome, np.stack([outputs[index] for index in range(len(inputs))]) if whole else np.zeros(
        (0, 0), np.int8
    )


def replay(faults: Sequence[FaultSpec | str], seed: int) -> str:
    """How to see the same faults again."""
    options = " ".join(f"--fault {fault}" for fault in faults)
    return f"replay: {options} --fault-seed {seed}"
