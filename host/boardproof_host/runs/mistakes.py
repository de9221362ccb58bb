"""A diagnosis made certain: the mistake with which an operator computes exactly what the board computed.

What `export` knows of operators it is asked for through an entry point: nothing of it is imported here.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import entry_points

from boardproof_host.runs.diagnosis import Diagnosis
from boardproof_host.runs.layers import Differing
from boardproof_host.runs.pair import Pair, Profiled

_TRIED = 3  # images, at most: each is computed with every mistake
_MOST_BYTES = 1 << 20  # of a tensor that is looked at


def explained(
    pair: Pair, found: Diagnosis, profiled: Sequence[Profiled], differing: Sequence[Differing]
) -> Diagnosis:
    """The diagnosis, with the mistake where one of the usual ones explains every value."""
    if found.kind not in ("padding", "unrelated"):
        return found
    explain = next((one.load() for one in entry_points(group="boardproof.checks", name="mistake")), None)
    inputs = {one.image: one.data for one in profiled}
    place = (found.op, found.output)
    boards = {
        one.image: one.board
        for one in differing
        if (one.entry.op, one.entry.output) == place and one.board is not None
    }
    tried = list(boards)[:_TRIED]
    if explain is None or any(len(boards[image]) > _MOST_BYTES for image in tried):
        return found
    read = [pair.read_by(found.op, inputs[image]) for image in tried]
    said = explain(pair.graph, found.op, read, [boards[image] for image in tried])
    if said is None:
        return found
    return replace(found, kind="padding", words=f"the values are exactly what {said}")
