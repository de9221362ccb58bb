"""Samples that lie in memory as arrays: what files of arrays, images and tables become, and `.npz` and `.npy` files."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources import Meaning
from boardproof_export.shared.sources.encoding import encode
from boardproof_export.shared.sources.pixels import UNIT, Span, doubt_of_pixels
from boardproof_export.shared.tensors import TensorInfo

INPUTS = ("x_test", "x", "inputs", "input", "images", "data", "features", "samples")
LABELS = ("y_test", "y", "labels", "label", "targets", "target", "y_true")
NAMES = ("class_names", "classes", "names")
_HINT = (
    "write it with numpy.savez(FILE, x=..., y=...): x are the samples, y their labels, which may be left out"
)


@dataclass(frozen=True)
class Samples:
    """A data source (boardproof_export.shared.sources.DataSource): an array an input of the model, (N, ...) each.

    labels: int64 (N,) classes, or float64 (N, K) values; None where there are none.
    span: what pixels (uint8) 0 and 255 become.
    """

    name: str
    inputs: Mapping[str, NDArray[Any]] = field(repr=False)
    labels: NDArray[Any] | None = field(default=None, repr=False)
    class_names: tuple[str, ...] = ()
    span: Span = UNIT

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for values in (*self.inputs.values(), *(() if self.labels is None else (self.labels,))):
            digest.update(f"{values.dtype.str} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()

    @property
    def meaning(self) -> Meaning:
        if self.labels is None:
            return "parity"
        return "classes" if self.labels.dtype.kind == "i" else "regression"

    def doubt(self, inputs: tuple[TensorInfo, ...]) -> str | None:
        """See DataSource."""
        return doubt_of_pixels(inputs, self.span) if self.pixels else None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def rows(self, inputs: tuple[TensorInfo, ...], indices: NDArray[np.intp]) -> NDArray[np.uint8]:
        """See DataSource."""
        parts = [
            encode(self.inputs[name][indices], tensor, self.span, self.name, indices)
            for name, tensor in zip(self._for(inputs), inputs, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    @property
    def pixels(self) -> bool:
        """Whether any values are pixels: uint8, spread over `span`."""
        return any(values.dtype == np.uint8 for values in self.inputs.values())

    def _for(self, inputs: tuple[TensorInfo, ...]) -> list[str]:
        """The arrays for the model's inputs: by name, else in order."""
        wanted = [_plain(tensor.name) for tensor in inputs]
        if set(wanted) <= set(self.inputs):
            return wanted
        if len(self.inputs) != len(inputs):
            held = ", ".join(f"{name} {list(values.shape[1:])}" for name, values in self.inputs.items())
            taken = ", ".join(
                f"{name} {list(tensor.shape)}" for name, tensor in zip(wanted, inputs, strict=True)
            )
            raise InputError(
                f"{self.name} holds samples of {held}; the model's inputs are {taken}",
                hint="give an array for each of the model's inputs, named as the input is named",
            )
        return list(self.inputs)


def _plain(name: str) -> str:
    """An input's name without what converters put around it."""
    return name.removeprefix("serving_default_").partition(":")[0]


def as_labels(values: NDArray[Any], count: int, what: str) -> NDArray[Any]:
    """Labels as `Samples` takes them: classes, classes one-hot, or real values.

    Raises:
        InputError: there are not `count` of them, or they are no numbers, or negative classes.
    """
    if values.dtype.kind not in "iufb" or values.ndim == 0 or len(values) != count:
        raise InputError(
            f"{what} holds labels {values.dtype} {list(values.shape)} for {count} samples", hint=_HINT
        )
    flat = values.reshape(count, -1)
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        raise InputError(
            f"{what} holds labels that are not finite (NaN or infinity)", hint="clean the labels"
        )
    if flat.shape[1] > 1 and np.isin(flat, (0, 1)).all() and (flat.sum(axis=1) == 1).all():
        classes: NDArray[Any] = flat.argmax(axis=1).astype(np.int64)
        return classes
    if flat.dtype.kind == "f" or flat.shape[1] > 1:
        return flat.astype(np.float64)
    labels: NDArray[Any] = flat[:, 0].astype(np.int64)
    if len(labels) and int(labels.min()) < 0:
        raise InputError(
            f"{what} holds the label {int(labels.min())} at index {int(labels.argmin())}",
            hint="classes count from 0",
        )
    return labels


def checked(
    name: str,
    inputs: Mapping[str, NDArray[Any]],
    labels: NDArray[Any] | None,
    class_names: tuple[str, ...] = (),
    span: Span = UNIT,
) -> Samples:
    """Samples whose counts agree.

    Raises:
        InputError: they do not, or there are none.
    """
    counts = {key: len(values) if values.ndim else 0 for key, values in inputs.items()}
    if not counts or 0 in counts.values():
        raise InputError(f"{name} holds no samples", hint=_HINT)
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{key} {count}" for key, count in counts.items())
        raise InputError(f"{name} holds arrays of different lengths: {listed}", hint=_HINT)
    count = next(iter(counts.values()))
    return Samples(
        name, inputs, None if labels is None else as_labels(labels, count, name), class_names, span
    )


def read_npy(path: Path, span: Span) -> Samples:
    """A `.npy` file: the samples, without labels."""
    return checked(path.name, {"x": _load(path)}, None, span=span)


def read_npz(path: Path, span: Span, part: str = "test") -> Samples:
    """A `.npz` file: samples as `x` (or `x_test`, ...), labels as `y`, or an array for each of the model's inputs.

    Args:
        part: "train" prefers `x_train` and `y_train` where the file has both.
    """
    arrays: dict[str, NDArray[Any]] = dict(_load(path).items())
    if part == "train" and "x_train" in arrays:
        arrays = {key: values for key, values in arrays.items() if not key.endswith("_test")}
        arrays = {key.replace("_train", "_test"): values for key, values in arrays.items()}
    label_key = next((key for key in LABELS if key in arrays), None)
    names_key = next((key for key in NAMES if key in arrays and arrays[key].dtype.kind in "US"), None)
    input_key = next((key for key in INPUTS if key in arrays), None)
    rest = {key: values for key, values in arrays.items() if key not in (label_key, names_key)}
    if input_key in ("x_test", "x") or (input_key is not None and len(rest) > 1 and label_key is not None):
        rest = {input_key: arrays[input_key]}
    if not rest:
        raise InputError(f"{path} holds no samples", hint=_HINT)
    names = () if names_key is None else tuple(map(str, arrays[names_key].tolist()))
    return checked(path.name, rest, None if label_key is None else arrays[label_key], names, span)


def _load(path: Path) -> Any:
    """What NumPy reads: an array, or a mapping of arrays. Never pickled objects: those could run code."""
    try:
        found = np.load(path, allow_pickle=False)
        return found if isinstance(found, np.ndarray) else {key: found[key] for key in found.files}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", hint=_HINT) from error
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError, MemoryError) as error:
        raise InputError(f"{path} is damaged, or holds no plain arrays: {error}", hint=_HINT) from error
