"""Places the buffers of a model in one arena: two buffers overlap only when no operator needs both."""

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 8  # of every buffer: no kernel needs more


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
    """Places buffers greedily: the largest first, each at the lowest offset where nothing in its way lies.

    (TensorFlow Lite Micro's GreedyMemoryPlanner does the same; it is optimal for chains like ours.)
    """
    placed: list[tuple[int, Buffer]] = []
    for buffer in sorted(buffers, key=lambda buffer: (-buffer.size, buffer.first, buffer.name)):
        offset = 0
        for start, other in sorted(placed, key=lambda entry: (entry[0], entry[1].name)):
            if buffer.meets(other) and start < offset + buffer.size:
                offset = max(offset, _align(start + other.size))
        placed.append((offset, buffer))
    size = max((offset + buffer.size for offset, buffer in placed), default=0)
    return Plan(
        offsets={buffer.name: offset for offset, buffer in placed},
        arena_bytes=max(_align(size), ALIGNMENT),
    )


def _align(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
