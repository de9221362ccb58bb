"""From what `--data` says to a data source."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from boardproof_export.shared.data_arguments import DATA_KINDS
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources import (
    DataSource,
    arrays,
    fashion_mnist,
    idx,
    images,
    random_inputs,
    tables,
)
from boardproof_export.shared.sources.pixels import UNIT, Span, parse_span

Part = Literal["test", "train"]


@dataclass(frozen=True)
class SourceOptions:
    """Which data, and how to read them."""

    data: str | None = None  # None: what fits the model
    span: Span = UNIT  # what pixels 0 and 255 were when the model was trained
    label_column: str | None = None  # of a CSV file
    resize: bool = False  # images of another size than the model's input
    data_type: str | None = None  # of raw files
    part: Part = "test"  # of data that have both: which is preferred


def named(
    data: str | None, input_range: str, label_column: str | None, resize: bool, data_type: str | None
) -> SourceOptions:
    """The options as a command line has them.

    Raises:
        InputError: the range of the pixels is none.
    """
    return SourceOptions(data, parse_span(input_range), label_column, resize, data_type)


def open_source(options: SourceOptions) -> DataSource:
    """The data source that the options name; without any Fashion-MNIST.

    Raises:
        InputError: it is none, or it cannot be read.
        ToolMissingError: nothing was named, and Fashion-MNIST is not here.
    """
    if options.data is None:
        return fashion_mnist.load_source(None, options.span, options.part)
    if options.data.startswith(random_inputs.PREFIX):
        return random_inputs.parse(options.data)
    path = Path(options.data).expanduser()
    if path.is_dir():
        return _folder(path, options)
    if not path.exists():
        raise InputError(f"there is no {path}", hint=f"--data takes {DATA_KINDS}")
    readers = {
        ".npz": lambda: arrays.read_npz(path, options.span, options.part),
        ".npy": lambda: arrays.read_npy(path, options.span),
        ".csv": lambda: tables.read_csv(path, options.span, options.label_column),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path} is no data that is known by its name", hint=f"--data takes {DATA_KINDS}")
    return reader()


def _folder(path: Path, options: SourceOptions) -> DataSource:
    if (path / tables.LABEL_TABLE).is_file():
        return tables.read_raw_folder(path, options.span, options.data_type)
    try:
        found = [entry.name for entry in path.iterdir()]
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}", hint=f"--data takes {DATA_KINDS}"
        ) from error
    if not found:
        raise InputError(f"{path} is empty", hint=f"--data takes {DATA_KINDS}")
    if any("-idx" in name for name in found):
        return _idx_folder(path, options.span, options.part)
    return images.read_folder(path, options.span, resize=options.resize)


def respanned(source: DataSource, span: Span) -> DataSource | None:
    """The same pixels spread over another range; None where the data are no pixels."""
    if isinstance(source, (fashion_mnist.FashionMnist, images.ImageFolder)):
        return replace(source, span=span)
    if isinstance(source, arrays.Samples) and source.pixels:
        return replace(source, span=span)
    return None


# Beginnings of names, in the order in which they are looked for.
_BEGINNINGS: dict[Part, tuple[str, ...]] = {"test": ("t10k", "test", ""), "train": ("train", "")}


def _idx_folder(folder: Path, span: Span, part: Part) -> DataSource:
    """The samples of IDX files and their labels, which may be missing; one split where there are several."""
    files = sorted(path for path in folder.iterdir() if "-idx" in path.name)
    found = [
        path
        for beginning in _BEGINNINGS[part]
        for path in files
        if path.name.startswith(beginning) and "labels" not in path.name
    ]
    if not found:
        raise InputError(
            f"{folder} holds no IDX file of samples", hint="name it as MNIST does: t10k-images-idx3-ubyte"
        )
    split = found[0].name.partition("-")[0]
    labels = next((path for path in files if path.name.startswith(f"{split}-labels")), None)
    values = idx.read_any(found[0])
    classes = None if labels is None else idx.read_any(labels)
    published = {"test": fashion_mnist.TEST_SHA256, "train": fashion_mnist.TRAIN_SHA256}[part]
    if classes is not None and fashion_mnist.digest(values, classes) == published:
        return fashion_mnist.load_source(folder, span, part)
    name = folder.resolve().name
    return arrays.checked(
        name, {"x": values}, None if classes is None else classes.astype(np.int64), span=span
    )
