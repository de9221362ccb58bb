"""The ladder of one Keras model: it is loaded, converted to every rung, and each is measured. Nothing is written."""

import hashlib
import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from boardproof_export.ladder import console
from boardproof_export.ladder import rungs as ladder
from boardproof_export.ladder.tensorflow import import_tensorflow
from boardproof_export.shared import files
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.ladder_record import LADDER_SCHEMA
from boardproof_export.shared.model import parse_graph
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources import pixels


def build(
    path: Path,
    train: dataset.Split,
    test: dataset.Split,
    span: pixels.Span = pixels.UNIT,
    *,
    crashed: Mapping[str, str] | None = None,
    tell: Callable[[str], None] = lambda rung: None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Converts and measures all rungs. A rung that cannot be made does not end the others.

    Args:
        crashed: rungs that are left out, and why.
        tell: takes the name of each rung before it is begun.

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
    failed = dict(crashed or {})
    hint = "use layers that TensorFlow Lite's builtin operators cover"
    for name in ladder.RUNG_NAMES:
        if name in failed:
            continue
        tell(name)
        with screen.status(f"{name}: converting and running {len(test.labels):,} images"):
            try:
                content = ladder.convert_rung(tf, keras_model, name, calibration)
            except InputError as error:
                failed[name], hint = error.message, error.hint
                continue
            rungs.append(_measured(f"{path.stem}_{name}.tflite", name, content, h5_bytes, test, span))
            contents[rungs[-1].file] = content
    if not rungs:
        raise InputError(failed[ladder.RUNG_NAMES[0]], hint=hint)
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
        "failed": failed,
    }
    return record, contents


def _measured(
    file: str, name: str, content: bytes, h5_bytes: int, test: dataset.Split, span: pixels.Span
) -> ladder.Rung:
    engines, reason = ladder.board_limit(parse_graph(content, Path(file)))
    return ladder.Rung(
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


def _load(tf: Any, path: Path, *, with_optimizer: bool = False) -> Any:
    tf.keras.backend.clear_session()  # names of tensors count up in a process, and would change the bytes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an optimizer whose variables are not wanted
            return tf.keras.models.load_model(path, compile=with_optimizer)
    except Exception as error:  # Keras lets through what zipfile, h5py, json and its layers raise
        raise InputError(f"Keras cannot load {path}: {_said(error)}", hint=_advice(str(error))) from error


def _said(error: Exception) -> str:
    """Keras's own words: the class that it lacks, which it names far behind the first line, else that line."""
    text = str(error).strip()
    lacking = re.search(r"Could not locate class '([^']+)'", text)
    if lacking:
        return f"there is no class {lacking[1]!r} here"
    return text.partition("\n")[0] or type(error).__name__


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
    if "truncated" in lower:
        return "it is cut short: copy it again"
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
