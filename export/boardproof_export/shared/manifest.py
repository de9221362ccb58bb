"""What the host may know of an exported model, and the words both sides share.

This package is the only part of `boardproof_export` that the host imports. It holds the manifest (the record
that `boardproof export` writes beside the rendered sources), the dataset reader, the errors and the project's paths.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from boardproof_export.shared.errors import InputError

SCHEMA = "boardproof.manifest/1"
FILE_NAME = "manifest.json"


@dataclass(frozen=True)
class TensorInfo:
    """The model's input or output: int8, real value = scale * (q - zero_point)."""

    name: str
    shape: tuple[int, ...]  # batch included
    scale: float  # the float32 of the model, widened
    zero_point: int

    @property
    def count(self) -> int:
        """Number of int8 elements, equal to bytes."""
        product = 1
        for extent in self.shape:
            product *= extent
        return product


@dataclass(frozen=True)
class Manifest:
    """An exported model, as the host may know it."""

    name: str
    sha256: str  # of the .tflite file, lower-case hex
    bytes: int  # size of the .tflite file
    ops: tuple[str, ...]  # in execution order, e.g. ("RESHAPE", "FULLY_CONNECTED")
    input: TensorInfo
    output: TensorInfo
    pack: str  # weight layout: "portable", "dsp" or "avr"
    arena_bytes: int  # RAM that the ahead-of-time engine plans for tensors
    weights_bytes: int  # flash that the ahead-of-time engine's constants take
    exporter: str  # digest of the exporter's sources and templates: a change renders anew
    schema: str = SCHEMA

    def write(self, folder: Path) -> Path:
        """Writes `manifest.json` into `folder`; the same manifest gives the same bytes."""
        path = folder / FILE_NAME
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        return path


def _tensor(record: dict[str, Any]) -> TensorInfo:
    return TensorInfo(
        name=record["name"],
        shape=tuple(record["shape"]),
        scale=float(record["scale"]),
        zero_point=int(record["zero_point"]),
    )


def read_manifest(folder: Path) -> Manifest:
    """Reads `manifest.json` from a folder of rendered sources.

    Raises:
        InputError: it is missing, is not JSON, or has another schema.
    """
    path = folder / FILE_NAME
    hint = "render it again: boardproof export FILE.tflite"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA:
            raise InputError(f"{path} has schema {record['schema']!r}, not {SCHEMA!r}", hint=hint)
        record |= {
            "input": _tensor(record["input"]),
            "output": _tensor(record["output"]),
            "ops": tuple(record["ops"]),
        }
        return Manifest(**record)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a manifest: {error}", hint=hint) from error
