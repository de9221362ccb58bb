"""Runs whose inputs are one sequence: the model keeps its state from one to the next."""

from pathlib import Path

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import read_graph
from boardproof_host.boards.open import Boards
from boardproof_host.boards.options import BoardOptions

_WITHOUT = "run without --stateful"


def check(board: BoardOptions, model: Path | None) -> None:
    """Refuses what cannot be one sequence, before anything is built or opened.

    Args:
        model: the file that the board will run, where that is known.

    Raises:
        InputError: several boards would share it, or the model keeps no state.
    """
    boards = len(board.ports) or board.boards
    if boards > 1:
        raise InputError(
            f"a sequence is one board's, and {boards} boards would share this one",
            hint=f"name one board, or {_WITHOUT}",
        )
    if model is not None and not read_graph(model).keeps_state:
        raise InputError(f"{model} keeps no state from one input to the next", hint=_WITHOUT)


def keep_state(boards: Boards) -> None:
    """Has the boards keep state through what they are given.

    Raises:
        InputError: their model has none.
    """
    check(BoardOptions(), boards.model)
    for session in boards.sessions:
        session.stateful = True
