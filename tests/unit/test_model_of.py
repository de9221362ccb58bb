"""Which file a board's model is, and what is said where it is another."""

import functools
import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from boardproof_export.shared.errors import InputError, LinkError
from boardproof_export.shared.project import Project
from boardproof_host.boards.which_model import model_of
from boardproof_host.link.handshake import Identity
from support.host_c import ROOT

NAMES = ("fashion_mnist_int8.tflite", "fashion_mnist_int8_per_tensor.tflite")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two committed models, as platformio.ini has them."""
    shutil.copytree(ROOT / "models", tmp_path / "models")
    shutil.copy(ROOT / "platformio.ini", tmp_path)
    return Project(tmp_path)


def board(content: bytes) -> Identity:
    fake = SimpleNamespace(model_sha256=hashlib.sha256(content).hexdigest(), target="nano33ble_tflm")
    fake.check_model = functools.partial(Identity.check_model, cast(Identity, fake))
    return cast(Identity, fake)


@pytest.mark.parametrize("name", NAMES)
def test_committed_models_are_known(project: Project, name: str) -> None:
    path = project.root / "models" / name
    assert model_of(project, None, board(path.read_bytes())) == path


def test_after_an_export_a_committed_model_is_refused_and_named(project: Project) -> None:
    """What was exported is what is meant: a board that was flashed before is stale, or has to be asked for."""
    exported = project.generated / "model" / "mine.tflite"
    exported.parent.mkdir(parents=True)
    exported.write_bytes(b"another")
    path = project.root / "models" / NAMES[1]
    with pytest.raises(LinkError, match="the board runs another model") as caught:
        model_of(project, None, board(path.read_bytes()))
    assert f"--model {path}" in caught.value.hint
    assert model_of(project, path, board(path.read_bytes())) == path
    assert model_of(project, None, board(b"another")) == project.exported_model == exported


def test_a_model_of_nobody(project: Project) -> None:
    with pytest.raises(LinkError, match="the board runs a model that is not here") as caught:
        model_of(project, None, board(b"unknown"))
    assert "--model FILE" in caught.value.hint


def test_outside_of_a_checkout_the_model_has_to_be_named(project: Project) -> None:
    path = project.root / "models" / NAMES[0]
    assert model_of(None, path, board(path.read_bytes())) == path
    with pytest.raises(InputError) as caught:
        model_of(None, None, board(path.read_bytes()))
    assert "--model" in caught.value.hint
