"""The dataset reader refuses every damaged file by name; quantization is the formula, to the last value."""

import gzip
import hashlib
import struct
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boardproof_export.shared.errors import ExitCode, InputError, ToolMissingError
from boardproof_export.shared.sources import fashion_mnist as dataset

COUNT = 5
IMAGES = "t10k-images-idx3-ubyte"
LABELS = "t10k-labels-idx1-ubyte"
PIXELS = np.random.default_rng(3).integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
CLASSES = np.array([0, 9, 3, 3, 1], np.uint8)


def idx(array: np.ndarray, *, element_type: int = 0x08) -> bytes:
    header = bytes((0, 0, element_type, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / f"{IMAGES}.gz").write_bytes(gzip.compress(idx(PIXELS)))
    (tmp_path / LABELS).write_bytes(idx(CLASSES))
    return tmp_path


def refused(folder: Path, name: str) -> InputError:
    with pytest.raises(InputError) as caught:
        dataset.read_split(folder, "test", count=COUNT)
    assert str(folder / name) in caught.value.message
    assert "dataset-fashion-mnist" in caught.value.hint
    return caught.value


def test_reads_gzip_and_plain_files(folder: Path) -> None:
    split = dataset.read_split(folder, "test", count=COUNT)
    assert np.array_equal(split.images, PIXELS) and split.images.dtype == np.uint8
    assert np.array_equal(split.labels, CLASSES) and split.labels.dtype == np.uint8
    assert split.sha256 == hashlib.sha256(PIXELS.tobytes() + CLASSES.tobytes()).hexdigest()


def test_compression_does_not_change_the_digest(folder: Path) -> None:
    before = dataset.read_split(folder, "test", count=COUNT).sha256
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(idx(PIXELS), compresslevel=1))
    (folder / LABELS).unlink()
    (folder / f"{LABELS}.gz").write_bytes(gzip.compress(idx(CLASSES)))
    assert dataset.read_split(folder, "test", count=COUNT).sha256 == before


WHOLE = gzip.compress(idx(PIXELS), mtime=0)
DAMAGED_CRC = WHOLE[:-8] + bytes((WHOLE[-8] ^ 1,)) + WHOLE[-7:]

DAMAGED = {
    "empty": (b"", "empty"),
    "cut in the magic": (b"\0\0", "cut short"),
    "cut in the header": (idx(PIXELS)[:9], "cut short"),
    "cut in the last pixel": (idx(PIXELS)[:-1], "cut short: 3,919 of 3,920"),
    "nothing after the header": (idx(PIXELS)[:16], "cut short"),
    "a byte too many": (idx(PIXELS) + b"\0", "more than"),
    "text": (b"<!DOCTYPE html>", "not an IDX file"),
    "floats": (idx(PIXELS, element_type=0x0D), "not an IDX file"),
    "labels instead of images": (idx(CLASSES), "not an IDX file"),
    "one image less": (idx(PIXELS[:-1]), "holds 4 x 28 x 28 bytes, expected 5 x 28 x 28"),
    "other size": (idx(PIXELS.reshape(COUNT, 14, 56)), "holds 5 x 14 x 56"),
    "a header that lies": (idx(PIXELS)[:4] + struct.pack(">III", 2**32 - 1, 28, 28), "holds 4,294,967,295"),
    "gzip without an end": (WHOLE[:-20], "cut short"),
    "gzip without its trailer": (WHOLE[:-8], "cut short"),
    "gzip of the magic alone": (WHOLE[:2], "cut short"),
    "gzip with another checksum": (DAMAGED_CRC, "damaged gzip"),
    "gzip of noise": (WHOLE[:10] + bytes(range(255, 0, -1)), "damaged gzip"),
    "gzip of a cut file": (gzip.compress(idx(PIXELS)[:-1]), "cut short"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_images_are_refused_by_name(folder: Path, case: str) -> None:
    content, why = DAMAGED[case]
    (folder / f"{IMAGES}.gz").write_bytes(content)
    error = refused(folder, f"{IMAGES}.gz")
    assert why in error.message
    assert error.exit_code == ExitCode.USAGE


def test_labels_that_do_not_match_the_images_are_refused(folder: Path) -> None:
    (folder / LABELS).write_bytes(idx(CLASSES[:-1]))
    assert "holds 4 bytes, expected 5" in refused(folder, LABELS).message


def test_a_label_that_is_no_class_is_refused(folder: Path) -> None:
    (folder / LABELS).write_bytes(idx(np.array([0, 9, 10, 3, 1], np.uint8)))
    assert "label 10 at index 2" in refused(folder, LABELS).message


def test_a_folder_in_place_of_a_file_is_refused(folder: Path) -> None:
    (folder / f"{IMAGES}.gz").unlink()
    (folder / f"{IMAGES}.gz").mkdir()
    assert "a folder" in refused(folder, f"{IMAGES}.gz").message


def test_an_unreadable_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)  # file modes do not stop root
    assert "Permission denied" in refused(folder, f"{IMAGES}.gz").message


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / LABELS).unlink()
    assert "is missing" in refused(folder, f"{LABELS}.gz").message


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a folder"):
        dataset.load("test", tmp_path / "nowhere")


def test_load_takes_nothing_but_the_real_counts(folder: Path) -> None:
    with pytest.raises(InputError, match=r"holds 5 x 28 x 28 bytes, expected 10,000 x 28 x 28"):
        dataset.load("test", folder)


