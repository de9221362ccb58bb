"""`train.json` and `ladder.json`: what `train` and `convert` write beside their files, and whether it still holds."""

import json
from pathlib import Path
from typing import Any

from boardproof_export.shared import files
from boardproof_export.shared.sources.pixels import UNIT, Span

MODEL_STEM = "fashion_mnist"  # of every file made from the course's model, the architecture `mlp`
COURSE_ARCH = "mlp"
TRAIN_FILE = "train.json"
TRAIN_SCHEMA = "boardproof.train/1"
LADDER_FILE = "ladder.json"
SAVED_MODEL = "saved_model.pb"  # in every SavedModel folder
LADDER_SCHEMA = "boardproof.ladder/3"  # 2: five rungs; 3: any model and data


def model_stem(arch: str) -> str:
    """Of every file made from a trained model of that architecture."""
    return MODEL_STEM if arch == COURSE_ARCH else f"{MODEL_STEM}_{arch}"


def trained_stem(folder: Path) -> str:
    """Of the files that were trained last in a folder; the course's where nothing was."""
    arch = _read(folder / TRAIN_FILE).get("arch")
    return model_stem(arch if isinstance(arch, str) else COURSE_ARCH)


def train_is_current(folder: Path) -> bool:
    """Are the files there that the folder's `train.json` describes, byte for byte, the .keras file among them?"""
    record = _read(folder / TRAIN_FILE)
    described = record.get("files")
    if record.get("schema") != TRAIN_SCHEMA or not isinstance(described, dict):
        return False
    if f"{trained_stem(folder)}.keras" not in described:
        return False
    return all(_is(folder, name, entry) for name, entry in described.items())


def ladder_is_current(keras: Path, span: Span = UNIT) -> bool:
    """Are the rungs of the Keras model `keras` beside it, byte for byte, made for pixels over `span`?"""
    record = _read(keras.parent / LADDER_FILE)
    model, rungs = record.get("model"), record.get("rungs")
    if record.get("schema") != LADDER_SCHEMA or not isinstance(model, dict) or not isinstance(rungs, list):
        return False
    if record.get("input_range", list(UNIT)) != list(span) or not _is(keras.parent, keras.name, model):
        return False
    return bool(rungs) and all(
        isinstance(rung, dict) and _is(keras.parent, rung.get("file"), rung) for rung in rungs
    )


def _read(path: Path) -> dict[str, Any]:
    """The record; empty where there is none, or what is there is none."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _is(folder: Path, name: object, entry: object) -> bool:
    """Is the file of that name the one whose SHA-256 the entry states?"""
    if not isinstance(name, str) or not isinstance(entry, dict):
        return False
    try:
        return files.sha256_file(folder / name) == entry.get("sha256")
    except (OSError, ValueError):  # not there; a name that no file can have
        return False
