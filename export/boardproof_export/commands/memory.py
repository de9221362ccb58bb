"""`boardproof inspect --memory`: where the engine aot lays tensors, and when, beside what TensorFlow Lite Micro takes.

Plain text of 80 columns at most."""

import string
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.memory import memory_plan
from boardproof_export.aot.network import Network, resolve
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.memory import MemoryPlan, PlacedBuffer, TflmArena
from boardproof_export.shared.model import Graph
from boardproof_export.tflm.arena import board_arena
from boardproof_export.tflm.engines import require

MOST_COLUMNS = 80
ROWS = 16  # of the picture
LISTED = 24  # buffers, the largest
FREE = "."
AXIS = "operator"
LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
_BAR = 24  # columns of the largest arena
_ALIGNMENT = 8


def plans_of(graph: Graph, path: Path) -> tuple[MemoryPlan, ...]:
    """The plan for every core profile.

    Raises:
        InputError: the engine aot cannot run the graph, so that there is none.
    """
    network = resolve(graph)
    if not isinstance(network, Network):
        require(graph, network, path, "has no memory plan of the engine aot")
    assert isinstance(network, Network)
    tflm = tflm_arena(graph, path)
    return tuple(memory_plan(network, core, tflm) for core in CORES.values())


def tflm_arena(graph: Graph, path: Path) -> TflmArena | None:
    """What TensorFlow Lite Micro takes; None where it cannot prepare the graph."""
    try:
        return board_arena(graph, path)
    except InputError:
        return None


def lines(plans: Sequence[MemoryPlan], shown: str, columns: int) -> Iterator[str]:
    """The arenas side by side, then the picture and the buffers of the profile `shown`."""
    columns = min(columns, MOST_COLUMNS)
    plan = next(plan for plan in plans if plan.core == shown)
    yield from _arenas(plans)
    yield ""
    live = [_live(plan, op) for op in range(plan.ops)]
    peak = max(live)
    yield f"the arena, {plan.core}; at once: {peak:,} bytes at operator {live.index(peak)}"
    yield from _picture(plan, columns)
    yield ""
    yield from _buffers(plan)


def _arenas(plans: Sequence[MemoryPlan]) -> Iterator[str]:
    """A bar an arena: ours by core profile, then TensorFlow Lite Micro's."""
    tflm = plans[0].tflm
    most = max([plan.bytes for plan in plans] + ([] if tflm is None else [tflm.bytes]))
    yield "RAM for tensors, bytes"
    for plan in plans:
        yield f"  {'aot, ' + plan.core:<16}{plan.bytes:>11,}  {_bar('#', plan.bytes, most)}"
    if tflm is None:
        yield "  TensorFlow Lite Micro cannot prepare this model"
        return
    tensors = _bar("#", tflm.tensors, most)
    bar = tensors + _bar("=", tflm.bytes, most)[len(tensors) :]
    yield f"  {'TFLM':<16}{tflm.bytes:>11,}  {bar}"
    source = "measured" if tflm.measured else "bounded"
    yield f"  # tensors and scratch; = its structures, {tflm.structures:,}"
    yield f"  TFLM: TensorFlow Lite Micro on 32 bits, at most, {source}"


def _bar(mark: str, size: int, most: int) -> str:
    return mark * max(1, round(_BAR * size / most))


def _picture(plan: MemoryPlan, columns: int) -> Iterator[str]:
    """A row a band of addresses, named by its first and the highest on top; a column an operator, or several where
    there are many."""
    left = max(len(f"{plan.bytes:,}"), len(AXIS))
    moments = list(range(-1, plan.ops + 1))
    room = columns - left - 2
    together = -(-len(moments) // room)
    groups = [moments[start : start + together] for start in range(0, len(moments), together)]
    wide = max(1, min(4, room // len(groups)))
    rows = max(1, min(ROWS, plan.bytes // _ALIGNMENT))
    edges = [plan.bytes // _ALIGNMENT * row // rows * _ALIGNMENT for row in range(rows + 1)]
    for low, high in reversed(list(pairwise(edges))):
        cells = (_cell(plan, low, high, group) * wide for group in groups)
        yield f"{low:>{left},} |{''.join(cells)}"
    yield f"{AXIS:>{left}}  {_axis(plan.ops, [group[0] for group in groups], wide, room)}"


def _cell(plan: MemoryPlan, low: int, high: int, moments: Sequence[int]) -> str:
    """The letter of the buffer that takes most of a band."""
    best, mark = 0, FREE
    for number, buffer in enumerate(plan.buffers):
        if buffer.first <= moments[-1] and moments[0] <= buffer.last:
            taken = min(high, buffer.offset + buffer.bytes) - max(low, buffer.offset)
            if taken > best:
                best, mark = taken, LETTERS[number % len(LETTERS)]
    return mark


def _axis(ops: int, starts: Sequence[int], wide: int, room: int) -> str:
    """Operators' numbers below the columns, as many as find room."""
    line = ""
    for position, moment in enumerate(starts):
        text = _moment(moment, ops)
        if len(line) <= position * wide - (1 if line else 0) and position * wide + len(text) <= room:
            line = line.ljust(position * wide) + text
    return line


def _buffers(plan: MemoryPlan) -> Iterator[str]:
    """A line a buffer: what it is, how large, where, and which operators need it."""
    shown = sorted(sorted(range(len(plan.buffers)), key=lambda number: -plan.buffers[number].bytes)[:LISTED])
    yield "   buffer       bytes         at  operators   tensors"
    for number in shown:
        buffer = plan.buffers[number]
        tensors = ", ".join(map(str, buffer.tensors)) or "-"
        row = f"{LETTERS[number % len(LETTERS)]}  {buffer.kind:<7}{buffer.bytes:>11,}{buffer.offset:>11,}"
        yield f"{row}  {_span(buffer, plan.ops):<10}  {tensors}"[:MOST_COLUMNS]
    if len(plan.buffers) > LISTED:
        yield f"and {len(plan.buffers) - LISTED} smaller ones (--json has them)"


def _span(buffer: PlacedBuffer, ops: int) -> str:
    first, last = _moment(buffer.first, ops), _moment(buffer.last, ops)
    return first if first == last else f"{first} to {last}"


def _moment(moment: int, ops: int) -> str:
    """An operator's number; before the first the inputs are written, after the last the outputs read."""
    return {-1: "in", ops: "out"}.get(moment, str(moment))


def _live(plan: MemoryPlan, moment: int) -> int:
    """Bytes of all buffers that are needed at a moment."""
    return sum(buffer.bytes for buffer in plan.buffers if buffer.first <= moment <= buffer.last)
