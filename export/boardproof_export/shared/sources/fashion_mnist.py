"""Fashion-MNIST: where its IDX files are, and its test set as a data source.

The host imports this module: it needs numpy and the standard library. Only the download, the last place that is
looked at, needs Keras.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_export.shared.sources import Meaning
from boardproof_export.shared.sources.idx import GET_DATA, read_idx, refusal
from boardproof_export.shared.sources.pixels import UNIT, Span, doubt_of_pixels, quantize, spread
from boardproof_export.shared.tensors import TensorInfo

SplitName = Literal["train", "test"]

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
IMAGE_SHAPE = (28, 28)  # rows, columns
COUNTS: dict[SplitName, int] = {"train": 60_000, "test": 10_000}

TEST_SHA256 = "9f1ec356a747bfe4ebab3cfb722d3694c9ca737e2570f6f90cf31d7b6fd689d4"  # of the published test set
TRAIN_SHA256 = "16d82e2b505296aa2b78bd5ea0992634f30419a4c97def7c907d154a35ac6157"  # of the training set
_NAMES = {TEST_SHA256: "Fashion-MNIST test set", TRAIN_SHA256: "Fashion-MNIST training set"}
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
ENVIRONMENT_VARIABLE = "BOARDPROOF_DATA"

_PREFIXES: dict[SplitName, str] = {"train": "train", "test": "t10k"}


@dataclass(frozen=True)
class Split:
    """One half of the dataset: N images and what they show."""

    images: NDArray[np.uint8]  # (N, 28, 28), 0 is background, 255 is ink
    labels: NDArray[np.uint8]  # (N,), index into CLASS_NAMES
    sha256: str  # over the raw image bytes, then the label bytes; lower-case hex


@dataclass(frozen=True)
class FashionMnist:
    """A split as a data source (boardproof_export.shared.sources.DataSource).

    span: what the pixels 0 and 255 become before they are quantized: what the model was trained on.
    """

    split: Split
    span: Span = UNIT

    @property
    def name(self) -> str:
        name = _NAMES.get(self.split.sha256, "images in the layout of Fashion-MNIST's test set")
        return name if self.span == UNIT else f"{name}, pixels as {self.span[0]:g} to {self.span[1]:g}"

    @property
    def sha256(self) -> str:
        return self.split.sha256

    @property
    def meaning(self) -> Meaning:
        return "classes"

    @property
    def class_names(self) -> tuple[str, ...]:
        return CLASS_NAMES

    @property
    def labels(self) -> NDArray[np.int64] | None:
        return self.split.labels.astype(np.int64)

    def doubt(self, inputs: tuple[TensorInfo, ...]) -> str | None:
        """See DataSource."""
        return doubt_of_pixels(inputs, self.span)

    def __len__(self) -> int:
        return len(self.split.images)

    def rows(self, inputs: tuple[TensorInfo, ...], indices: NDArray[np.intp]) -> NDArray[np.uint8]:
        """See DataSource: pixels are spread over `span`, then quantized where the input is."""
        if len(inputs) != 1 or inputs[0].count != prod(IMAGE_SHAPE):
            shapes = ", ".join(str(list(tensor.shape)) for tensor in inputs)
            raise InputError(
                f"the model's input is {shapes}, an image of Fashion-MNIST has {prod(IMAGE_SHAPE)} values",
                hint="name data that fit the model with --data",
            )
        (tensor,) = inputs
        images = self.split.images[indices]
        values: NDArray[np.generic]
        if tensor.type in ("int8", "uint8", "int16") and tensor.scale is not None:
            values = quantize(
                images, tensor.scale, tensor.zero_point or 0, self.span, np.dtype(tensor.type)
            ).astype(tensor.dtype)
        elif tensor.type == "float32" and tensor.scale is None:
            values = spread(images, self.span).astype("<f4").reshape(len(images), -1)
        else:
            raise InputError(
                f"the model's input is {tensor.type} with{'out' if tensor.scale is None else ''} a scale",
                hint="convert it with a quantized int8, uint8 or int16 input, or with a float32 one",
            )
        return np.ascontiguousarray(values).view(np.uint8).reshape(len(images), tensor.bytes)


def load_source(folder: Path | None = None, span: Span = UNIT, part: SplitName = "test") -> FashionMnist:
    """One split as a data source; raises as `load`."""
    return FashionMnist(load(part, folder), span)


def load(split: SplitName, folder: Path | None = None) -> Split:
    """Reads one split from the first place that has it, and refuses a bad file there instead of looking on.

    The places, in order: `folder`, else $BOARDPROOF_DATA, and only that one when it is given; Debian's package
    dataset-fashion-mnist; Keras's cache; a download through Keras into its cache.

    Args:
        split: "train" (60,000 images) or "test" (10,000 images).
        folder: the folder with the IDX files, plain or gzip-compressed.

    Raises:
        InputError: a file is missing from the folder that was named, cannot be read, is cut short, is not IDX or
            holds something other than this split; the message starts with the file's name.
        ToolMissingError: nothing is there, and the download failed or has no Keras.
    """
    named = folder or _folder_from_environment()
    return read_split(named or _find(split), split, count=COUNTS[split])


def read_split(folder: Path, split: SplitName, *, count: int) -> Split:
    """Reads one split of `count` images from `folder`, with every check that `load` promises.

    Raises:
        InputError: as `load`.
    """
    image_path = _require(folder, f"{_PREFIXES[split]}-images-idx3-ubyte")
    label_path = _require(folder, f"{_PREFIXES[split]}-labels-idx1-ubyte")
    images = read_idx(image_path, (count, *IMAGE_SHAPE))
    labels = read_idx(label_path, (count,))
    if count and int(labels.max()) >= len(CLASS_NAMES):
        at = int(np.argmax(labels))
        raise refusal(label_path, f"label {labels[at]} at index {at} is not a class (0 to 9)")
    return Split(images, labels, digest(images, labels))


def digest(images: NDArray[Any], labels: NDArray[Any]) -> str:
    """SHA-256 over the raw image bytes, then the label bytes; lower-case hex."""
    found = hashlib.sha256(np.ascontiguousarray(images).data)
    found.update(np.ascontiguousarray(labels).data)
    return found.hexdigest()


def find_folder() -> Path | None:
    """The folder that `load` would read the test split from, without a download; None where one is needed."""
    named = _folder_from_environment()
    if named is not None:
        return named
    return next((place for place in (DEBIAN_FOLDER, _keras_cache()) if all(_present(place, "test"))), None)


def _folder_from_environment() -> Path | None:
    value = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(value).expanduser() if value else None


def _find(split: SplitName) -> Path:
    """The first well-known folder that has a file of this split; after a download, Keras's cache."""
    if any(_present(DEBIAN_FOLDER, split)):
        return DEBIAN_FOLDER
    cache = _keras_cache()
    if not all(_present(cache, split)):  # Keras completes a download that broke off between two files
        _download()
    return cache


