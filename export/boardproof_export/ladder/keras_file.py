"""A .keras or .h5 file through Keras 3: loaded, refused in its own words, weighed."""

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

from boardproof_export.shared.errors import InputError

_MIXED = ("mixed_float16", "mixed_bfloat16")  # Keras's policies
_ELSEWHERE = "where the model was made, model.export(FOLDER), then boardproof convert FOLDER"


def load(tf: Any, path: Path, *, with_optimizer: bool = False) -> Any:
    """The model of a Keras file.

    Raises:
        InputError: Keras cannot load it.
    """
    tf.keras.backend.clear_session()  # names of tensors count up in a process, and would change the bytes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an optimizer whose variables are not wanted
            return tf.keras.models.load_model(path, compile=with_optimizer)
    except Exception as error:  # Keras lets through what zipfile, h5py, json and its layers raise
        raise InputError(f"Keras cannot load {path}: {said_of(error)}", hint=advice(str(error))) from error


def in_float32(model: Any) -> Any:
    """The same model computing in float32 where it was trained with mixed precision, which TensorFlow Lite has no
    operators for; its weights are float32 already."""
    if not any(layer.dtype_policy.name in _MIXED for layer in model._flatten_layers()):
        return model
    plain = type(model).from_config(_without_mixed(model.get_config()))
    plain.set_weights(model.get_weights())
    return plain


def _without_mixed(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _without_mixed(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_without_mixed(value) for value in config)
    return "float32" if isinstance(config, str) and config in _MIXED else config


def said_of(error: Exception) -> str:
    """Keras's own words: the class that it lacks, which it names far behind the first line, else that line."""
    text = str(error).strip()
    lacking = re.search(r"Could not locate class '([^']+)'", text)
    if lacking:
        return f"there is no class {lacking[1]!r} here"
    return text.partition("\n")[0] or type(error).__name__


def advice(said: str) -> str:
    """What to do about a file that Keras 3 does not load."""
    lower = said.lower()
    if "no model config" in lower or ("weights" in lower and "only" in lower):
        return "it holds weights alone: save the whole model (model.save), not its weights"
    if "lambda" in lower:
        return f"Keras loads no Lambda layer from a file: {_ELSEWHERE}"
    if (
        "custom" in lower
        or "register" in lower
        or "unknown layer" in lower
        or "could not locate class" in lower
    ):
        return f"it has a layer of its own making: {_ELSEWHERE}"
    if "truncated" in lower:
        return "it is cut short: copy it again"
    return "save it again with the Keras that wrote it, as .keras: an older version's files may not load"


def h5_bytes(tf: Any, path: Path) -> int:
    """Size of the course's `model.save('... .h5')`: the file itself, the one beside it, or one made to be weighed."""
    beside = path.with_suffix(".h5")
    if beside.is_file():
        return beside.stat().st_size
    with tempfile.TemporaryDirectory() as scratch:
        weighed = Path(scratch) / "model.h5"
        try:  # the optimizer's state is two thirds of it
            whole = load(tf, path, with_optimizer=True)
        except InputError:  # a loss or a metric of its own: nothing that a conversion needs
            whole = load(tf, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                whole.save(weighed)
            except Exception:  # what the older format cannot hold, Keras says in many ways
                return path.stat().st_size
        return weighed.stat().st_size
