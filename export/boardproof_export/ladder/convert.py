"""`boardproof convert`: a Keras model to the ladder of .tflite files, with the bytes and the accuracy of each."""

import hashlib
import tempfile
import warnings
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from boardproof_export.ladder import console, convert_table
from boardproof_export.ladder import rungs as ladder
from boardproof_export.ladder.tensorflow import import_tensorflow
from boardproof_export.shared import files
from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_export.shared.ladder_record import LADDER_FILE, LADDER_SCHEMA, MODEL_STEM
from boardproof_export.shared.model import parse_graph
from boardproof_export.shared.project import find_project
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources import pixels

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_TRAIN = "train one: boardproof train"


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
    record, contents = build(path, train, test, span)
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
        path = folder / f"{MODEL_STEM}{suffix}"
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
    is_model = {".keras": zipfile.is_zipfile(path), ".h5": start == _HDF5_MAGIC}
    if path.suffix != ".h5" and start == _HDF5_MAGIC:
        raise InputError(f"{path} is an HDF5 file under another name", hint="rename it to end in .h5")
    if path.suffix not in is_model:
        raise InputError(f"{path} is not a Keras model: its name ends in neither .keras nor .h5", hint=_TRAIN)
    if not is_model[path.suffix]:
        raise InputError(f"{path} is not a {path.suffix} file, or it is cut short", hint=_TRAIN)


def build(
    path: Path, train: dataset.Split, test: dataset.Split, span: pixels.Span = pixels.UNIT
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Converts and measures all rungs; writes nothing. A rung that cannot be made does not end the others.

    Returns:
        The record of `ladder.json`, and each .tflite file's content by its name.

    Raises:
        InputError: Keras cannot load the file, the shapes do not fit the data, or every conversion fails.
        ToolMissingError: TensorFlow is missing.
    """
    tf = import_tensorflow()
    keras_model = _load(tf, path)
    ladder.check_shapes(keras_model, path)
    h5_bytes = _h5_bytes(tf, path)
    calibration = ladder.calibration_images(train, span)
    screen = console.progress()
    rungs: list[ladder.Rung] = []
    contents: dict[str, bytes] = {}
    failed: dict[str, InputError] = {}
    for name in ladder.RUNG_NAMES:
        with screen.status(f"{name}: converting and running {len(test.labels):,} images"):
            try:
                content = ladder.convert_rung(tf, keras_model, name, calibration)
            except InputError as error:
                failed[name] = error
                continue
            file = f"{path.stem}_{name}.tflite"
            engines, reason = ladder.board_limit(parse_graph(content, Path(file)))
            rung = ladder.Rung(
                name=name,
                file=file,
                bytes=len(content),
                share_of_h5=len(content) / h5_bytes,
                accuracy=ladder.accuracy(content, test, span),
                engines=engines,
                host_only=not engines,
                reason=reason,
                sha256=hashlib.sha256(content).hexdigest(),
            )
        rungs.append(rung)
        contents[file] = content
    if not rungs:
        raise next(iter(failed.values()))
    with screen.status("other ranges of pixels"):
        better = ladder.better_range(contents[rungs[0].file], test, span, rungs[0].accuracy)
    record = {
        "schema": LADDER_SCHEMA,
        "model": {"file": path.name, "sha256": files.sha256_file(path)},
        "h5_bytes": h5_bytes,
        "test_images": len(test.labels),
        "test_sha256": test.sha256,
        "calibration": {"images": len(calibration), "seed": ladder.CALIBRATION_SEED},
        "tensorflow": tf.__version__,
        "input_range": list(span),
        "better_range": better and {"range": list(better[0]), "accuracy": better[1]},
        "rungs": [asdict(rung) for rung in rungs],
        "failed": {name: error.message for name, error in failed.items()},
    }
    return record, contents


def _load(tf: Any, path: Path, *, with_optimizer: bool = False) -> Any:
    tf.keras.backend.clear_session()  # names of tensors count up in a process, and would change the bytes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an optimizer whose variables are not wanted
            return tf.keras.models.load_model(path, compile=with_optimizer)
    except Exception as error:  # Keras lets through what zipfile, h5py, json and its layers raise
        first_line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"Keras cannot load {path}: {first_line}", hint=_advice(str(error))) from error


def _advice(said: str) -> str:
    """What to do about a file that Keras 3 does not load."""
    lower = said.lower()
    if "no model config" in lower or ("weights" in lower and "only" in lower):
        return "it holds weights alone: save the whole model (model.save), not its weights"
    if "lambda" in lower:
        return "replace the Lambda layer by a layer of Keras's own: a conversion cannot look into it"
    if (
        "custom" in lower
        or "register" in lower
        or "unknown layer" in lower
        or "could not locate class" in lower
    ):
        return "it has a layer of its own making: convert it where that class is, then see the file: boardproof inspect"
    return "save it again with the Keras that wrote it, as .keras: an older version's files may not load"


def _h5_bytes(tf: Any, path: Path) -> int:
    """Size of the course's `model.save('... .h5')`: the file itself, the one beside it, or one made to be weighed."""
    beside = path.with_suffix(".h5")
    if beside.is_file():
        return beside.stat().st_size
    with tempfile.TemporaryDirectory() as scratch:
        weighed = Path(scratch) / "model.h5"
        try:  # the optimizer's state is two thirds of it
            whole = _load(tf, path, with_optimizer=True)
        except InputError:  # a loss or a metric of its own: nothing that a conversion needs
            whole = _load(tf, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole.save(weighed)
        return weighed.stat().st_size
