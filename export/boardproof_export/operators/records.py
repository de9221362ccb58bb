"""What an operator's module states, as records: all that limits, schedule, plan and renderer know of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate, pairwise
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator

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
class State:
    """Bytes that outlive an inference. A network has one state a name, and lies in RAM of its own."""

    name: str
    initial: NDArray[np.uint8] = field(repr=False)  # at the start, and after a reset


Member = int | float | str | tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One call of a kernel: data, never text.

    A descriptor's member is a number (a float is a C float), several of them, or an array's name.

    `sources` and `outputs` are positions among the tensors that the operator reads and writes; None stands for all.
    """

    arrays: tuple[Array, ...]
    descriptor: Mapping[str, Member]
    flash_bytes: int  # of the arrays, on a board
    asserts: tuple[tuple[str, str], ...] = ()  # C expression, what it says if false
    sources: tuple[int, ...] | None = None
    outputs: tuple[int, ...] | None = None
    function: str = ""  # of the kernel's C module, where it is not the kernel's own


@dataclass(frozen=True)
class Kernel(Generic[Layer]):
    """A C function that computes a layer, or a part of it a call: `name`(descriptor, inputs, outputs, states, scratch
    if there is any). The descriptor is of type `descriptor`, aot_ROOM_t where that is not said."""

    name: str
    pack: Callable[[Layer], Call | tuple[Call, ...]]
    needs: frozenset[Feature] = frozenset()
    scratch: Callable[[Layer], int] = lambda _: 0  # bytes
    descriptor: str = ""
    fits: Callable[[Layer], bool] = lambda _: True  # whether it computes that layer


@dataclass(frozen=True)
class Operator(Generic[Layer]):
    """An operator of the aot engine. It reads the inputs that are no constants, in their order.

    `resolve` raises checks.UnsupportedError, or DamagedOptionsError. `reference` is NumPy's, to the bit: from the layer
    and what is read to what is written, one array or several, all flat and of the tensors' types; states come last, as
    flat arrays of bytes that it changes. Without kernels nothing is computed: the output is the first input under
    another name.
    """

    name: str  # the schema's, in lower case
    resolve: Callable[[Graph, Op], Layer]
    reference: Callable[..., NDArray[Any] | tuple[NDArray[Any], ...]]
    kernels: tuple[Kernel[Layer], ...] = ()  # preferred first; the last needs nothing and fits all
    family: str = (
        ""  # of its modules: operators/FAMILY.py, engine/aot/operators/FAMILY.h; its name where not said
    )
    c_module: str = ""  # engine/aot/operators/C_MODULE.h, where families share one
    in_place: bool = False  # an output may lie where the first input lies
    states: Callable[[Graph, Op], tuple[State, ...]] | None = None  # what it keeps; called after `resolve`
    calls: Callable[[Op], tuple[int, ...]] = lambda _: ()  # subgraphs whose work is done at the start
    reads: bool = True  # False: of its inputs only what is known at export, such as their shapes
    folds: bool = True  # False: with constants alone it is refused, for `reference` takes no weights
    describe: Callable[[Layer], str] = lambda _: ""
    macs: Callable[[Graph, Op], int] = lambda _graph, _op: 0
    activation: Callable[[Options], str] | None = None  # the fused one's name
    # What is usually mistaken about a layer, in words, and the layer as mistaken: for who looks for a mistake.
    mistakes: Callable[[Layer], Iterable[tuple[str, Layer]]] = lambda _: ()

    @property
    def builtin(self) -> int:
        """The schema's number."""
        number: int = getattr(BuiltinOperator, self.name.upper())
        return number

    @property
    def room(self) -> str:
        """The name of its modules."""
        return self.family or self.name

    @property
    def c_room(self) -> str:
        """The name of its C module."""
        return self.c_module or self.room

    def kernel_for(self, features: frozenset[Feature], layer: Layer) -> Kernel[Layer] | None:
        """The first kernel that computes the layer on such a core; None where nothing is computed."""
        fitting = (kernel for kernel in self.kernels if kernel.needs <= features and kernel.fits(layer))
        return next(fitting, None)