class TestPlaces:
    """Where `load` looks, with every well-known place moved into the test's own folder."""

    @pytest.fixture(autouse=True)
    def _places(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.debian = tmp_path / "debian"
        self.cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
        for place in (self.debian, self.cache):
            place.mkdir(parents=True)
        monkeypatch.setattr(dataset, "DEBIAN_FOLDER", self.debian)
        monkeypatch.setattr(dataset, "COUNTS", {"train": COUNT, "test": COUNT})
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
        monkeypatch.delenv("BOARDPROOF_DATA", raising=False)
        monkeypatch.setitem(sys.modules, "keras.datasets", None)  # as where Keras is not installed

    @staticmethod
    def fill(place: Path, label: int) -> None:
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{IMAGES}.gz").write_bytes(gzip.compress(idx(PIXELS)))
        (place / f"{LABELS}.gz").write_bytes(gzip.compress(idx(np.full(COUNT, label, np.uint8))))

    def test_order(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fill(self.cache, 1)
        assert dataset.load("test").labels[0] == 1
        self.fill(self.debian, 2)
        assert dataset.load("test").labels[0] == 2
        self.fill(tmp_path / "named", 3)
        monkeypatch.setenv("BOARDPROOF_DATA", str(tmp_path / "named"))
        assert dataset.load("test").labels[0] == 3
        self.fill(tmp_path / "explicit", 4)
        assert dataset.load("test", tmp_path / "explicit").labels[0] == 4

    def test_a_bad_file_is_no_reason_to_look_elsewhere(self) -> None:
        self.fill(self.cache, 1)
        self.fill(self.debian, 2)
        (self.debian / f"{IMAGES}.gz").write_bytes(WHOLE[:-9])
        with pytest.raises(InputError, match="debian"):
            dataset.load("test")

    def test_a_named_folder_without_files_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fill(self.cache, 1)
        monkeypatch.setenv("BOARDPROOF_DATA", str(self.debian))
        with pytest.raises(InputError, match=f"{IMAGES}.gz is missing"):
            dataset.load("test")

    def test_without_data_and_keras_the_package_is_named(self) -> None:
        with pytest.raises(ToolMissingError) as caught:
            dataset.load("test")
        assert caught.value.exit_code == ExitCode.ENVIRONMENT
        assert "apt-get install dataset-fashion-mnist" in caught.value.hint

    def test_a_failed_download_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.install_keras(monkeypatch, lambda: (_ for _ in ()).throw(OSError("URL fetch failure")))
        with pytest.raises(ToolMissingError, match="URL fetch failure"):
            dataset.load("test")

    def test_a_download_completes_the_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fill(self.cache, 5)
        (self.cache / f"{LABELS}.gz").unlink()  # a download that broke off between two files
        self.install_keras(monkeypatch, lambda: self.fill(self.cache, 6))
        assert dataset.load("test").labels[0] == 6

    @staticmethod
    def install_keras(monkeypatch: pytest.MonkeyPatch, load_data: object) -> None:
        module = types.ModuleType("keras.datasets")
        module.fashion_mnist = types.SimpleNamespace(load_data=load_data)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "keras.datasets", module)
        monkeypatch.setitem(sys.modules, "keras", types.ModuleType("keras"))


def slow_quantize(pixel: int, scale: float, zero_point: int) -> int:
    """The documented formula for one pixel, in float32 scalars; half to even is Python's own `round`."""
    value = np.float32(pixel) / np.float32(255)
    with np.errstate(over="ignore"):
        steps = float(value / np.float32(scale))
    return max(-128, min(127, round(min(steps, 1e9)) + zero_point))


@given(
    scale=st.one_of(
        st.just(1 / 255), st.floats(1e-6, 10), st.floats(1e-44, 1e30, exclude_min=True), st.just(2 / 255)
    ),
    zero_point=st.integers(-128, 127),
)
def test_quantize_is_the_formula(scale: float, zero_point: int) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    expected = [slow_quantize(pixel, scale, zero_point) for pixel in range(256)]
    assert dataset.quantize(pixels, scale, zero_point).tolist() == [expected]


def test_quantize_keeps_the_order_of_images_and_pixels() -> None:
    rows = dataset.quantize(PIXELS, float(np.float32(1 / 255)), -128)
    assert rows.shape == (COUNT, 784) and rows.dtype == np.int8
    assert np.array_equal(rows.astype(int) + 128, PIXELS.reshape(COUNT, 784))


def test_quantize_rounds_half_to_even() -> None:
    pixels = np.array([[255]], np.uint8)  # 1.0
    halves = {0.4: 2, 2 / 3: 2, 2.0: 0}  # 2.5, 1.5, 0.5
    assert {scale: int(dataset.quantize(pixels, scale, 0)[0, 0]) for scale in halves} == halves


@pytest.mark.parametrize(
    ("scale", "zero_point"),
    [(0.0, 0), (-0.1, 0), (1e-60, 0), (1e60, 0), (float("nan"), 0), (float("inf"), 0), (0.1, 128)],
)
def test_quantize_refuses_what_is_no_quantization(scale: float, zero_point: int) -> None:
    with pytest.raises(InputError, match="int8 tensor"):
        dataset.quantize(PIXELS, scale, zero_point)
