"""The ladder built in a process of its own: TensorFlow crashes on some models, which must cost no more than a rung."""

import multiprocessing
import signal
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from boardproof_export.ladder import console
from boardproof_export.ladder.build import build
from boardproof_export.ladder.data import LadderData
from boardproof_export.shared.errors import BoardproofError, InputError, ToolMissingError

_KINDS: dict[str, type[BoardproofError]] = {kind.__name__: kind for kind in (InputError, ToolMissingError)}


Ladder = tuple[dict[str, Any], dict[str, bytes]]  # as `build` returns it


def build_apart(path: Path, data: LadderData, work: Callable[..., None] | None = None) -> Ladder:
    """As `build`; a rung at which the process dies is left out, and the others are made again without it.

    Args:
        work: what the process runs, for tests: `_work`, or a function of its arguments.

    Raises:
        InputError: as `build`, or the process dies before the first rung.
        ToolMissingError: TensorFlow is missing.
    """
    crashed: dict[str, str] = {}
    while True:
        answer = _attempt(work or _work, (path, data), crashed)
        if answer is not None:
            return answer


def _attempt(
    work: Callable[..., None],
    given: tuple[Path, LadderData],
    crashed: dict[str, str],
) -> Ladder | None:
    """The ladder; None where the process died at a rung, which is in `crashed` then."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs, *given, crashed), daemon=True)
    process.start()
    theirs.close()
    rung = ""
    try:
        while True:
            kind, *said = ours.recv()
            if kind == "rung":
                (rung,) = said
            elif kind == "ladder":
                record, contents = said
                return record, contents
            else:
                raise _KINDS[kind](said[0], hint=said[1]) if kind in _KINDS else RuntimeError(said[0])
    except EOFError as error:
        process.join()
        why = f"TensorFlow crashes ({_ending(process.exitcode)})"
        if not rung or rung in crashed:
            raise InputError(
                f"{given[0]}: {why}", hint="use layers that TensorFlow Lite's builtin operators cover"
            ) from error
        crashed[rung] = f"{why} when it converts the model to {rung}"
        return None
    finally:
        process.kill()
        process.join()
        console.progress().show_cursor()  # hidden by a progress that was killed


def _work(
    pipe: Connection,
    path: Path,
    data: LadderData,
    crashed: Mapping[str, str],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    try:
        record, contents = build(path, data, crashed=crashed, tell=lambda rung: pipe.send(("rung", rung)))
        pipe.send(("ladder", record, contents))
    except BoardproofError as error:
        pipe.send((type(error).__name__, error.message, error.hint))
    except Exception as error:
        pipe.send(("fault", f"{type(error).__name__}: {error}"))


def _ending(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
