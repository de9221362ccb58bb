"""What a difference usually means: from what the values have in common to a kind and a sentence. Pure functions.

The rules are ordered: the first that explains all the differences, and that chance does not, gives the kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from boardproof_host.runs import symptoms
from boardproof_host.runs.symptoms import Evidence, Values

Kind = Literal[
    "rounding",  # by one, strewn: a rounding
    "weights",  # one channel, or a few, without a rule: weights of these
    "scale",  # by a factor: a multiplier or a shift
    "offset",  # by a constant: a zero point or a bias
    "padding",  # beside edges alone, or the values of a neighbouring row or column
    "order",  # the right values in other places: a layout
    "saturation",  # at an end of the range: a clamp
    "stray",  # the same few values in each image: memory
    "unrelated",  # everywhere, without a rule: stale weights, another input
]
_AXES = {1: "row", 2: "column", 3: "channel"}
_RELATED = 0.5  # a correlation below which values have little to do with each other


@dataclass(frozen=True)
class Diagnosis:
    """What the differences in one output of one operator usually mean, over the images that diverge first there."""

    op: int
    output: int
    images: tuple[int, ...]
    kind: Kind
    words: str
    channels: tuple[int, ...]  # in which alone values differ; empty where they are many


@dataclass(frozen=True)
class Hint:
    """A diagnosis as the rules give it."""

    kind: Kind
    words: str
    channels: tuple[int, ...] = ()


def diagnose(
    board: Sequence[Values],
    reference: Sequence[Values],
    shape: tuple[int, ...],
    zero_point: int | None = None,
) -> Hint | None:
    """Judges the values of one tensor in several images.

    Args:
        board, reference: an image's elements each, of one type, flat.
        shape: the tensor's: batch, rows, columns, channels, or the last of these.
        zero_point: of a quantized tensor.

    Returns:
        None where no value differs, or where they cannot be compared.
    """
    kind = board[0].dtype
    wide = np.int64 if kind.kind in "iub" else np.float64
    sides = [symptoms.planes(np.stack(values).astype(wide), shape) for values in (board, reference)]
    limits = (float("-inf"), float("inf"))
    if kind.kind in "iu":
        limits = (np.iinfo(kind).min, np.iinfo(kind).max)
    bounds = symptoms.bounds_of(sides[1], limits)
    found = Evidence(sides[0], sides[1], zero_point or 0, limits, bounds)
    if not found.wrong.any():
        return None
    return (
        _order(found)
        or _ends(found)
        or _channels(found, zero_point)
        or _moved(found)
        or _edges(found)
        or _all(found, zero_point)
    )


def _order(found: Evidence) -> Hint | None:
    """Right values in other places."""
    if symptoms.swapped(found):
        return Hint("order", "rows and columns are swapped: a transposition, or a layout that was mistaken")
    # Rows that are moved over a background have the same values, too.
    if symptoms.reordered(found) and ((move := symptoms.moved(found)) is None or move[0] == 3):
        words = "the right values stand in another order: a transposition, or a layout that was mistaken"
        return Hint("order", words)
    return None


def _moved(found: Evidence) -> Hint | None:
    """The values of neighbours."""
    if (move := symptoms.moved(found)) is None:
        return None
    axis, places = move
    words = (
        f"each value is that of {abs(places)} {_AXES[axis]}{'s' if abs(places) > 1 else ''} {_side(places)}"
    )
    if axis == 3:
        return Hint("order", f"{words}: an offset in the channels' order")
    return Hint("padding", f"{words}: the padding before the image, or an offset")


def _side(places: int) -> str:
    return "before it" if places > 0 else "behind it"


def _ends(found: Evidence) -> Hint | None:
    if symptoms.past_the_ends(found):
        words = (
            "only values at an end of the range differ: a clamp or activation is missing, or a sum overflows"
        )
        return Hint("saturation", words)
    if (end := symptoms.cut_at(found)) is not None:
        return Hint(
            "saturation", f"the board cuts off at {end:g}: a clamp or a fused activation that is too narrow"
        )
    return None


def _edges(found: Evidence) -> Hint | None:
    edges = symptoms.border(found)
    if not edges:
        return None
    edge = f"{_list(edges)} edge{'s' if len(edges) > 1 else ''}"
    return Hint("padding", f"only values beside the {edge} differ: the padding, its size or its value")


def _channels(found: Evidence, zero_point: int | None) -> Hint | None:
    """One channel, or a few, differ alone."""
    channels = symptoms.few_channels(found)
    if not channels:
        return None
    name = f"channel{'s' if len(channels) > 1 else ''} {_list(tuple(map(str, channels)))}"
    parts = [found.channel(number) for number in channels]
    if zero_point is not None:
        factors = {symptoms.factor(part) for part in parts}
        if len(factors) == 1 and (number := factors.pop()) is not None:
            return Hint(
                "scale", f"only {name} differ{_s(channels)}, by a factor of {_factor(number)}", channels
            )
    alone = found.board[0, ..., 0].size == 1  # each image has a single value of a channel
    if not alone and all(symptoms.offset(part) is not None for part in parts):
        return Hint("offset", f"only {name} differ{_s(channels)}, by a constant: the bias", channels)
    if symptoms.stray(found):
        return Hint(
            "stray", f"the same few values of {name} differ: memory that something else writes", channels
        )
    words = f"only {name} differ{_s(channels)}: weights of {'it' if len(channels) == 1 else 'these'}"
    return Hint("weights", words + (", or the bias or the scale" if alone else ""), channels)


def _s(channels: tuple[int, ...]) -> str:
    return "s" if len(channels) == 1 else ""


def _factor(number: float) -> str:
    power = np.log2(number)
    if power == int(power):
        way = "left" if power > 0 else "right"
        return f"{number:g}: the shift is off by {abs(int(power))} to the {way}"
    return f"about {number:.3g}: the multiplier or the scale"


def _all(found: Evidence, zero_point: int | None) -> Hint:
    """Differences in many channels."""
    if (by := symptoms.offset(found)) is not None:
        return Hint("offset", f"all values differ by {by:+.3g}: the output's zero point")
    wrong = found.difference[found.wrong]
    if np.abs(wrong).max() <= 1 and found.board.dtype.kind == "i":
        if len(wrong) <= symptoms.FEW:
            return Hint(
                "rounding", f"by one, {len(wrong)} in all: a rounding, or a weight that hardly counts"
            )
        return Hint("rounding", f"by one, strewn over the tensor: a rounding{_way(found, wrong)}")
    if zero_point is not None and (number := symptoms.factor(found)) is not None:
        return Hint("scale", f"all values differ by a factor of {_factor(number)}, for all channels")
    parts = [found.channel(number) for number in range(found.board.shape[3])]
    parts = [part for part in parts if part.wrong.any()]
    if len(parts) > 1 and all(symptoms.offset(part) is not None for part in parts):
        return Hint(
            "offset", "each channel differs by a constant of its own: biases, or the input's zero point"
        )
    if len(parts) > 1 and zero_point is not None and all(symptoms.factor(part) is not None for part in parts):
        return Hint(
            "scale", "each channel differs by a factor of its own: multipliers and shifts, or their order"
        )
    if found.board.dtype.kind == "f" and _nearly(found):
        return Hint("rounding", "by a millionth or less: a rounding, or another order of the sums")
    return _unrelated(found)


def _way(found: Evidence, wrong: Values) -> str:
    if len(np.unique(wrong)) > 1:
        return ""
    low, high = found.bounds
    free = np.count_nonzero((found.reference > low) & (found.reference < high))
    if len(wrong) > 0.2 * free:
        return f" {'down' if wrong[0] < 0 else 'up'} where the reference rounds to nearest"
    return f" that is one {'less' if wrong[0] < 0 else 'more'} than the reference's, as where ties go the other way"


def _nearly(found: Evidence) -> bool:
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(found.difference) / np.abs(found.reference)
    return bool((apart[found.wrong] < 1e-6).all())


def _unrelated(found: Evidence) -> Hint:
    ends = "stale or wrong weights, a shift or padding that is off by less than a place, or another input"
    mine, theirs = found.board.ravel().astype(np.float64), found.reference.ravel().astype(np.float64)
    if not (np.isfinite(mine).all() and np.isfinite(theirs).all()):
        return Hint(
            "unrelated", "values that are no numbers: a division by zero, or memory that nothing has written"
        )
    if mine.std() == 0:
        return Hint(
            "unrelated",
            f"the board's values are all {mine[0]:g}: nothing is computed, or all of it is cut off",
        )
    related = theirs.std() > 0 and float(np.corrcoef(mine, theirs)[0, 1]) > _RELATED
    how = (
        "values differ in many channels, without a rule, but go the same way"
        if related
        else "values have little in common"
    )
    return Hint("unrelated", f"{how}: {ends}")


def _list(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
