"""From values as people keep them to the bytes of a model's input."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources.pixels import Span, spread
from boardproof_export.shared.tensors import TensorInfo, quantize


def encode(
    values: NDArray[Any], tensor: TensorInfo, span: Span, what: str, numbers: NDArray[np.intp]
) -> NDArray[np.uint8]:
    """Samples as they go to the board.

    Real values (floats, and integers of 32 bits and more) are quantized where the input is: in float32,
    rint(x / scale) + zero point, cut to the type; `rint` rounds half to even, as TensorFlow Lite's guides do. Values of
    the input's own type pass as they are. Other uint8 values are pixels: 0 to 255 become `span`, then real values.

    Args:
        values: (N, ...), a sample each.
        what: the data, for errors.
        numbers: the samples' (N,) in the data, for errors.

    Returns:
        uint8 (N, tensor.bytes).

    Raises:
        InputError: shape or type do not fit, or a real value is not finite.
    """
    check_shape(values.shape[1:], tensor, what)
    if values.dtype == tensor.dtype and values.dtype.kind != "f":
        fitting: NDArray[Any] = values
    elif values.dtype == np.uint8 and tensor.type != "bool":
        fitting = _real(spread(values, span), tensor, what, numbers)
    elif values.dtype.kind == "f" or (values.dtype.kind in "iu" and values.dtype.itemsize >= 4):
        fitting = _real(values, tensor, what, numbers)
    elif tensor.type == "bool" and values.dtype.kind in "iub" and not np.any(values > 1):
        fitting = values.astype(np.bool_)
    else:
        raise InputError(
            f"{what} holds {values.dtype} values, the model's input {tensor.name!r} is {tensor.type}",
            hint="give values of that type, real values (float32), or pixels (uint8)",
        )
    whole = np.ascontiguousarray(fitting, tensor.dtype)
    return whole.view(np.uint8).reshape(len(values), tensor.bytes)


def check_shape(sample: tuple[int, ...], tensor: TensorInfo, what: str) -> None:
    """A sample fits where it has the input's shape but for dimensions of 1, or where either is a row of as many values.

    Raises:
        InputError: naming both shapes.
    """
    slim = [tuple(extent for extent in shape if extent != 1) for shape in (sample, tensor.shape)]
    flat = min(map(len, slim)) <= 1 and prod(sample) == tensor.count
    if slim[0] != slim[1] and not flat:
        raise InputError(
            f"a sample of {what} is {_shape(sample)}, the model's input {tensor.name!r} is {_shape(tensor.shape)}",
            hint="give data of that shape, or rows of as many values",
        )


def _real(values: NDArray[Any], tensor: TensorInfo, what: str, numbers: NDArray[np.intp]) -> NDArray[Any]:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        at = int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
        raise InputError(
            f"sample {numbers[at]} of {what} holds a value that is not finite (NaN or infinity)",
            hint="clean the data, or leave the sample out",
        )
    if tensor.type == "float32":
        return values.astype(np.float32)
    if tensor.scale is not None and tensor.zero_point is not None:
        return quantize(values, tensor.scale, tensor.zero_point, tensor.dtype)
    if values.dtype.kind in "iu" or np.array_equal(values, np.rint(values)):
        limits = np.iinfo("uint8" if tensor.type == "bool" else tensor.type)
        if not values.size or (values.min() >= limits.min and values.max() <= limits.max):
            return values.astype(tensor.dtype)
    raise InputError(
        f"{what} holds real values, the model's input {tensor.name!r} is {tensor.type} without a scale",
        hint=f"give whole numbers that {tensor.type} holds, or convert the model with quantization",
    )


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single value"
