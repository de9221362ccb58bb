"""Places the buffers of a model in one arena: two buffers overlap only when no operator needs both."""

import random
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 8  # of every buffer: no kernel needs more
_PAIRS = 12_000_000  # of buffers, that the search for a better order may look at: half a second


@dataclass(frozen=True)
class Buffer:
    """`size` bytes, needed from operator `first` to operator `last`, both included.

    The model's input is needed from operator -1 on, its output to one past the last operator.
    """

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: "Buffer") -> bool:
        """Whether both are needed at one time."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Plan:
    """Offsets in the arena by buffer name, and the arena's size, both in bytes."""

    offsets: dict[str, int]
    arena_bytes: int


def plan_buffers(buffers: Sequence[Buffer]) -> Plan:
    """Places one buffer after the other, each at the lowest offset where nothing in its way lies.

    The largest come first, as in TensorFlow Lite Micro's GreedyMemoryPlanner. For chains no order is better. Where
    branches leave gaps, other orders are tried: two buffers change places that are needed beside the one at the arena's
    end (a hill climb, the same each time), until nothing is wasted or enough were.
    """
    order = sorted(buffers, key=lambda buffer: (-buffer.size, buffer.first, buffer.name))
    best = _placed(order)
    least = _least(order)
    dice = random.Random(0)
    for _ in range(_PAIRS // max(len(order), 1) ** 2):
        if best.arena_bytes <= max(least, ALIGNMENT):
            break
        last = max(order, key=lambda buffer: best.offsets[buffer.name] + buffer.size)
        near = [position for position, buffer in enumerate(order) if buffer.meets(last)]
        one, other = dice.choice(near), dice.choice(near)
        changed = order.copy()
        changed[one], changed[other] = changed[other], changed[one]
        plan = _placed(changed)
        if plan.arena_bytes <= best.arena_bytes:
            order, best = changed, plan
    return best


def _placed(order: Sequence[Buffer]) -> Plan:
    placed: list[tuple[int, str, Buffer]] = []
    for buffer in order:
        offset = 0
        for start, _, other in placed:
            if start < offset + buffer.size and buffer.meets(other):
                offset = max(offset, _align(start + other.size))
        insort(placed, (offset, buffer.name, buffer))
    size = max((offset + buffer.size for offset, _, buffer in placed), default=0)
    return Plan(
        offsets={buffer.name: offset for offset, _, buffer in placed},
        arena_bytes=max(_align(size), ALIGNMENT),
    )


def _least(buffers: Sequence[Buffer]) -> int:
    """What is needed at one time, at most: no plan takes less."""
    return max(
        (
            sum(_align(other.size) for other in buffers if other.first <= one.first <= other.last)
            for one in buffers
        ),
        default=0,
    )


def _align(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
