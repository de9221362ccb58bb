"""What an operator's module states, as records: all that limits, schedule, plan and renderer know of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate, pairwise
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from boardproof_export.shared.model import Graph, Op
from boardproof_export.shared.options import Options

Layer = TypeVar("Layer")


class Feature(Enum):
    """What a kernel may need of a core."""

    DSP = "DSP instructions"
    ELPM = "8-bit AVR's loads from flash"


@dataclass(frozen=True)
class Array:
    """A constant array in flash. `values` is one number an element, or (elements, members) for an array of structs.

    `lengths` cuts it into several arrays, for a compiler that takes no large ones; the descriptor then gets a table of
    pointers to them.
    """

    name: str
    c_type: str
    values: NDArray[Any] = field(repr=False)
    lengths: tuple[int, ...] = ()
    what: str = ""  # a comment

    @property
    def pieces(self) -> list[NDArray[Any]]:
        """What each C array holds."""
        cuts = [0, *accumulate(self.lengths or (len(self.values),))]
        return [self.values[start:end] for start, end in pairwise(cuts)]


@dataclass(frozen=True)
class Call:
    """What is rendered for one operator: data, never text. A descriptor's member is a number or an array's name."""

    arrays: tuple[Array, ...]
    descriptor: Mapping[str, int | str]
    flash_bytes: int  # of the arrays, on a board
    asserts: tuple[tuple[str, str], ...] = ()  # C expression, what it says if false


@dataclass(frozen=True)
class Kernel(Generic[Layer]):
    """A C function that computes a layer: `name`(descriptor, input, output, scratch if there is any)."""

    name: str
    pack: Callable[[Layer], Call]
    needs: frozenset[Feature] = frozenset()
    scratch: Callable[[Layer], int] = lambda _: 0  # bytes


@dataclass(frozen=True)
class Operator(Generic[Layer]):
    """An operator of the aot engine. It reads one tensor that is computed, its first input, and writes one.

    `resolve` raises checks.UnsupportedError, or DamagedOptionsError. Without kernels nothing is computed: the output is
    the input under another name.
    """

    name: str  # of its modules: operators/NAME.py, engine/aot/operators/NAME.h
    builtin: int
    resolve: Callable[[Graph, Op], Layer]
    reference: Callable[
        [Layer, NDArray[Any]], NDArray[Any]
    ]  # NumPy's, to the bit: int8 input to int8 output, flat
    kernels: tuple[Kernel[Layer], ...] = ()  # preferred first; the last needs nothing
    describe: Callable[[Layer], str] = lambda _: ""
    macs: Callable[[Graph, Op], int] = lambda _graph, _op: 0
    activation: Callable[[Options], str] | None = None  # the fused one's name

    def kernel_for(self, features: frozenset[Feature]) -> Kernel[Layer] | None:
        """The first kernel that such a core can run; None where nothing is computed."""
        fitting: Sequence[Kernel[Layer]] = [kernel for kernel in self.kernels if kernel.needs <= features]
        return fitting[0] if fitting else None
