"""Data of one's own: what each kind of file becomes on the wire, and what does not fit is told with both shapes."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources import DataSource
from boardproof_export.shared.sources.opening import SourceOptions, open_source
from boardproof_export.shared.tensors import TensorInfo

PIXELS = np.arange(4 * 6, dtype=np.uint8).reshape(4, 2, 3) * 10
REAL = (PIXELS / 255).astype(np.float32)
INT8 = TensorInfo("in", "int8", (1, 2, 3), 1 / 255, -128)
FLOAT = TensorInfo("in", "float32", (1, 2, 3))
# In the steps of INT8: a pixel less 128.
STEPS = (PIXELS.astype(np.int16) - 128).astype(np.int8).reshape(4, 6)


def opened(path: object, **options: Any) -> DataSource:
    return open_source(SourceOptions(str(path), **options))


def rows(source: DataSource, tensor: TensorInfo = INT8) -> NDArray[Any]:
    found = source.rows((tensor,), np.arange(len(source)))
    assert found.dtype == np.uint8
    return found.view(tensor.dtype).reshape(len(source), -1)


def saved(folder: Path, **arrays: NDArray[Any]) -> Path:
    path = folder / "my data.npz"
    np.savez(path, **arrays)
    return path


def csv(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    return path


def pictures(folder: Path, size: tuple[int, int] = (3, 2)) -> Path:
    for number, image in enumerate(PIXELS):
        place = folder / f"class {number % 2}"
        place.mkdir(exist_ok=True)
        Image.fromarray(image).resize(size).save(place / f"{number}.png")
    return folder


def idx(folder: Path, split: str, values: NDArray[np.uint8], kind: str) -> None:
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    (folder / f"{split}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + values.tobytes()))


@pytest.mark.parametrize(
    "values", [PIXELS, REAL, REAL.astype(np.float64), REAL.reshape(4, 6), STEPS.reshape(4, 2, 3)]
)
def test_arrays(values: NDArray[Any], tmp_path: Path) -> None:
    """Pixels and real values are quantized, what is quantized passes."""
    source = opened(saved(tmp_path, x=values, y=np.array([0, 2, 1, 1])))
    np.testing.assert_array_equal(rows(source), STEPS)
    assert (source.name, source.meaning, len(source)) == ("my data.npz", "classes", 4)
    assert source.labels is not None
    assert source.labels.tolist() == [0, 2, 1, 1]


def test_real_values_for_a_real_input(tmp_path: Path) -> None:
    for values in (PIXELS, REAL):
        np.testing.assert_array_equal(rows(opened(saved(tmp_path, x=values)), FLOAT), REAL.reshape(4, 6))
    spread = rows(opened(saved(tmp_path, x=PIXELS), span=(-1.0, 1.0)), FLOAT)
    np.testing.assert_allclose(spread, REAL.reshape(4, 6) * 2 - 1, atol=1e-6)


def test_npy_has_no_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", PIXELS)
    source = opened(tmp_path / "x.npy")
    assert (source.labels, source.meaning) == (None, "parity")
    np.testing.assert_array_equal(rows(source), STEPS)


@pytest.mark.parametrize(
    ("labels", "meaning", "wanted"),
    [
        (np.eye(3)[[2, 0, 1, 1]], "classes", [2, 0, 1, 1]),
        (np.array([[1], [0], [0], [1]]), "classes", [1, 0, 0, 1]),
        (np.array([0.5, 1.5, 2.0, 3.0]), "regression", [[0.5], [1.5], [2.0], [3.0]]),
    ],
)
def test_labels(labels: NDArray[Any], meaning: str, wanted: list[Any], tmp_path: Path) -> None:
    source = opened(saved(tmp_path, x=PIXELS, y=labels))
    assert source.labels is not None
    assert (source.meaning, source.labels.tolist()) == (meaning, wanted)


def test_several_inputs_by_name(tmp_path: Path) -> None:
    source = opened(saved(tmp_path, right=REAL, left=PIXELS, y=np.zeros(4, int)))
    left = TensorInfo("serving_default_left:0", "int8", (1, 2, 3), 1 / 255, -128)
    right = TensorInfo("right", "float32", (1, 2, 3))
    found = source.rows((left, right), np.array([1, 3]))
    assert found.shape == (2, 6 + 24)
    np.testing.assert_array_equal(found[:, :6].view(np.int8), STEPS[[1, 3]])
    np.testing.assert_array_equal(np.ascontiguousarray(found[:, 6:]).view("<f4"), REAL.reshape(4, 6)[[1, 3]])
    with pytest.raises(
        InputError, match=r"samples of right \[2, 3\], left \[2, 3\]; the model's inputs are in \[1, 2, 3\]"
    ):
        source.rows((INT8,), np.array([0]))


def test_the_test_split_is_taken(tmp_path: Path) -> None:
    source = opened(
        saved(tmp_path, x_train=REAL[:1], y_train=np.zeros(1, int), x_test=REAL, y_test=np.arange(4))
    )
    assert (len(source), source.meaning) == (4, "classes")


def test_csv_with_a_header(tmp_path: Path) -> None:
    cells = [[f"{value:.9f}" for value in row] for row in REAL.reshape(4, 6)]
    lines = "a,b,c,d,e,f,Label\n" + "".join(f"{','.join(row)},{n % 2}\n" for n, row in enumerate(cells))
    source = opened(csv(tmp_path, lines))
    np.testing.assert_array_equal(rows(source), STEPS)
    assert source.labels is not None
    assert source.labels.tolist() == [0, 1, 0, 1]


def test_csv_by_position_and_names_of_classes(tmp_path: Path) -> None:
    path = csv(tmp_path, "0,0,0,0,0,0,cat\n1,1,1,1,1,1,ant\n")
    source = opened(path, label_column="-1")
    assert (source.class_names, source.labels is not None and source.labels.tolist()) == (
        ("ant", "cat"),
        [1, 0],
    )
    np.testing.assert_array_equal(rows(source), [[-128] * 6, [127] * 6])
    with pytest.raises(InputError, match="has no column 'who'"):
        opened(path, label_column="who")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("a,b\n", "holds no samples"),
        ("a,b\n1,2\n3\n", "row 3: 1 cells, the first row has 2"),
        ("a,b\n1,x\n", "holds a cell that is no number"),
    ],
)
def test_tables_that_cannot_be_used(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        opened(csv(tmp_path, text))


def test_a_folder_of_images(tmp_path: Path) -> None:
    source = opened(pictures(tmp_path))
    assert (source.class_names, source.labels is not None and source.labels.tolist()) == (
        ("class 0", "class 1"),
        [0, 0, 1, 1],
    )
    np.testing.assert_array_equal(rows(source), STEPS[[0, 2, 1, 3]])
    colour = TensorInfo("in", "int8", (1, 2, 3, 3), 1 / 255, -128)
    np.testing.assert_array_equal(rows(source, colour)[:, ::3], STEPS[[0, 2, 1, 3]])


def test_images_of_another_size_are_resized_only_when_asked_to(tmp_path: Path) -> None:
    folder = pictures(tmp_path, (9, 8))
    with pytest.raises(InputError, match=r"0\.png is 9 x 8 pixels, the model's input 3 x 2"):
        rows(opened(folder))
    assert rows(opened(folder, resize=True)).shape == (4, 6)


def test_an_image_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(InputError, match=r"broken\.png is no image that can be read"):
        rows(opened(tmp_path))


def test_raw_files_with_a_table(tmp_path: Path) -> None:
    for number, values in enumerate(STEPS):
        (tmp_path / f"{number}.bin").write_bytes(values.tobytes())
    table = tmp_path / "y_labels.csv"
    table.write_text("".join(f"{number}.bin, 3, {number % 3}\n" for number in range(4)))
    source = opened(tmp_path, data_type="int8")
    np.testing.assert_array_equal(rows(source), STEPS)
    assert source.labels is not None
    assert source.labels.tolist() == [0, 1, 2, 0]
    table.write_text("0.bin, 3, 3\n")
    with pytest.raises(InputError, match="row 1: label 3 is none of 3 classes"):
        opened(tmp_path)
    table.write_text("gone.bin, 3, 0\n")
    with pytest.raises(InputError, match=r"names gone\.bin, which cannot be read"):
        opened(tmp_path)


def test_idx_files_of_any_count_and_shape(tmp_path: Path) -> None:
    idx(tmp_path, "train", PIXELS[:1], "images-idx3")
    idx(tmp_path, "t10k", PIXELS, "images-idx3")
    idx(tmp_path, "t10k", np.array([3, 1, 2, 0], np.uint8), "labels-idx1")
    source = opened(tmp_path)
    np.testing.assert_array_equal(rows(source), STEPS)
    assert source.labels is not None
    assert (source.labels.tolist(), source.name) == ([3, 1, 2, 0], tmp_path.name)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "float32", "bool"])
def test_random_inputs_depend_on_seed_and_position_alone(kind: Any) -> None:
    tensor = TensorInfo("in", kind, (1, 500))
    source = opened("random:50")
    whole = source.rows((tensor,), np.arange(50))
    np.testing.assert_array_equal(source.rows((tensor,), np.array([7, 3])), whole[[7, 3]])
    assert not np.array_equal(opened("random:50:1").rows((tensor,), np.arange(50)), whole)
    assert len(np.unique(whole.view(tensor.dtype))) > (1 if kind == "bool" else 200)
    assert (source.labels, source.meaning) == (None, "parity")


@pytest.mark.parametrize(
    ("arrays", "tensor", "says"),
    [
        ({"x": np.zeros((2, 3, 2), np.float32)}, INT8, "is 3 x 2, the model's input 'in' is 1 x 2 x 3"),
        ({"x": np.full((2, 2, 3), np.nan)}, INT8, "sample 0 of my data.npz holds a value that is not finite"),
        ({"x": STEPS}, FLOAT, "holds int8 values, the model's input 'in' is float32"),
        ({"x": REAL}, TensorInfo("in", "int8", (1, 6)), "the model's input 'in' is int8 without a scale"),
        ({"x": STEPS}, TensorInfo("in", "int16", (1, 6), 0.1, 0), "holds int8 values, the model's input 'in' is int16"),
        ({"x": REAL}, TensorInfo("in", "int8", (1, 6), 0.0, 0), "scale 0.0 and zero point 0 are not those"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(arrays: Any, tensor: TensorInfo, says: str, tmp_path: Path) -> None:
    source = opened(saved(tmp_path, **arrays))
    with pytest.raises(InputError, match=says.replace(".", r"\.")):
        rows(source, tensor)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": PIXELS, "y": np.zeros(3, int)}, r"holds labels int64 \[3\] for 4 samples"),
        ({"x": PIXELS, "y": np.array([0, 1, -1, 0])}, "holds the label -1 at index 2"),
        ({"x": PIXELS, "y": np.array([0, np.nan, 1, 0])}, "labels that are not finite"),
        ({"x": PIXELS[:0]}, "holds no samples"),
        ({"y": np.zeros(4, int)}, "holds no samples"),
        ({"a": PIXELS, "b": PIXELS[:2]}, "arrays of different lengths: a 4, b 2"),
    ],
)
def test_arrays_that_cannot_be_used(arrays: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        opened(saved(tmp_path, **arrays))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\x00"])
@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_damaged_files_of_arrays(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        opened(path)


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no plain arrays"):
        opened(saved(tmp_path, x=np.array([{"a": 1}], dtype=object)))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("nowhere", "there is no nowhere"),
        ("random:0", "is not random:N"),
        ("random:many", "is not random:N"),
        (".", "is empty"),
    ],
)
def test_what_is_no_data(data: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says):
        opened(data)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "data.mat").write_bytes(b"x")
    with pytest.raises(InputError, match=r"data\.mat is no data that is known by its name"):
        opened(tmp_path / "data.mat")