def _present(folder: Path, split: SplitName) -> Iterator[bool]:
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{_PREFIXES[split]}-{kind}-ubyte"
        yield any((folder / candidate).exists() for candidate in (name, f"{name}.gz"))


def _keras_cache() -> Path:
    """Where `keras.datasets.fashion_mnist` keeps its files: keras/src/backend/config.py, `_KERAS_DIR`."""
    named = os.environ.get("KERAS_HOME")
    if named is not None:
        return Path(named) / "datasets" / "fashion-mnist"
    home = Path("~").expanduser()
    base = home if os.access(home, os.W_OK) else Path("/tmp")
    return base / ".keras" / "datasets" / "fashion-mnist"


def _download() -> None:
    try:
        from keras.datasets import fashion_mnist
    except ImportError as error:
        raise ToolMissingError(
            "the Fashion-MNIST files are not on this machine, and Keras is not there to download them",
            hint=GET_DATA,
        ) from error
    try:
        fashion_mnist.load_data()
    except Exception as error:  # Keras lets through whatever urllib, gzip and numpy raise
        raise ToolMissingError(f"the download of Fashion-MNIST failed: {error}", hint=GET_DATA) from error


def _require(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.exists():
            return candidate
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder with the Fashion-MNIST files", hint=GET_DATA)
    raise InputError(f"{folder / name}.gz is missing, and so is {name}", hint=GET_DATA)
