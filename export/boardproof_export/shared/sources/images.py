"""A folder of images: one folder a class, or images side by side, without labels."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_export.shared.sources import Meaning
from boardproof_export.shared.sources.encoding import encode
from boardproof_export.shared.sources.pixels import UNIT, Span, doubt_of_pixels
from boardproof_export.shared.tensors import TensorInfo

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class ImageFolder:
    """A data source: images are read when they are streamed, as grey or RGB, whatever the model's input takes."""

    name: str
    paths: tuple[Path, ...] = field(repr=False)
    sha256: str
    labels: NDArray[np.int64] | None = field(default=None, repr=False)
    class_names: tuple[str, ...] = ()
    span: Span = UNIT
    resize: bool = False

    @property
    def meaning(self) -> Meaning:
        return "parity" if self.labels is None else "classes"

    def doubt(self, inputs: tuple[TensorInfo, ...]) -> str | None:
        """See DataSource."""
        return doubt_of_pixels(inputs, self.span)

    def __len__(self) -> int:
        return len(self.paths)

    def rows(self, inputs: tuple[TensorInfo, ...], indices: NDArray[np.intp]) -> NDArray[np.uint8]:
        """See DataSource."""
        if len(inputs) != 1:
            raise InputError(
                f"{self.name} is a folder of images, the model has {len(inputs)} inputs",
                hint="use a .npz file",
            )
        height, width, channels = _layout(inputs[0], self.name)
        images = [self._read(self.paths[index], (width, height), channels) for index in indices]
        return encode(np.array(images), inputs[0], self.span, self.name, indices)

    def _read(self, path: Path, size: tuple[int, int], channels: int) -> NDArray[Any]:
        image = _open(path).convert("L" if channels == 1 else "RGB")
        if image.size != size:
            if not self.resize:
                raise InputError(
                    f"{path} is {image.size[0]} x {image.size[1]} pixels, the model's input {size[0]} x {size[1]}",
                    hint="give images of that size, or let them be resized with --resize",
                )
            image = image.resize(size, _pillow().Resampling.BILINEAR)
        return np.asarray(image, np.uint8).reshape(size[1], size[0], channels)


def _layout(tensor: TensorInfo, name: str) -> tuple[int, int, int]:
    """Height, width and channels of the model's input."""
    shape = tensor.shape[1:] if len(tensor.shape) in (3, 4) else ()
    if len(shape) == 2:
        return (*shape, 1)
    if len(shape) == 3 and shape[2] in (1, 3):
        return shape
    raise InputError(
        f"{name} is a folder of images, the model's input {tensor.name!r} is {' x '.join(map(str, tensor.shape))}",
        hint="give a model that takes 1 x height x width x 1 or 3 values, or the data as a .npz file",
    )


def read_folder(folder: Path, span: Span, *, resize: bool) -> ImageFolder:
    """Lists the images of a folder. Classes are its folders, in alphabetical order.

    Raises:
        InputError: there are none.
    """
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and _images(path))
    found = [(path, label) for label, one in enumerate(classes) for path in _images(one)]
    labels = np.array([label for _, label in found], np.int64) if classes else None
    paths: Sequence[Path] = [path for path, _ in found] if classes else _images(folder)
    if not paths:
        raise InputError(
            f"{folder} holds no images ({', '.join(suffix[1:] for suffix in SUFFIXES)})",
            hint="put the images of a class into a folder named as the class",
        )
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    names = tuple(path.name for path in classes)
    return ImageFolder(folder.resolve().name, tuple(paths), digest.hexdigest(), labels, names, span, resize)


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolMissingError("reading images needs Pillow", hint="pip install pillow") from error
    return Image


def _open(path: Path) -> Any:
    image_module = _pillow()
    try:
        with image_module.open(path) as image:
            image.load()
            return image
    except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
        raise InputError(
            f"{path} is no image that can be read: {error}", hint="replace or delete it"
        ) from error
