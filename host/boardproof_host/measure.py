"""Streams images to a board and keeps what comes back, whatever ends the run."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from boardproof_export.manifest.errors import BoardproofError
from numpy.typing import NDArray

from boardproof_host.session import Session


@dataclass
class Measurement:
    """What a board answered: rows follow the inputs; `answered` tells which rows hold an answer.

    outputs: int8 (N, output_bytes); ticks: uint32 (N,), in the board's tick unit; seconds: wall time of the stream.
    """

    outputs: NDArray[np.int8]
    ticks: NDArray[np.uint32]
    answered: NDArray[np.bool_]
    seconds: float = 0.0
    failure: BoardproofError | None = None  # what ended the run before its last image
    interrupted: bool = False
    reason: str = field(default="")

    @property
    def complete(self) -> bool:
        """Every input was answered, and nothing failed."""
        return bool(self.answered.all()) and self.failure is None and not self.interrupted


def measure(
    session: Session, inputs: NDArray[np.int8], progress: Callable[[int], None] | None = None
) -> Measurement:
    """Streams all inputs; link failures and Ctrl-C end the run early and are kept in the result.

    Args:
        session: said hello already.
        inputs: int8 (N, input_bytes).
        progress: called with the number of images answered, now and then.
    """
    assert session.identity is not None
    count = len(inputs)
    result = Measurement(
        outputs=np.zeros((count, session.identity.output_bytes), np.int8),
        ticks=np.zeros(count, np.uint32),
        answered=np.zeros(count, np.bool_),
    )
    started = time.monotonic()
    done = 0
    try:
        for answer in session.stream(_rows(inputs)):
            result.outputs[answer.index] = np.frombuffer(answer.output, np.int8)
            result.ticks[answer.index] = answer.ticks
            result.answered[answer.index] = True
            done += 1
            if progress is not None and done % 16 == 0:
                progress(done)
        result.seconds = time.monotonic() - started
        session.check_digest()
    except KeyboardInterrupt:
        result.interrupted = True
        result.reason = "interrupted"
    except BoardproofError as error:
        result.failure = error
        result.reason = error.message
    finally:
        if not result.seconds:
            result.seconds = time.monotonic() - started
    if progress is not None:
        progress(done)
    return result


def _rows(inputs: NDArray[np.int8]) -> Iterator[tuple[int, bytes]]:
    for index, row in enumerate(inputs):
        yield index, row.tobytes()
