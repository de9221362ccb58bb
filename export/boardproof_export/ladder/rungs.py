"""The ladder: one model as five .tflite files, from float32 to int8, and what each costs and scores."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boardproof_export.precision.quiet import hidden_output
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph
from boardproof_export.tflm.engines import export_support

BOARD_RUNG = "int8"
# For TensorFlow Lite Micro of before September 2024, whose dense layers know one scale a tensor (docs/BOARDS.md).
PER_TENSOR_RUNG = "int8_per_tensor"
FULL_INT8 = (BOARD_RUNG, PER_TENSOR_RUNG)
RUNG_NAMES = ("float32", "float16", "dynamic", *FULL_INT8)
ADVICE = "use layers that TensorFlow Lite's builtin operators cover"
UNROLL = "give its recurrent layers a fixed number of steps and unroll=True"
_LONGEST = 300  # characters of what the converter says

Samples = Callable[[], Iterator[Mapping[str, Any]]]


@dataclass(frozen=True)
class Rung:
    """One .tflite file of the ladder."""

    name: str  # one of RUNG_NAMES
    file: str  # its name beside ladder.json
    bytes: int
    share_of_h5: float  # bytes / bytes of the .h5, or of the SavedModel
    accuracy: float | None  # top-1, 0 to 1; None where the data do not tell classes
    interval: tuple[float, float] | None  # the 95 % interval of the accuracy
    # By the rung before: samples that this, and that, alone has right, and p of McNemar's test. Empty likewise.
    mcnemar: dict[str, dict[str, float]]
    quality: dict[str, Any]  # kind, and metrics by name: boardproof_export.shared.quality
    snr_db: float | None  # of the outputs, held to those of float32; None where they are the same
    engines: tuple[str, ...]  # of the firmware, that run it
    host_only: bool  # none does
    reason: str  # why it is host-only, or for tflm alone; empty when nothing is against it
    sha256: str


def convert_rung(tf: Any, saved: Path, name: str, representative: Samples) -> bytes:
    """Converts a SavedModel to one rung. The same model and TensorFlow version give the same bytes.

    Args:
        tf: the `tensorflow` module.
        saved: a SavedModel folder with one signature.
        name: one of RUNG_NAMES.
        representative: real samples, an array an input by its name; only the int8 rungs use them.

    Returns:
        The content of the .tflite file.

    Raises:
        InputError: TensorFlow's converter cannot convert the model.
    """
    try:
        with hidden_output(diagnose=False):
            converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
            if name != "float32":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if name == "float16":
                converter.target_spec.supported_types = [tf.float16]
            if name in FULL_INT8:
                converter.representative_dataset = representative
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
                converter.inference_input_type = converter.inference_output_type = tf.int8
            if name == PER_TENSOR_RUNG:
                converter._experimental_disable_per_channel_quantization_for_dense_layers = True
            return bytes(converter.convert())
    except Exception as error:  # the converter raises its own, ValueError, RuntimeError and more
        hint = UNROLL if "TensorList" in str(error) else ADVICE
        raise InputError(
            f"TensorFlow cannot convert the model to {name}: {_said(error)}", hint=hint
        ) from error


def _said(error: Exception) -> str:
    """The converter's own words: the operations that it names, which it puts behind pages of places, else its start."""
    text = str(error).strip()
    lacking = sorted(set(re.findall(r"'(tf\.\w+)' op", text)))
    if lacking:
        return f"TensorFlow Lite has no {', '.join(lacking)}, as the model uses it"
    return text.partition("\n")[0][:_LONGEST] or type(error).__name__


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
