"""`train.json` and `ladder.json`: what lies beside a model counts only where it is what they say."""

import json
from pathlib import Path
from typing import Any

import pytest

from boardproof_export.shared.files import sha256_file
from boardproof_export.shared.ladder_record import (
    LADDER_FILE,
    LADDER_SCHEMA,
    TRAIN_FILE,
    TRAIN_SCHEMA,
    ladder_is_current,
    train_is_current,
    trained_stem,
)

KERAS = "fashion_mnist.keras"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model with one rung, both described."""
    for name in (KERAS, "fashion_mnist_int8.tflite"):
        (tmp_path / name).write_text(name)
    write(tmp_path / TRAIN_FILE, {"schema": TRAIN_SCHEMA, "files": {KERAS: entry(tmp_path, KERAS)}})
    write(
        tmp_path / LADDER_FILE,
        {
            "schema": LADDER_SCHEMA,
            "model": entry(tmp_path, KERAS),
            "rungs": [{"file": "fashion_mnist_int8.tflite", **entry(tmp_path, "fashion_mnist_int8.tflite")}],
        },
    )
    return tmp_path


def entry(folder: Path, name: str) -> dict[str, Any]:
    return {"sha256": sha256_file(folder / name)}


def write(path: Path, record: Any) -> None:
    path.write_text(json.dumps(record))


def current(folder: Path) -> tuple[bool, bool]:
    return train_is_current(folder), ladder_is_current(folder / KERAS)


def test_what_was_described_is_current(folder: Path) -> None:
    assert current(folder) == (True, True)


def test_a_changed_or_missing_file_is_made_again(folder: Path) -> None:
    (folder / "fashion_mnist_int8.tflite").write_text("another")
    assert current(folder) == (True, False)
    (folder / KERAS).unlink()
    assert current(folder) == (False, False)


def test_a_ladder_for_other_pixels_is_not_this_one(folder: Path) -> None:
    record = json.loads((folder / LADDER_FILE).read_text())
    write(folder / LADDER_FILE, record | {"input_range": [0.0, 255.0]})
    assert not ladder_is_current(folder / KERAS)
    assert ladder_is_current(folder / KERAS, (0.0, 255.0))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[" * 100_000,
        "[]",
        "{}",
        json.dumps({"schema": LADDER_SCHEMA, "model": [], "rungs": [[]]}),
        json.dumps({"schema": LADDER_SCHEMA, "model": {"sha256": None}, "rungs": [{"file": "\0"}]}),
        json.dumps({"schema": TRAIN_SCHEMA, "files": {KERAS: "no entry"}}),
        json.dumps({"schema": TRAIN_SCHEMA, "files": []}),
    ],
)
def test_damaged_records_are_no_records(folder: Path, content: str) -> None:
    (folder / TRAIN_FILE).write_text(content)
    (folder / LADDER_FILE).write_text(content)
    assert current(folder) == (False, False)


def test_a_ladder_without_rungs_is_none(folder: Path) -> None:
    record = json.loads((folder / LADDER_FILE).read_text())
    write(folder / LADDER_FILE, record | {"rungs": []})
    assert not ladder_is_current(folder / KERAS)


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ('{"arch": "cnn"}', "fashion_mnist_cnn"),
        ('{"arch": "mlp"}', "fashion_mnist"),
        ("{}", "fashion_mnist"),  # of a boardproof that knew the course's model alone
        ('{"arch": 1}', "fashion_mnist"),
    ],
)
def test_the_files_of_the_last_training(tmp_path: Path, text: str, stem: str) -> None:
    assert trained_stem(tmp_path) == "fashion_mnist"
    (tmp_path / TRAIN_FILE).write_text(text)
    assert trained_stem(tmp_path) == stem
