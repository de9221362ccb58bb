"""The manifest: what the host may know of an exported model, written beside the rendered sources."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.tensors import TensorInfo

SCHEMA = "boardproof.manifest/2"
FILE_NAME = "manifest.json"


@dataclass(frozen=True)
class OpInfo:
    """An operator of the model."""

    name: str  # the schema's, e.g. "RESHAPE"
    kernel: (
        str | None
    )  # the C function that computes it; None where nothing does, or where the interpreter decides
    macs: int  # multiply-accumulates of one inference
    constant_bytes: int  # flash of its constants, as they are packed for the kernel


@dataclass(frozen=True)
class Manifest:
    """An exported model, as the host may know it."""

    name: str
    sha256: str  # of the .tflite file, lower-case hex
    bytes: int  # size of the .tflite file
    engine: str  # "aot" or "tflm"
    core: str  # what the kernels are chosen for: "portable", "dsp" or "avr"; "tflm" for that engine. The folder's name.
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    ops: tuple[OpInfo, ...]  # in execution order
    arena_bytes: int  # RAM for tensors
    constants_bytes: int  # flash for constants: aot's packed ones, or the whole file
    exporter: str  # digest of the exporter's sources and templates: a change renders anew
    schema: str = SCHEMA

    def write(self, folder: Path) -> Path:
        """Writes `manifest.json` into `folder`; the same manifest gives the same bytes."""
        path = folder / FILE_NAME
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        return path


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
            "inputs": tuple(map(TensorInfo.from_json, record["inputs"])),
            "outputs": tuple(map(TensorInfo.from_json, record["outputs"])),
            "ops": tuple(OpInfo(**op) for op in record["ops"]),
        }
        return Manifest(**record)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a manifest: {error}", hint=hint) from error
