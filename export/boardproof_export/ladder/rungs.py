"""The ladder: one Keras model as five .tflite files, from float32 to int8, and what each costs and scores."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.ladder.tensorflow import hidden_output
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources import pixels
from boardproof_export.tflm.engines import export_support

BOARD_RUNG = "int8"
# For TensorFlow Lite Micro of before September 2024, whose dense layers know one scale a tensor (docs/BOARDS.md).
PER_TENSOR_RUNG = "int8_per_tensor"
RUNG_NAMES = ("float32", "float16", "dynamic", BOARD_RUNG, PER_TENSOR_RUNG)
CALIBRATION_IMAGES = 500  # the TensorFlow Lite guide asks for 100 to 500
CALIBRATION_SEED = 1
USUAL_RANGES: tuple[pixels.Span, ...] = ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0))
CLEARLY_BETTER = 0.03  # of all images
_LONGEST = 300  # characters of what the converter says


@dataclass(frozen=True)
class Rung:
    """One .tflite file of the ladder."""

    name: str  # one of RUNG_NAMES
    file: str  # its name beside ladder.json
    bytes: int
    share_of_h5: float  # bytes / bytes of the .h5
    accuracy: float  # 0 to 1, over the whole test set
    engines: tuple[str, ...]  # of the firmware, that run it
    host_only: bool  # none does
    reason: str  # why it is host-only, or for tflm alone; empty when nothing is against it
    sha256: str


def calibration_images(train: dataset.Split, span: pixels.Span = pixels.UNIT) -> NDArray[np.float32]:
    """The representative data: float32 (500, 28, 28) over `span`, drawn from the training set by a fixed seed."""
    generator = np.random.default_rng(CALIBRATION_SEED)
    chosen = generator.choice(len(train.labels), CALIBRATION_IMAGES, replace=False)
    return pixels.spread(train.images[chosen], span)


def check_shapes(model: Any, path: Path) -> None:
    """Refuses a Keras model that cannot classify Fashion-MNIST, before anything is converted.

    Raises:
        InputError: it does not have one float32 input of 784 values an image and one output of 10 classes or more,
            or its batch is fixed to something other than 1.
    """
    hint = "convert takes classifiers of 28x28 images, such as the one that boardproof train makes"
    if not getattr(model, "built", True) or not getattr(model, "inputs", None):
        raise InputError(
            f"{path}: the model does not know its input's shape",
            hint="give it one before you save it: keras.Input((28, 28)) as the first layer, or model.build(...)",
        )
    inputs, outputs = model.inputs or [], model.outputs or []
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError(
            f"{path}: the model has {len(inputs)} inputs and {len(outputs)} outputs, not one each", hint=hint
        )
    taken, given = tuple(inputs[0].shape), tuple(outputs[0].shape)
    if inputs[0].dtype != "float32":
        raise InputError(f"{path}: the model's input is {inputs[0].dtype}, not float32", hint=hint)
    if taken[0] not in (None, 1):
        raise InputError(f"{path}: the model's batch is fixed at {taken[0]}", hint="leave the batch open")
    if None in taken[1:] or prod(taken[1:]) != prod(dataset.IMAGE_SHAPE):
        raise InputError(f"{path}: the model takes {taken}, an image is 28x28", hint=hint)
    if len(given) != 2 or given[1] is None or given[1] < len(dataset.CLASS_NAMES):
        raise InputError(f"{path}: the model gives {given}, the data has 10 classes", hint=hint)


def convert_rung(tf: Any, model: Any, name: str, calibration: NDArray[np.float32]) -> bytes:
    """Converts a Keras model to one rung. The same model and TensorFlow version give the same bytes.

    The float rungs keep the model's open batch, as the course's converter call does. The int8 rungs fix the batch
    at 1: an open batch turns Flatten into SHAPE, STRIDED_SLICE, PACK and RESHAPE, which a board would pay for.

    Args:
        tf: the `tensorflow` module.
        model: a Keras model that passed `check_shapes`.
        name: one of RUNG_NAMES.
        calibration: float32 (N, 28, 28); only the int8 rungs use it.

    Returns:
        The content of the .tflite file.

    Raises:
        InputError: TensorFlow's converter cannot convert the model.
    """
    shape = (1, *model.inputs[0].shape[1:])
    signature = None
    full_int8 = name in (BOARD_RUNG, PER_TENSOR_RUNG)
    if full_int8:
        signature = [tf.keras.InputSpec(shape=shape, dtype="float32", name=model.inputs[0].name)]

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for image in calibration:
            yield [image.reshape(shape)]

    try:
        with tempfile.TemporaryDirectory() as saved, hidden_output(diagnose=False):
            model.export(saved, verbose=False, input_signature=signature)
            converter = tf.lite.TFLiteConverter.from_saved_model(saved)
            if name != "float32":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if name == "float16":
                converter.target_spec.supported_types = [tf.float16]
            if full_int8:
                converter.representative_dataset = representative
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
                converter.inference_input_type = converter.inference_output_type = tf.int8
            if name == PER_TENSOR_RUNG:
                converter._experimental_disable_per_channel_quantization_for_dense_layers = True
            return bytes(converter.convert())
    except Exception as error:  # the converter raises its own, ValueError, RuntimeError and more
        raise InputError(
            f"TensorFlow cannot convert the model to {name}: {_said(error)}",
            hint="use layers that TensorFlow Lite's builtin operators cover",
        ) from error


def _said(error: Exception) -> str:
    """The converter's own words: the operations that it names, which it puts behind pages of places, else its start."""
    text = str(error).strip()
    lacking = sorted(set(re.findall(r"'(tf\.\w+)' op", text)))
    if lacking:
        return f"TensorFlow Lite has no {', '.join(lacking)}, as the model uses it"
    return text.partition("\n")[0][:_LONGEST] or type(error).__name__


