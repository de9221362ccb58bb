"""From what `--data` says to a data source."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
from boardproof_export.shared.sources.pixels import UNIT, Span

KINDS = "a .npz, .npy or .csv file, a folder of images, IDX files or raw files with y_labels.csv, or random:N"


@dataclass(frozen=True)
class SourceOptions:
    """Which data, and how to read them."""

    data: str | None = None  # None: what fits the model
    span: Span = UNIT  # what pixels 0 and 255 were when the model was trained
    label_column: str | None = None  # of a CSV file
    resize: bool = False  # images of another size than the model's input
    data_type: str | None = None  # of raw files


def open_source(options: SourceOptions) -> DataSource:
    """The data source that the options name; without any the Fashion-MNIST test set.

    Raises:
        InputError: it is none, or it cannot be read.
        ToolMissingError: nothing was named, and Fashion-MNIST is not here.
    """
    if options.data is None:
        return fashion_mnist.load_source(None, options.span)
    if options.data.startswith(random_inputs.PREFIX):
        return random_inputs.parse(options.data)
    path = Path(options.data).expanduser()
    if path.is_dir():
        return _folder(path, options)
    if not path.exists():
        raise InputError(f"there is no {path}", hint=f"--data takes {KINDS}")
    readers = {
        ".npz": lambda: arrays.read_npz(path, options.span),
        ".npy": lambda: arrays.read_npy(path, options.span),
        ".csv": lambda: tables.read_csv(path, options.span, options.label_column),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path} is no data that is known by its name", hint=f"--data takes {KINDS}")
    return reader()


def _folder(path: Path, options: SourceOptions) -> DataSource:
    if (path / tables.LABEL_TABLE).is_file():
        return tables.read_raw_folder(path, options.span, options.data_type)
    try:
        found = [entry.name for entry in path.iterdir()]
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}", hint=f"--data takes {KINDS}"
        ) from error
    if not found:
        raise InputError(f"{path} is empty", hint=f"--data takes {KINDS}")
    if any("-idx" in name for name in found):
        return _idx_folder(path, options.span)
    return images.read_folder(path, options.span, resize=options.resize)


_SPLITS = ("t10k", "test", "")  # beginnings of names: what is held back from training comes first


def _idx_folder(folder: Path, span: Span) -> DataSource:
    """The samples of IDX files and their labels, which may be missing; the test split where there are several."""
    files = sorted(path for path in folder.iterdir() if "-idx" in path.name)
    found = [
        path
        for split in _SPLITS
        for path in files
        if path.name.startswith(split) and "labels" not in path.name
    ]
    if not found:
        raise InputError(
            f"{folder} holds no IDX file of samples", hint="name it as MNIST does: t10k-images-idx3-ubyte"
        )
    split = found[0].name.partition("-")[0]
    labels = next((path for path in files if path.name.startswith(f"{split}-labels")), None)
    values = idx.read_any(found[0])
    classes = None if labels is None else idx.read_any(labels)
    if classes is not None and fashion_mnist.digest(values, classes) == fashion_mnist.TEST_SHA256:
        return fashion_mnist.load_source(folder, span)
    name = folder.resolve().name
    return arrays.checked(
        name, {"x": values}, None if classes is None else classes.astype(np.int64), span=span
    )
