"""Tables of numbers: CSV files, a sample a row; and folders of raw files with a table of their labels."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources.arrays import LABELS, Samples, checked
from boardproof_export.shared.sources.pixels import Span

LABEL_TABLE = "y_labels.csv"
LABEL_COLUMNS = (*LABELS, "class")
RAW_SUFFIXES = (".bin", ".raw")


def read_csv(path: Path, span: Span, label_column: str | None) -> Samples:
    """A CSV file of numbers, with a header or without one.

    Args:
        label_column: its name in the header, or its position, -1 for the last; None: the header's column label, class,
            target or y, if there is one.

    Raises:
        InputError: a cell is no number, rows differ in length, or there is no such column.
    """
    rows = _rows(path)
    named = label_column is not None and label_column.lower() in [cell.lower() for cell in rows[0]]
    header = rows[0] if named or not any(map(_is_number, rows[0])) else None
    body = rows[1:] if header is not None else rows
    if not body:
        raise InputError(f"{path} holds no samples", hint="give a row a sample")
    width = len(rows[0])
    for number, row in enumerate(body, start=1 + (header is not None)):
        if len(row) != width:
            raise InputError(
                f"{path}, row {number}: {len(row)} cells, the first row has {width}", hint="complete the row"
            )
    at = _label_position(path, header, width, label_column)
    cells = np.array(body, dtype=str)
    labels, names = (None, ()) if at is None else _labels(path, cells[:, at])
    features = cells if at is None else np.delete(cells, at, axis=1)
    return checked(path.name, {"x": _numbers(path, features)}, labels, names, span)


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as CSV: {error}", hint="give UTF-8 text, a row a sample"
        ) from error
    if not rows:
        raise InputError(f"{path} is empty", hint="give a row a sample")
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _label_position(path: Path, header: list[str] | None, width: int, wanted: str | None) -> int | None:
    names = [name.lower() for name in header or ()]
    if wanted is None:
        return next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    if wanted.lower() in names:
        return names.index(wanted.lower())
    if wanted.lstrip("-").isdecimal() and -width <= int(wanted) < width:
        return int(wanted) % width
    raise InputError(
        f"{path} has no column {wanted!r}",
        hint=f"columns are {', '.join(header)}" if header else f"name its position, 0 to {width - 1}",
    )


def _labels(
    path: Path, cells: NDArray[np.str_]
) -> tuple[NDArray[np.int64] | NDArray[np.float64], tuple[str, ...]]:
    """Whole numbers are classes, other numbers values; words are classes by name, in alphabetical order."""
    texts = cells.tolist()
    if not all(map(_is_number, texts)):
        names, positions = np.unique(cells, return_inverse=True)
        return positions.astype(np.int64), tuple(map(str, names.tolist()))
    values = np.array(texts, np.float64)
    whole = np.isfinite(values).all() and np.array_equal(values, np.rint(values))
    return (values.astype(np.int64) if whole and "." not in "".join(texts) else values), ()


def _numbers(path: Path, cells: NDArray[np.str_]) -> NDArray[np.float32]:
    try:
        return cells.astype(np.float32)
    except ValueError as error:
        raise InputError(
            f"{path} holds a cell that is no number: {error}",
            hint="give numbers, and name the label's column with --label-column",
        ) from error


def read_raw_folder(folder: Path, span: Span, data_type: str | None) -> Samples:
    """A folder of raw files, a sample each, with a table of labels: file, number of classes, label.

    Args:
        data_type: of the values, little-endian; None: bytes, which an input of one byte an element takes as they are.

    Raises:
        InputError: a file is missing, or sizes differ.
    """
    table = folder / LABEL_TABLE
    rows = _rows(table)
    names, labels = [], []
    for number, row in enumerate(rows, start=1):
        if len(row) < 3 or not row[1].isdecimal() or not row[2].lstrip("-").isdecimal():
            raise InputError(
                f"{table}, row {number}: {', '.join(row)} is not file, number of classes, label",
                hint="correct the row",
            )
        if not 0 <= int(row[2]) < max(int(row[1]), 1):
            raise InputError(
                f"{table}, row {number}: label {row[2]} is none of {row[1]} classes",
                hint="classes count from 0",
            )
        names.append(row[0])
        labels.append(int(row[2]))
    contents = []
    for name in names:
        try:
            contents.append((folder / name).read_bytes())
        except OSError as error:
            raise InputError(
                f"{table} names {name}, which cannot be read: {error.strerror or error}", hint="put it there"
            ) from error
    sizes = {len(content) for content in contents}
    if len(sizes) > 1:
        raise InputError(f"the files of {folder} have {len(sizes)} sizes", hint="all samples have one shape")
    values = np.frombuffer(b"".join(contents), np.uint8).reshape(len(contents), -1)
    if data_type is not None:
        item = np.dtype(data_type).itemsize
        if values.shape[1] % item:
            raise InputError(
                f"a file of {folder} holds {values.shape[1]} bytes, no whole number of {data_type} values",
                hint="name their type with --data-type",
            )
        values = values.view(np.dtype(data_type).newbyteorder("<"))
    return checked(folder.resolve().name, {"x": values}, np.array(labels, np.int64), span=span)
