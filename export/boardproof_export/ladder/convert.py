"""`boardproof convert`: a Keras model or a SavedModel folder to the ladder of .tflite files, with the bytes and the
accuracy of each."""

import zipfile
from pathlib import Path

from boardproof_export.ladder import console, convert_table, data
from boardproof_export.ladder.apart import build_apart
from boardproof_export.shared import files
from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_export.shared.ladder_record import LADDER_FILE, SAVED_MODEL, trained_stem
from boardproof_export.shared.project import project_if_any, state_folder
from boardproof_export.shared.sources.opening import SourceOptions

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_TRAIN = "train one: boardproof train"
_NAME_ONE = "name a file that Keras saved (model.save), or train one: boardproof train"


def run(
    *,
    model: Path | None,
    out: Path | None,
    source: SourceOptions,
    as_json: bool,
    samples: int = data.SAMPLES,
    tested: int = data.MOST_TESTED,
) -> int:
    """Converts a model to every rung and writes the .tflite files and `ladder.json`.

    Args:
        model: .keras or .h5 file, or SavedModel folder; None is the trained model of the project.
        out: folder for the files; None is the model's folder, of a SavedModel the one that it lies in.
        source: representative data, which are also what is measured, but for a training part of theirs; Fashion-MNIST
            where none are named.
        as_json: print the record instead of a table.
        samples: for calibration, at most.
        tested: samples that are measured, at most.

    Raises:
        InputError: the model, the data or the folder cannot be used.
        ToolMissingError: TensorFlow or the data is missing.
    """
    path = model or default_model()
    check_file(path)
    path = path.resolve() if not path.name else path
    folder = out or path.parent
    files.prepare_folder(folder)
    record, contents = build_apart(path, data.open_data(source, samples, tested))
    with files.staged(folder) as scratch:
        for name, content in contents.items():
            (scratch / name).write_bytes(content)
        files.write_json(scratch / LADDER_FILE, record)
    if as_json:
        console.print_json(record)
    else:
        screen = console.results()
        for line in convert_table.lines(record, path, folder, source):
            screen.print(line)
    return ExitCode.PROVEN


def default_model() -> Path:
    """The trained model of the project: its .keras, else its .h5.

    Raises:
        InputError: nothing was trained yet.
    """
    folder = state_folder(project_if_any()) / "model"
    for suffix in (".keras", ".h5"):
        path = folder / f"{trained_stem(folder)}{suffix}"
        if path.exists():
            return path
    raise InputError(f"there is no trained model in {folder}", hint=_TRAIN)


def check_file(path: Path) -> None:
    """Refuses by name what cannot be a model, without the seconds that TensorFlow takes to import.

    Raises:
        InputError: it is missing, unreadable, a folder that is no SavedModel, or neither a .keras (zip) nor an .h5
            (HDF5) file.
    """
    if path.is_dir():
        if not (path / SAVED_MODEL).is_file():
            raise InputError(
                f"{path} is a folder without a {SAVED_MODEL}, so no SavedModel",
                hint="name a SavedModel folder (model.export), or a .keras or .h5 file",
            )
        return
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
