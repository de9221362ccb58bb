"""What `prove` does before a measurement: a training and a conversion, each once for what goes into it."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from boardproof_export.shared import files
from boardproof_export.shared.project import Project
from boardproof_export.shared.sources import fashion_mnist
from boardproof_host.runs import steps
from boardproof_host.runs.listener import Silent


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run; each ends well, and a training leaves its files."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> Any:
        name, *arguments = command[3:]
        ran.append([name, *arguments])
        if name == "train":
            train(dict(zip(arguments[::2], arguments[1::2], strict=True)))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(fashion_mnist, "load", lambda split, data: SimpleNamespace(sha256=split))
    return ran


def train(named: dict[str, str]) -> None:
    folder, arch = Path(named["--out"]), named["--arch"]
    folder.mkdir(parents=True)
    keras = folder / ("fashion_mnist.keras" if arch == "mlp" else f"fashion_mnist_{arch}.keras")
    keras.write_bytes(b"")
    entry = {"bytes": 0, "sha256": files.sha256_file(keras)}
    record = {"schema": "boardproof.train/1", "arch": arch, "files": {keras.name: entry}}
    (folder / "train.json").write_text(json.dumps(record))


def prepared(tmp_path: Path, arch: str, epochs: int | None = None) -> Path:
    return steps.trained_model(Project(tmp_path), Silent(), data=None, arch=arch, seed=1, epochs=epochs)


@pytest.mark.parametrize(
    ("arch", "name"), [("mlp", "fashion_mnist_int8.tflite"), ("cnn", "fashion_mnist_cnn_int8.tflite")]
)
def test_an_architecture_is_trained_and_converted(
    tmp_path: Path, commands: list[list[str]], arch: str, name: str
) -> None:
    model = prepared(tmp_path, arch)
    assert model.name == name
    keras = model.with_name(name.replace("_int8.tflite", ".keras"))
    train_command, convert_command = commands
    assert train_command == ["train", "--arch", arch, "--out", str(model.parent), "--seed", "1"]
    assert convert_command == ["convert", str(keras)]


def test_what_was_trained_is_not_trained_again(tmp_path: Path, commands: list[list[str]]) -> None:
    assert prepared(tmp_path, "cnn") == prepared(tmp_path, "cnn")
    assert [command[0] for command in commands] == ["train", "convert", "convert"]


def test_each_training_has_a_folder_of_its_own(tmp_path: Path, commands: list[list[str]]) -> None:
    wanted = [("mlp", None), ("cnn", None), ("cnn", 3)]
    assert len({prepared(tmp_path, arch, epochs).parent for arch, epochs in wanted}) == len(wanted)
    assert commands[-2][-2:] == ["--epochs", "3"]
