"""`boardproof convert`: files and folders that cannot be used are refused before TensorFlow is imported."""

from pathlib import Path
from typing import Any

import pytest

from boardproof_export.ladder import convert
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.ladder_record import MODEL_STEM
from boardproof_export.shared.sources.opening import SourceOptions


class TestFileRefusals:
    """Before TensorFlow is imported, and with the file's name."""

    @pytest.fixture(autouse=True)
    def _no_tensorflow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(convert, "build_apart", lambda *_: pytest.fail("TensorFlow was imported"))

    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            ("m.keras", b"", "not a .keras file"),
            ("m.keras", b"PK\3\4 and then nothing", "not a .keras file"),
            ("m.h5", b"\x89HDX\r\n\x1a\n", "not a .h5 file"),
            ("m.tflite", b"\x1c\0\0\0TFL3", "neither .keras nor .h5"),
            ("m.h5", b"PK\5\6" + bytes(18), "zip file, as .keras files are, under another name"),
            ("m.keras", b"\x89HDF\r\n\x1a\n", "HDF5 file under another name"),
        ],
    )
    def test_not_a_model(self, tmp_path: Path, name: str, content: bytes, why: str) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=why) as caught:
            convert.run(model=tmp_path / name, out=None, source=SourceOptions(), as_json=False)
        assert str(tmp_path / name) in caught.value.message

    def test_missing_or_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="No such file"):
            convert.run(model=tmp_path / "m.keras", out=None, source=SourceOptions(), as_json=False)
        with pytest.raises(InputError, match=r"is a folder without a saved_model\.pb"):
            convert.run(model=tmp_path, out=None, source=SourceOptions(), as_json=False)

    def test_nothing_trained_yet(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "firmware").mkdir()
        (tmp_path / "firmware" / "protocol.toml").touch()
        (tmp_path / "platformio.ini").touch()
        monkeypatch.setenv("BOARDPROOF_PROJECT", str(tmp_path))
        with pytest.raises(InputError) as caught:
            convert.run(model=None, out=None, source=SourceOptions(), as_json=False)
        assert "boardproof train" in caught.value.hint
        folder = tmp_path / ".boardproof" / "model"
        folder.mkdir(parents=True)
        (folder / f"{MODEL_STEM}.h5").touch()
        assert convert.default_model().suffix == ".h5"
        (folder / f"{MODEL_STEM}.keras").touch()
        assert convert.default_model().suffix == ".keras"

    def test_unwritable_folder(self, tmp_path: Path, trained: Any) -> None:
        (tmp_path / "file").touch()
        model = trained.folder / "fashion_mnist.keras"
        with pytest.raises(InputError, match="cannot write"):
            convert.run(model=model, out=tmp_path / "file", source=SourceOptions(), as_json=False)
