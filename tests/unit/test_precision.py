"""`boardproof inspect --quantization`: the layer that was spoiled is named, whatever was spoiled in it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from boardproof_export.commands import quantization, quantization_table
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import parse_graph
from boardproof_export.shared.sources.opening import SourceOptions

RNG = np.random.default_rng(21)
# A convolution, a depthwise one, a mean, two dense layers, a softmax, as Keras and the converter make them.
MAKE = """
import sys
from boardproof_export.ladder.tensorflow import import_tensorflow
keras = import_tensorflow().keras
layers = keras.layers
keras.utils.set_random_seed(3)
model = keras.Sequential([
    keras.Input((12, 12, 1)),
    layers.Conv2D(6, 3, padding="same", use_bias=False), layers.BatchNormalization(), layers.ReLU(),
    layers.DepthwiseConv2D(3), layers.BatchNormalization(), layers.Activation("relu"), layers.Dropout(0.3),
    layers.GlobalAveragePooling2D(), layers.Dense(12, activation="relu"), layers.Dense(4, activation="softmax"),
])
model.save(sys.argv[1])
"""


class Made:
    """A converted network, its data, and the command on both."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data.npz"

    @property
    def float32(self) -> Path:
        return self.folder / "net_float32.tflite"

    @property
    def int8(self) -> Path:
        return self.folder / "net_int8.tflite"

    def compare(self, int8: Path | None = None) -> dict[str, Any]:
        return quantization.record(self.float32, int8 or self.int8, SourceOptions(str(self.data)), 20)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("net")
    np.savez(
        folder / "data.npz", x=RNG.random((120, 12, 12, 1)).astype(np.float32), y=RNG.integers(0, 4, 120)
    )
    keras = folder / "net.keras"
    subprocess.run([sys.executable, "-c", MAKE, str(keras)], check=True, capture_output=True)
    command = [
        sys.executable,
        "-m",
        "boardproof_host",
        "convert",
        str(keras),
        "--data",
        str(folder / "data.npz"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Made(folder)


def changed(path: Path, change: Callable[[Any], None], out: Path) -> Path:
    """The model with its main subgraph changed."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    out.write_bytes(bytes(builder.Output()))
    return out


def weighted(model: Any) -> Iterator[tuple[int, Any]]:
    """The operators that have weights, with the weights' tensor."""
    main = model.subgraphs[0]
    for index, op in enumerate(main.operators):
        if len(op.inputs) == 3:
            yield index, main.tensors[op.inputs[1]]


def test_a_good_conversion(made: Made) -> None:
    record = made.compare()
    graph = parse_graph(made.int8.read_bytes(), made.int8)
    assert record["schema"] == "boardproof.quantization/1"
    assert record["unmatched"] == record["unmatched_float"] == []
    assert sorted(layer["op"] for layer in record["layers"] if layer["op"] is not None) == [
        op.index for op in graph.ops
    ]
    assert {layer["matched"] for layer in record["layers"]} == {"input", "name"}
    for layer in record["layers"]:
        assert layer["alone"]["snr_db"] > 30, layer
        assert layer["so_far"]["snr_db"] > 25, layer
        assert layer["alone"]["largest_steps"] < 4, layer
        assert layer["alone"]["saturated"] < 0.05
    ranks = [layer["alone"]["snr_db"] for layer in record["layers"]]
    assert ranks == sorted(ranks)
    assert record["outputs"]["snr_db"] > 25
    assert record["float"]["quality"]["kind"] == "classes"
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize("which", range(4))
def test_a_weight_scale_that_is_wrong_names_its_layer(made: Made, tmp_path: Path, which: int) -> None:
    """Those behind it are as bad so far, and are not blamed: alone they are good."""
    spoiled = []

    def spoil(model: Any) -> None:
        index, weights = list(weighted(model))[which]
        spoiled.append(index)
        weights.quantization.scale = [3 * scale for scale in weights.quantization.scale]

    record = made.compare(changed(made.int8, spoil, tmp_path / "bad.tflite"))
    worst, *others = record["layers"]
    assert worst["op"] == spoiled[0]
    assert worst["alone"]["snr_db"] < 15
    before = {layer["op"]: layer["alone"] for layer in made.compare()["layers"]}
    assert all(layer["alone"] == before[layer["op"]] for layer in others)
    last = list(quantization_table.lines(record, 1000))[-1]
    assert last.startswith(f"operator {spoiled[0]} ({worst['code']}) costs the most")


def test_a_range_that_is_too_small_names_its_layer_and_says_that_values_are_cut(
    made: Made, tmp_path: Path
) -> None:
    spoiled = []

    def spoil(model: Any) -> None:
        index, _ = list(weighted(model))[1]
        main = model.subgraphs[0]
        output = main.tensors[main.operators[index].outputs[0]]
        output.quantization.scale = [scale / 4 for scale in output.quantization.scale]
        spoiled.append(index)

    record = made.compare(changed(made.int8, spoil, tmp_path / "bad.tflite"))
    worst = record["layers"][0]
    assert worst["op"] == spoiled[0]
    assert worst["alone"]["saturated"] > 0.05
    assert "of its values are cut" in list(quantization_table.lines(record, 1000))[-1]


def test_an_input_that_was_calibrated_on_other_values_is_named(made: Made, tmp_path: Path) -> None:
    """As pixels of 0 to 255 are for a model that was calibrated on 0 to 1."""
    np.savez(tmp_path / "large.npz", x=255 * np.load(made.data)["x"])
    record = quantization.record(made.float32, made.int8, SourceOptions(str(tmp_path / "large.npz")), 10)
    assert (record["layers"][0]["op"], record["layers"][0]["code"]) == (None, "input")
    assert record["layers"][0]["alone"]["saturated"] > 0.9
    assert list(quantization_table.lines(record, 1000))[-1].startswith("the model's input costs the most")


def test_without_names_what_can_be_matched_is_matched_in_order(made: Made, tmp_path: Path) -> None:
    def unnamed(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            tensor.name = b""

    record = made.compare(changed(made.int8, unnamed, tmp_path / "unnamed.tflite"))
    assert {layer["matched"] for layer in record["layers"]} == {"input", "order"}
    named = {layer["op"]: layer["alone"] for layer in made.compare()["layers"]}
    assert {layer["op"]: layer["alone"] for layer in record["layers"]} == named


def test_what_cannot_be_matched_is_said(made: Made, tmp_path: Path) -> None:
    """Behind an operator of another kind nothing without a name is matched."""

    def other_kind(model: Any) -> None:
        main = model.subgraphs[0]
        mean = main.operators[2]
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SUM
        code.version = 1
        mean.opcodeIndex = len(model.operatorCodes)
        model.operatorCodes.append(code)
        for index in mean.outputs:
            main.tensors[index].name = b"renamed"

    record = made.compare(changed(made.int8, other_kind, tmp_path / "other.tflite"))
    assert [(op["op"], op["code"]) for op in record["unmatched"]] == [(2, "SUM")]
    assert [(op["op"], op["code"]) for op in record["unmatched_float"]] == [(2, "MEAN")]
    after = next(layer for layer in record["layers"] if layer["op"] == 3)
    assert after["alone"] is None and after["so_far"] is not None
    shown = "\n".join(quantization_table.lines(record, 1000))
    assert "not matched, of the quantized model: 2 SUM" in shown
    assert "not matched, of the float model: 2 MEAN" in shown


@pytest.mark.parametrize("rung", ["dynamic", "float16", "int8_per_tensor"])
def test_other_rungs_compare_as_well(made: Made, rung: str) -> None:
    record = made.compare(made.folder / f"net_{rung}.tflite")
    assert record["layers"]
    assert record["unmatched"] == record["unmatched_float"] == []


@pytest.mark.parametrize(
    ("files", "data", "why"),
    [
        (("net_int8", "net_float32"), None, "computes with INT8 itself, so it is no float model"),
        (
            ("net_float32", "net_int8"),
            {"x": np.zeros((5, 12, 12, 1), np.int8)},
            "holds int8 values, .* is float32",
        ),
        (("net_float32", "net_int8"), {"x": np.full((5, 12, 12, 1), np.nan)}, "not finite"),
        (
            ("net_float32", "net_int8"),
            {"x": np.zeros((5, 9), np.float32)},
            "is 9, the model's input .* 12 x 12 x 1",
        ),
        (("net_float32", "reference"), None, "takes 1 x 12 x 12 x 1 and .* takes 1 x 28 x 28"),
        (("net_float32", "net_int8"), {}, "no data were named"),
    ],
)
def test_what_does_not_fit(
    made: Made, tmp_path: Path, files: tuple[str, str], data: dict[str, Any] | None, why: str
) -> None:
    for path in made.folder.glob("*.tflite"):
        shutil.copy(path, tmp_path)
    models = Path(__file__).parents[2] / "models"
    shutil.copy(models / "fashion_mnist_int8.tflite", tmp_path / "reference.tflite")
    options = SourceOptions(str(made.data))
    if data is not None:
        np.savez(tmp_path / "bad.npz", **data)
        options = SourceOptions(str(tmp_path / "bad.npz") if data else None)
    one, other = (tmp_path / f"{name}.tflite" for name in files)
    with pytest.raises(InputError, match=why):
        quantization.record(one, other, options, 5)


@pytest.mark.parametrize("columns", [60, 80])
def test_lines_fit(made: Made, columns: int) -> None:
    lines = list(quantization_table.lines(made.compare(), columns))
    assert max(map(len, lines)) <= columns
    assert any("sequential" in line for line in lines) == (columns == 80)


def test_the_command(made: Made) -> None:
    command = [sys.executable, "-m", "boardproof_host", "inspect"]
    both = ["--quantization", str(made.float32), str(made.int8), "--data", str(made.data), "--samples", "7"]
    done = subprocess.run([*command, *both, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["samples"] == 7
    done = subprocess.run([*command, *both], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "one .tflite file, or two with --quantization" in done.stderr
    done = subprocess.run([*command, str(made.int8), *both], capture_output=True, text=True, check=False)
    assert done.returncode == 2


@pytest.mark.e2e
def test_the_road_to_a_board(made: Made, tmp_path: Path) -> None:
    """What was converted computes on the firmware, compiled for this machine, exactly what Python computes."""
    command = [
        sys.executable,
        "-m",
        "boardproof_host",
        "run",
        "--target",
        "aot_host",
        "--model",
        str(made.int8),
    ]
    more = ["--data", str(made.data), "--out", str(tmp_path), "--json", "--limit", "40"]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["measured"]["verdict"] == "exact"
