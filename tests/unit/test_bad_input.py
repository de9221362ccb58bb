"""What a user gives that cannot be used ends with exit code 2, what was expected and found, and what to do; nothing is
built for it."""

from collections.abc import Callable
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from PIL import Image

from boardproof_host.commands.main import main
from model_builder import FLOAT32, ModelBuilder, random_model

RNG = np.random.default_rng(3)
DEPTH, CLASSES = 20, 5
QUANTIZED = random_model(1, depths=(DEPTH, 12, CLASSES))
REALS = RNG.normal(size=(6, DEPTH))


def one_op(builtin: int, custom: str | None = None, *, weights: NDArray[np.generic] | None = None) -> bytes:
    """A model of one operator; with float weights its edges are float32."""
    builder = ModelBuilder()
    kind: dict[str, int] = {} if weights is None else {"dtype": FLOAT32}
    scale = 0.5 if weights is None else None
    source, sink = builder.tensor((1, 4), scale, **kind), builder.tensor((1, 4), scale, **kind)
    inputs = [source] if weights is None else [source, builder.tensor((4, 4), data=weights, **kind)]
    builder.op(builtin, inputs, [sink], custom=custom)
    return builder.build([source], [sink])


def two_subgraphs() -> bytes:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(QUANTIZED, 0))
    model.subgraphs.append(model.subgraphs[0])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def real_model() -> bytes:
    builder = ModelBuilder()
    source, middle = builder.tensor((1, DEPTH), dtype=FLOAT32), builder.tensor((1, DEPTH), 0.02)
    builder.op(schema.BuiltinOperator.QUANTIZE, [source], [middle])
    return builder.build([source], [middle])


def image_model() -> bytes:
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 8, 6, 3), 1 / 255, -128), builder.tensor((1, 144), 1 / 255, -128)
    builder.reshape(source, sink)
    return builder.build([source], [sink])


def answer(tmp_path: Path, capfd: pytest.CaptureFixture[str], model: bytes, data: str) -> str:
    """What `boardproof run` says of a model and data that it refuses."""
    path = tmp_path / "model.tflite"
    path.write_bytes(model)
    out = str(tmp_path / "out")
    code = main(
        ["run", "--target", "aot_host", "--model", str(path), "--data", data, "--quiet", "--out", out]
    )
    said = capfd.readouterr()
    assert code == 2, said
    assert not said.out
    lines = said.err.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("  next: ")
    return said.err


@pytest.mark.parametrize(
    ("model", "says", "next_action"),
    [
        (two_subgraphs(), "the model has 2 subgraphs", "without control flow"),
        (one_op(schema.BuiltinOperator.WHILE), "operator 0 (WHILE)", "boardproof"),
        (one_op(schema.BuiltinOperator.COS), "operator 0 (COS) is not an operator that", "tflm_host"),
        (one_op(schema.BuiltinOperator.CUSTOM, "Mine"), "operator 0 (Mine)", "boardproof inspect"),
        (
            one_op(schema.BuiltinOperator.FULLY_CONNECTED, weights=np.ones((4, 4), np.float32)),
            "input is FLOAT32, and nothing in it is INT8",
            "tflm_host",
        ),
    ],
    ids=["subgraphs", "control flow", "operator", "custom", "float"],
)
def test_models(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], model: bytes, says: str, next_action: str
) -> None:
    said = answer(tmp_path, capfd, model, "random:2")
    assert says in said
    assert next_action in said


def arrays(**given: NDArray[np.generic]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.savez(folder / "data.npz", **given)  # type: ignore[arg-type]
        return folder / "data.npz"

    return write


def with_nan(folder: Path) -> Path:
    values = REALS.copy()
    values[0, 3] = np.nan
    return arrays(x=values)(folder)


def images(folder: Path) -> Path:
    (folder / "images" / "cat").mkdir(parents=True)
    Image.new("RGB", (9, 8)).save(folder / "images" / "cat" / "0.png")
    return folder / "images"


def empty(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


@pytest.mark.parametrize(
    ("model", "data", "says"),
    [
        (QUANTIZED, arrays(x=REALS[:, :7]), ["of data.npz is 7,", "input 'input' is 1 x 20"]),
        (QUANTIZED, arrays(x=REALS.astype(np.int16)), ["holds int16 values", "'input' is int8"]),
        (QUANTIZED, arrays(x=REALS, y=np.arange(5)), ["labels int64 [5] for 6 samples"]),
        (QUANTIZED, arrays(x=REALS, y=np.arange(6)), ["sample 5", "label 5", "tells 5 classes", "0 to 4"]),
        (QUANTIZED, arrays(x=REALS, y=np.arange(6) - 1), ["label -1 at index 0", "count from 0"]),
        (QUANTIZED, arrays(x=REALS[:0]), ["holds no samples"]),
        (QUANTIZED, with_nan, ["sample 0", "not finite (NaN or infinity)"]),
        (QUANTIZED, empty, ["nothing is empty", ".npz"]),
        (QUANTIZED, images, ["folder of images", "'input' is 1 x 20"]),
        (image_model(), images, ["0.png is 9 x 8 pixels", "input 6 x 8", "--resize"]),
        (real_model(), arrays(x=REALS.astype(np.int8)), ["holds int8 values", "is float32", "real values"]),
    ],
    ids=[
        "shape",
        "type",
        "count",
        "label",
        "negative",
        "none",
        "nan",
        "folder",
        "images",
        "size",
        "quantized",
    ],
)
def test_data(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    model: bytes,
    data: Callable[[Path], Path],
    says: list[str],
) -> None:
    monkeypatch.setattr("boardproof_host.boards.native.build", _built)
    said = answer(tmp_path, capfd, model, str(data(tmp_path)))
    for words in says:
        assert words in said


def _built(*_: object) -> None:
    raise AssertionError("a board was built for data that do not fit")
