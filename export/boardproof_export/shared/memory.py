"""Where a model's tensors lie in RAM, and when: what `inspect --memory` draws, and the report."""

from dataclasses import dataclass
from typing import Literal

BufferKind = Literal["input", "output", "between", "state", "scratch"]


@dataclass(frozen=True)
class PlacedBuffer:
    """`bytes` bytes at `offset` of the arena, needed from operator `first` to operator `last`, both included.

    An input is needed from -1 on, an output to one past the last operator; a state all the time.
    """

    kind: BufferKind  # an input stays one where an operator works in place, or the model gives it back
    tensors: tuple[int, ...]  # that lie in it, one after the other; none in a state or a scratch buffer
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class TflmArena:
    """What TensorFlow Lite Micro's arena holds on a 32-bit core, in bytes: upper bounds."""

    tensors: int  # with kernels' scratch buffers, or what planning takes before there are any
    structures: int  # the interpreter's own, and what kernels prepare
    measured: bool  # from what this machine's interpreter allocates; otherwise bounded from the graph

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.tensors + self.structures


@dataclass(frozen=True)
class MemoryPlan:
    """The arena of the engine aot."""

    core: str  # what the kernels are chosen for: their scratch differs
    bytes: int
    ops: int  # operators of the model
    buffers: tuple[PlacedBuffer, ...]  # in the order in which they are needed
    tflm: TflmArena | None  # None where TensorFlow Lite Micro cannot prepare the model
