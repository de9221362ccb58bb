"""`boardproof convert`: a Keras model to the ladder of .tflite files, with the bytes and the accuracy of each."""

import zipfile
from pathlib import Path

from boardproof_export.ladder import console, convert_table
from boardproof_export.ladder.apart import build_apart
from boardproof_export.shared import files
from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_export.shared.ladder_record import LADDER_FILE, trained_stem
from boardproof_export.shared.project import find_project
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources import pixels

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_TRAIN = "train one: boardproof train"
_NAME_ONE = "name a file that Keras saved (model.save), or train one: boardproof train"


def run(*, model: Path | None, out: Path | None, data: Path | None, span: pixels.Span, as_json: bool) -> int:
    """Converts a Keras model to every rung and writes the .tflite files and `ladder.json`.

    Args:
        model: .keras or .h5 file; None is the trained model of the project.
        out: folder for the files; None is the model's folder.
        data: folder with the IDX files; None looks for them.
        span: what the model was trained on: pixels 0 and 255.
        as_json: print the record instead of a table.

    Raises:
        InputError: the model, a data file or the folder cannot be used.
        ToolMissingError: TensorFlow or the data is missing.
    """
    path = model or default_model()
    check_file(path)
    folder = out or path.parent
    files.prepare_folder(folder)
    train, test = dataset.load("train", data), dataset.load("test", data)
    record, contents = build_apart(path, train, test, span)
    with files.staged(folder) as scratch:
        for name, content in contents.items():
            (scratch / name).write_bytes(content)
        files.write_json(scratch / LADDER_FILE, record)
    if as_json:
        console.print_json(record)
    else:
        screen = console.results()
        for line in convert_table.lines(record, path, folder):
            screen.print(line)
    return ExitCode.PROVEN


def default_model() -> Path:
    """The trained model of the project: its .keras, else its .h5.

    Raises:
        InputError: nothing was trained yet.
    """
    folder = find_project().state / "model"
    for suffix in (".keras", ".h5"):
        path = folder / f"{trained_stem(folder)}{suffix}"
        if path.exists():
            return path
    raise InputError(f"there is no trained model in {folder}", hint=_TRAIN)


def check_file(path: Path) -> None:
    """Refuses by name what cannot be a Keras model, without the seconds that TensorFlow takes to import.

    Raises:
        InputError: it is missing, a folder, unreadable, or neither a .keras (zip) nor an .h5 (HDF5) file.
    """
    if path.is_dir():
        saved = (path / "saved_model.pb").is_file()
        raise InputError(
            f"{path} is a {'SavedModel folder' if saved else 'folder'}, not a Keras model",
            hint="Keras 3 does not load one: save the model as .keras"
            if saved
            else "name its .keras or .h5 file",
        )
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_HDF5_MAGIC))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", hint=_TRAIN) from error
    found = ".h5" if start == _HDF5_MAGIC else ".keras" if zipfile.is_zipfile(path) else None
    if found is not None and path.suffix != found:
        what = "an HDF5 file" if found == ".h5" else "a zip file, as .keras files are,"
        raise InputError(f"{path} is {what} under another name", hint=f"rename it to end in {found}")
    if path.suffix not in (".keras", ".h5"):
        raise InputError(
            f"{path} is not a Keras model: its name ends in neither .keras nor .h5", hint=_NAME_ONE
        )
    if found is None:
        raise InputError(f"{path} is not a {path.suffix} file, or it is cut short", hint=_NAME_ONE)
