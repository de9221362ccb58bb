"""What `convert` takes, a Keras file or a SavedModel folder, as the SavedModel folder that the converter reads."""

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from boardproof_export.ladder.keras_file import h5_bytes, in_float32, load
from boardproof_export.precision.quiet import hidden_output
from boardproof_export.shared import files
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.tensors import TENSOR_TYPES, TensorInfo

SIGNATURE = "serving_default"
_WHOLE = "give every dimension but the batch a size before you save it: keras.Input((28, 28))"


class Original(Protocol):
    """A model as it was before conversion."""

    kind: str  # ".h5" or "SavedModel": what `bytes` weighs
    bytes: int
    sha256: str
    open_batch: bool  # whether it can be exported with its batch left open

    def export(self, folder: Path, *, one: bool) -> None:
        """Writes a SavedModel with one signature, its batch fixed at 1 where `one`."""


@dataclass
class KerasModel:
    """A .keras or .h5 file."""

    tf: Any
    model: Any
    bytes: int
    sha256: str
    kind: str = ".h5"
    open_batch: bool = True

    def export(self, folder: Path, *, one: bool) -> None:
        """See Original. The open one is what the course's call makes."""
        signature = None
        if one:
            sequential = isinstance(self.model, self.tf.keras.Sequential)
            spec = self.tf.nest.map_structure(
                lambda tensor: self.tf.keras.InputSpec(
                    shape=(1, *tensor.shape[1:]), dtype=tensor.dtype, name=tensor.name
                ),
                self.model.inputs if sequential else self.model._inputs_struct,
            )
            signature = spec if sequential else [spec]
        with hidden_output(diagnose=False):
            self.model.export(folder, verbose=False, input_signature=signature)


@dataclass
class SavedModel:
    """A SavedModel folder, through one of its signatures."""

    tf: Any
    loaded: Any
    signature: Any
    bytes: int
    sha256: str
    kind: str = "SavedModel"
    open_batch: bool = False  # saved again its weights are constants, which an open one's are not always

    def export(self, folder: Path, *, one: bool) -> None:
        """See Original."""
        specs = {
            name: self.tf.TensorSpec([1, *spec.shape[1:]] if spec.shape.rank else [], spec.dtype, name=name)
            for name, spec in _inputs(self.signature).items()
        }

        @self.tf.function  # type: ignore[untyped-decorator]
        def once(**inputs: Any) -> Any:
            return self.signature(**inputs)

        module = self.tf.Module()
        module.loaded = self.loaded
        with hidden_output(diagnose=False):
            signatures = {SIGNATURE: once.get_concrete_function(**specs)}
            self.tf.saved_model.save(module, folder, signatures=signatures)


def load_original(tf: Any, path: Path) -> Original:
    """Loads what the user named.

    Raises:
        InputError: it cannot be loaded, or no board can take its inputs.
    """
    if path.is_dir():
        return _load_saved(tf, path)
    model = load(tf, path)
    _check_keras(model, path)
    return KerasModel(tf, in_float32(model), h5_bytes(tf, path), files.sha256_file(path))


def signature_of(tf: Any, folder: Path) -> tuple[TensorInfo, ...]:
    """The inputs of a SavedModel that `export` wrote, in the order of the .tflite files that are made of it."""
    with hidden_output():
        loaded = tf.saved_model.load(folder)
    specs = _inputs(loaded.signatures[SIGNATURE])
    return tuple(
        TensorInfo(name, spec.dtype.name, (1, *spec.shape[1:]) if spec.shape.rank else ())
        for name, spec in sorted(specs.items())
    )


def _inputs(signature: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = signature.structured_input_signature[1]
    return found


def _load_saved(tf: Any, path: Path) -> SavedModel:
    try:
        with warnings.catch_warnings(), hidden_output(diagnose=False):
            warnings.simplefilter("ignore")
            loaded = tf.saved_model.load(str(path))
    except Exception as error:  # TensorFlow lets through what its readers and its loaders raise
        said = str(error).strip().partition("\n")[0]
        raise InputError(
            f"TensorFlow cannot load {path}: {said}", hint="save it again, with model.export(FOLDER)"
        ) from error
    signatures = dict(getattr(loaded, "signatures", {}))
    name = SIGNATURE if SIGNATURE in signatures or len(signatures) != 1 else next(iter(signatures))
    if name not in signatures:
        listed = ", ".join(sorted(signatures)) or "none"
        raise InputError(
            f"{path} has no signature {SIGNATURE}, and more or less than one other: {listed}",
            hint="save it with one: model.export(FOLDER), or tf.saved_model.save(model, FOLDER, signatures=...)",
        )
    signature = signatures[name]
    for key, spec in _inputs(signature).items():
        shape = None if spec.shape.rank is None else tuple(spec.shape)
        _check_input(key, spec.dtype.name, shape, path)
    inside = sorted(entry for entry in path.rglob("*") if entry.is_file())
    digest = hashlib.sha256()
    for entry in inside:
        digest.update(str(entry.relative_to(path)).encode() + b"\0" + entry.read_bytes())
    return SavedModel(
        tf, loaded, signature, sum(entry.stat().st_size for entry in inside), digest.hexdigest()
    )


def _check_keras(model: Any, path: Path) -> None:
    """Refuses a Keras model that cannot be exported for a board, before anything is converted."""
    if not getattr(model, "built", True) or not getattr(model, "inputs", None):
        raise InputError(
            f"{path}: the model does not know its input's shape",
            hint="give it one before you save it: its own, as keras.Input((28, 28)), as the first layer, or "
            "model.build(...)",
        )
    for tensor in model.inputs:
        _check_input(tensor.name, str(tensor.dtype), tuple(tensor.shape), path)


def _check_input(name: str, dtype: str, shape: tuple[int | None, ...] | None, path: Path) -> None:
    if dtype not in TENSOR_TYPES:
        raise InputError(
            f"{path}: the model's input {name!r} is {dtype}, which no board takes",
            hint=f"give it an input of one of these types: {', '.join(TENSOR_TYPES)}",
        )
    if shape is None or None in shape[1:]:
        shown = (
            "unknown" if shape is None else ", ".join("open" if size is None else str(size) for size in shape)
        )
        raise InputError(
            f"{path}: the shape of the model's input {name!r} is not known: {shown}", hint=_WHOLE
        )
    if shape and shape[0] not in (None, 1):
        raise InputError(f"{path}: the model's batch is fixed at {shape[0]}", hint="leave the batch open")
