"""`boardproof train`, once on the real data; refusals before TensorFlow is imported; files that survive."""

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from boardproof_export.commands.folder import writing
from boardproof_export.ladder import tensorflow as tensorflow_import
from boardproof_export.ladder import train
from boardproof_export.shared import files
from boardproof_export.shared.errors import ExitCode, InputError, NoRoomError, ToolMissingError
from boardproof_export.shared.ladder_record import TRAIN_SCHEMA


def test_one_epoch_trains(trained: Any) -> None:
    assert trained.record["schema"] == TRAIN_SCHEMA
    assert trained.record["arch"] == "mlp"
    assert trained.record["seed"] == 7 and trained.record["epochs"] == 1
    assert 0.80 < trained.record["test_accuracy"] < 0.90
    assert 0.2 < trained.record["test_loss"] < 0.7


def test_the_files_are_the_courses(trained: Any) -> None:
    names = {path.name for path in trained.folder.iterdir()}
    assert names == {"fashion_mnist.keras", "fashion_mnist.h5", "train.json"}
    assert (trained.folder / "fashion_mnist.h5").stat().st_size == 1_244_464
    for name, entry in trained.record["files"].items():
        content = (trained.folder / name).read_bytes()
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_progress_is_a_line_an_epoch_and_nothing_else(trained: Any) -> None:
    (line,) = trained.log.splitlines()
    assert re.fullmatch(r"epoch 1/1: loss \d\.\d{4}, accuracy \d\d\.\d\d% on the training set", line)


def test_the_record_names_the_data(trained: Any) -> None:
    # Of the published files, in any compression.
    assert trained.record["train_sha256"].startswith("16d82e2b505296aa")
    assert trained.record["test_sha256"].startswith("9f1ec356a747bfe4")


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test in which TensorFlow would be imported: the refusal has to come first."""

    def forbidden() -> None:
        pytest.fail("TensorFlow was imported before the refusal")

    monkeypatch.setattr(train, "import_tensorflow", forbidden)


@pytest.mark.usefixtures("no_tensorflow")
class TestRefusals:
    def test_epochs(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="--epochs 0"):
            train.run(arch="mlp", out=tmp_path, data=None, epochs=0, seed=1, as_json=False)

    @pytest.mark.parametrize("seed", [-1, 2**32])
    def test_seed(self, tmp_path: Path, seed: int) -> None:
        with pytest.raises(InputError, match="--seed"):
            train.run(arch="mlp", out=tmp_path, data=None, epochs=1, seed=seed, as_json=False)

    def test_architecture(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no architecture 'rnn'") as caught:
            train.run(arch="rnn", out=tmp_path, data=None, epochs=1, seed=1, as_json=False)
        assert "mlp" in caught.value.hint and "dscnn" in caught.value.hint

    def test_data(self, tmp_path: Path) -> None:
        bad = tmp_path / "train-images-idx3-ubyte.gz"
        bad.write_bytes(b"\x1f\x8b")
        (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"")
        with pytest.raises(InputError, match=re.escape(str(bad))):
            train.run(arch="mlp", out=tmp_path / "out", data=tmp_path, epochs=1, seed=1, as_json=False)

    def test_folder_under_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match="cannot write") as caught:
            train.run(arch="mlp", out=tmp_path / "file" / "out", data=None, epochs=1, seed=1, as_json=False)
        assert "--out" in caught.value.hint


def test_missing_tensorflow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ToolMissingError) as caught:
        tensorflow_import.import_tensorflow()
    assert "pip install 'boardproof[export]'" in caught.value.hint
    assert caught.value.exit_code == ExitCode.ENVIRONMENT


class TestStaged:
    def test_files_appear_together(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("old")
        with files.staged(tmp_path) as scratch:
            (scratch / "a").write_text("new")
            (scratch / "b").write_text("new")
            assert (tmp_path / "a").read_text() == "old" and not (tmp_path / "b").exists()
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "new", "b": "new"}

    @pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
    def test_an_interruption_changes_nothing(self, tmp_path: Path, interruption: type[BaseException]) -> None:
        (tmp_path / "a").write_text("old")
        with pytest.raises(interruption), files.staged(tmp_path) as scratch:
            (scratch / "a").write_text("new")
            raise interruption
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}

    def test_a_full_disk_is_an_error_with_a_hint(self, tmp_path: Path) -> None:
        with pytest.raises(NoRoomError, match="No space left") as caught, files.staged(tmp_path):
            raise OSError(28, "No space left on device")
        assert caught.value.exit_code == ExitCode.ENVIRONMENT
        with pytest.raises(NoRoomError), writing(tmp_path):
            raise OSError(28, "No space left on device")


class TestHiddenOutput:
    def test_hides_what_goes_to_the_descriptor(self, capfd: pytest.CaptureFixture[str]) -> None:
        with tensorflow_import.hidden_output():
            os.write(2, b"noise\n")
        os.write(2, b"signal\n")
        assert capfd.readouterr().err == "signal\n"

    def test_an_exception_brings_it_back(self, capfd: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(ValueError), tensorflow_import.hidden_output():
            os.write(2, b"diagnosis\n")
            raise ValueError
        assert capfd.readouterr().err == "diagnosis\n"
