"""Pixels as a model takes them: spread over a range of real values, then quantized."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from boardproof_export.shared import tensors
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.tensors import TensorInfo

Span = tuple[float, float]  # what the pixels 0 and 255 become: what a model was trained on
UNIT: Span = (0.0, 1.0)
_FAR = 1e30  # float32 holds the width of any range within


def parse_span(text: str) -> Span:
    """Reads `LOW:HIGH`, such as `-1:1`.

    Raises:
        InputError: it is not that.
    """
    low, _, high = text.partition(":")
    try:
        span = float(low), float(high)
    except ValueError:
        span = 0.0, 0.0
    if not -_FAR <= span[0] < span[1] <= _FAR:
        raise InputError(
            f"--input-range {text} is no range", hint="write what pixels 0 and 255 become, such as -1:1"
        )
    return span


def held_range(tensor: TensorInfo, span: Span) -> Span | None:
    """The real values that a quantized input holds, where pixels over `span` leave most of them unused or lie outside:
    such a model was hardly calibrated on them. None where they fit, or the input is not quantized.
    """
    if tensor.scale is None or tensor.zero_point is None:
        return None
    limits = np.iinfo(np.dtype(tensor.type))
    low, high = (tensor.scale * (limit - tensor.zero_point) for limit in (limits.min, limits.max))
    if limits.bits == 8:
        held, fed = high - low, span[1] - span[0]
    else:  # symmetric around 0 whatever was calibrated: the lower end says nothing
        held, fed = high, max(map(abs, span))
    return (low, high) if held > 1.5 * fed or fed > 1.25 * held else None


def doubt_of_pixels(inputs: tuple[TensorInfo, ...], span: Span) -> str | None:
    """A sentence where the model was hardly made for pixels over `span`: their range is the user's to state."""
    for tensor in inputs:
        held = held_range(tensor, span)
        if held is not None:
            low, high = (f"{end:.3g}" for end in held)
            return (
                f"the model's input holds values from {low} to {high}, and pixels go in as {span[0]:g} to "
                f"{span[1]:g}; if it was trained on the former: --input-range {low}:{high}"
            )
    return None


def spread(images: NDArray[np.uint8], span: Span = UNIT) -> NDArray[np.float32]:
    """Pixels 0 to 255 as float32 from `span[0]` to `span[1]`."""
    scaled = images.astype(np.float32) / np.float32(255)
    return scaled if span == UNIT else scaled * np.float32(span[1] - span[0]) + np.float32(span[0])


def quantize(
    images: NDArray[np.uint8],
    scale: float,
    zero_point: int,
    span: Span = UNIT,
    dtype: DTypeLike = np.int8,
) -> NDArray[Any]:
    """Turns pixels into the quantized input of a model that was trained on pixels spread over `span`.

    A pixel p is the real value `spread(p)`, which is p / 255 for 0 to 1, and is quantized as `tensors.quantize` does.

    Args:
        images: uint8 (N, 28, 28), or any shape (N, ...).
        scale: scale of the model's input; as a float32 positive and finite.
        zero_point: zero point of the model's input, a value of `dtype`.
        dtype: of the input: int8, uint8 or int16.

    Returns:
        (N, 784) of `dtype`: one row an image, in the order of its bytes.

    Raises:
        InputError: the scale or the zero point cannot be such a tensor's.
    """
    table = tensors.quantize(spread(np.arange(256, dtype=np.uint8), span), scale, zero_point, dtype)
    rows: NDArray[Any] = table[images].reshape(len(images), prod(images.shape[1:]))
    return rows
