"""What a traced image shows: the operators' outputs on the board beside those of the reference. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import LinkError
from boardproof_export.shared.model import Graph, Tensor
from boardproof_export.shared.tensors import TENSOR_TYPES
from boardproof_host.protocol.messages import MalformedPayloadError, ProfileEntry, Reader
from boardproof_host.runs.diagnosis import Diagnosis, diagnose

_FLASH = "build and flash the firmware again"
SHOWN = 8  # differing elements that a divergence lists


@dataclass(frozen=True)
class Entry:
    """What a profile says of one output of one operator."""

    op: int  # index in execution order
    output: int  # of the operator's outputs
    ticks: int  # of the operator, with its first output; 0 with the others
    bytes: int
    crc: int  # CRC-32


@dataclass(frozen=True)
class Differing:
    """The first output of an image that differs, as bytes from both sides; None where they were not asked for."""

    image: int
    entry: Entry
    board: bytes | None
    reference: bytes | None


@dataclass(frozen=True)
class Element:
    """One element of an output that differs."""

    at: int  # position in the tensor, row-major
    index: tuple[int, ...]  # the same by axis: batch, row, column, channel of a tensor of four
    board: float | str  # an integer for integer types; "nan" or "inf", which JSON has no number for, as text
    reference: float | str


@dataclass(frozen=True)
class Divergence:
    """The first output of an image that differs: all that comes after it may only follow from it."""

    image: int
    op: int
    name: str  # of the operator
    output: int
    tensor: str
    type: str
    shape: tuple[int, ...]
    values: (
        int | None
    )  # elements compared; None where none were read, the type cannot be shown, or the sizes differ
    differing: int | None
    max_abs_diff: float | str | None  # in the tensor's own numbers: steps of its scale where it is quantized
    elements: tuple[Element, ...]  # the largest differences first, at most SHOWN
    read: bool = True  # False: those of other images tell enough


def read_entries(payload: bytes, graph: Graph) -> list[Entry]:
    """Splits a profile's answer.

    Raises:
        LinkError: it does not have exactly the model's operators and outputs.
    """
    reader, entries = Reader(payload), []
    try:
        while not reader.at_end:
            entry = ProfileEntry.read(reader)
            entries.append(Entry(entry.op, entry.output, entry.ticks, entry.size, entry.crc))
    except MalformedPayloadError as error:
        raise LinkError(f"the board's profile is cut short: {error}", hint=_FLASH) from error
    wanted = [(op.index, output) for op in graph.ops for output in range(len(op.outputs))]
    if [(entry.op, entry.output) for entry in entries] != wanted:
        raise LinkError(
            f"the board profiled {len(entries)} outputs of operators, and not the {len(wanted)} of the model",
            hint=_FLASH,
        )
    return entries


def comparable(graph: Graph, entry: Entry) -> bool:
    """Whether an output is data: a handle of a variable is each interpreter's own."""
    return tensor_of(graph, entry).bytes is not None


def tensor_of(graph: Graph, entry: Entry) -> Tensor:
    """The tensor that an operator's output is."""
    return graph.tensors[graph.ops[entry.op].outputs[entry.output]]


def differing(graph: Graph, board: Sequence[Entry], reference: Sequence[Entry]) -> list[Entry]:
    """The board's entries that are not the reference's, in execution order."""
    return [
        mine
        for mine, other in zip(board, reference, strict=True)
        if comparable(graph, mine) and (mine.bytes, mine.crc) != (other.bytes, other.crc)
    ]


def diverge(graph: Graph, one: Differing) -> Divergence:
    """What differs in an output."""
    entry, tensor = one.entry, tensor_of(graph, one.entry)
    name, kind = graph.ops[entry.op].code, tensor.type.lower()
    place = (one.image, entry.op, name, entry.output, tensor.name, kind, tensor.shape)
    if (sides := values_of(tensor, one)) is None:
        read = one.board is not None
        return Divergence(*place, values=None, differing=None, max_abs_diff=None, elements=(), read=read)
    mine, theirs = sides
    # By their bits: a NaN is no other than itself, and -0.0 is not 0.0.
    wrong = np.flatnonzero(_bits(mine) != _bits(theirs))
    distance = np.abs(mine[wrong].astype(np.float64) - theirs[wrong].astype(np.float64))
    ranked = wrong[np.argsort(-np.nan_to_num(distance, nan=np.inf), kind="stable")]
    return Divergence(
        *place,
        values=len(mine),
        differing=len(wrong),
        max_abs_diff=_plain(distance.max()) if len(wrong) else 0,
        elements=tuple(_element(tensor, int(at), mine, theirs) for at in ranked[:SHOWN]),
    )


def values_of(tensor: Tensor, one: Differing) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """The elements of both sides, flat; None where none were asked for or can be shown, or the sizes differ."""
    if one.board is None or one.reference is None:
        return None
    if tensor.type.lower() not in TENSOR_TYPES or len(one.board) != len(one.reference):
        return None
    dtype = np.dtype(tensor.type.lower()).newbyteorder("<")
    return np.frombuffer(one.board, dtype), np.frombuffer(one.reference, dtype)


def diagnoses(graph: Graph, found: Sequence[Differing]) -> list[Diagnosis]:
    """What the differences mean, for each output that is the first of some image; in execution order."""
    places = sorted({(one.entry.op, one.entry.output) for one in found})
    together = [[one for one in found if (one.entry.op, one.entry.output) == place] for place in places]
    return [judged for same in together if (judged := _diagnosis(graph, same)) is not None]


def _diagnosis(graph: Graph, same: Sequence[Differing]) -> Diagnosis | None:
    entry, tensor = same[0].entry, tensor_of(graph, same[0].entry)
    sides = [values_of(tensor, one) for one in same]
    shown = [pair for pair in sides if pair is not None and len(pair[0]) == tensor.count]
    if not shown:
        return None
    board, reference = zip(*shown, strict=True)
    info = tensor.info
    hint = diagnose(board, reference, tensor.shape, None if info is None else info.zero_point)
    if hint is None:
        return None
    images = tuple(one.image for one in same)
    return Diagnosis(entry.op, entry.output, images, hint.kind, hint.words, hint.channels)


def _element(tensor: Tensor, at: int, board: NDArray[Any], reference: NDArray[Any]) -> Element:
    # The tensor that came may be larger than the file says, as one without a fixed shape.
    fits = tensor.count == len(board)
    index = tuple(map(int, np.unravel_index(at, tensor.shape))) if fits else (at,)
    return Element(at, index, _plain(board[at]), _plain(reference[at]))


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    return values.view(f"u{values.dtype.itemsize}")


def _plain(value: Any) -> float | str:
    """A number as JSON can hold it."""
    number = value.item()
    if isinstance(number, float):
        if not np.isfinite(number):
            return str(number)
        return int(number) if number == int(number) and abs(number) < 1 << 53 else number
    return int(number)