def accuracy(content: bytes, split: dataset.Split, span: pixels.Span = pixels.UNIT) -> float:
    """Share of images that the Python interpreter (LiteRT, its default kernels) classifies right.

    A graph with an open batch takes all images in one call, as in the course; a batch fixed at 1 takes one a call.

    Args:
        content: a .tflite file: 784 float32 or int8 values an image to one score a class.
        split: what to classify.

    Returns:
        0 to 1. Of equal scores the lowest class counts, as `numpy.argmax` has it.
    """
    from ai_edge_litert.interpreter import Interpreter

    with hidden_output():  # "Created TensorFlow Lite XNNPACK delegate"
        interpreter = Interpreter(model_content=content)
        entry, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        images: NDArray[Any] = pixels.spread(split.images, span)
        if entry["dtype"] == np.int8:
            scale, zero_point = entry["quantization"]
            images = pixels.quantize(split.images, float(scale), int(zero_point), span)
        batch = len(images) if entry["shape_signature"][0] == -1 else 1
        shape = (batch, *(int(extent) for extent in entry["shape"][1:]))
        interpreter.resize_tensor_input(entry["index"], shape)
        interpreter.allocate_tensors()
        right = 0
        for start in range(0, len(images), batch):
            interpreter.set_tensor(entry["index"], images[start : start + batch].reshape(shape))
            interpreter.invoke()
            predicted = interpreter.get_tensor(result["index"]).argmax(axis=-1)
            right += int((predicted == split.labels[start : start + batch]).sum())
    return right / len(images)


def better_range(
    content: bytes, split: dataset.Split, span: pixels.Span, reached: float
) -> tuple[pixels.Span, float] | None:
    """The usual range of pixels with which a rung is right clearly more often than the `reached` with `span`, and how
    often; None where there is none. What a model was trained on is the user's to say; this is worth a question."""
    others = ((other, accuracy(content, split, other)) for other in USUAL_RANGES if other != span)
    best = max(others, key=lambda entry: entry[1])
    return best if best[1] >= reached + CLEARLY_BETTER else None


def board_limit(graph: Graph) -> tuple[tuple[str, ...], str]:
    """Which engines of the firmware run a graph, as `export` would say, and what is against it.

    Returns:
        (engines, reason). With no engine the reason is TensorFlow Lite Micro's, which runs more; with `tflm` alone it
        is what the engine `aot` lacks. It is empty when nothing is against the graph.
    """
    answers = export_support(graph)
    engines = tuple(answer.engine for answer in answers if answer.runs)
    aot, tflm = answers
    if aot.runs:
        return engines, ""
    if tflm.runs:
        return engines, f"for the engine tflm alone: {aot.reasons[0]}"
    return engines, f"TensorFlow Lite Micro cannot run it: {tflm.reasons[0]}"
