"""`boardproof convert`: the ladder of a really trained model, its record, and what it refuses."""

import hashlib
import json
import platform
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boardproof_export.ladder import build
from boardproof_export.ladder import data as ladder_data
from boardproof_export.ladder import rungs as ladder
from boardproof_export.ladder.data import LadderData
from boardproof_export.precision.score import score
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import read_graph
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources.fashion_mnist import FashionMnist
from boardproof_export.shared.sources.opening import SourceOptions
from boardproof_export.shared.sources.pixels import UNIT, Span
from boardproof_export.tflm.resolver import resolver

RUNGS = ("float32", "float16", "dynamic", "int8", "int8_per_tensor")


@pytest.fixture(scope="module")
def tf() -> Any:
    from boardproof_export.ladder.tensorflow import import_tensorflow

    return import_tensorflow()


@pytest.fixture(scope="module")
def small_split() -> dataset.Split:
    """Enough for calibration; the pixels need not look like clothes."""
    generator = np.random.default_rng(5)
    count = ladder_data.SAMPLES
    images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return dataset.Split(images, generator.integers(0, 10, count, dtype=np.uint8), "")


def both(split: dataset.Split, span: Span = UNIT) -> LadderData:
    """The split for calibration and for measuring, as if nothing had been named."""
    source = FashionMnist(split, span)
    return LadderData(source, source, named=False)


def by_name(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rung["name"]: rung for rung in record["rungs"]}


def test_the_record(converted: Any) -> None:
    record = converted.record
    assert json.loads((converted.folder / "ladder.json").read_text()) == record
    assert record["schema"] == "boardproof.ladder/3"
    assert record["h5_bytes"] == 1_244_464
    assert record["test_images"] == 10_000
    assert tuple(by_name(record)) == RUNGS
    keys = {"name", "file", "bytes", "share_of_h5", "accuracy", "interval", "mcnemar", "quality", "snr_db"}
    keys |= {"engines", "host_only", "reason", "sha256"}
    for rung in record["rungs"]:
        content = (converted.folder / rung["file"]).read_bytes()
        assert set(rung) == keys
        assert rung["file"] == f"fashion_mnist_{rung['name']}.tflite"
        assert rung["bytes"] == len(content)
        assert rung["sha256"] == hashlib.sha256(content).hexdigest()
        assert rung["share_of_h5"] == len(content) / 1_244_464


def test_only_the_results_are_left(converted: Any) -> None:
    expected = {"ladder.json", *(f"fashion_mnist_{name}.tflite" for name in RUNGS)}
    assert {path.name for path in converted.folder.iterdir()} == expected


def test_the_converter_is_silent(converted: Any) -> None:
    assert converted.log == ""


def test_sizes_are_the_courses(converted: Any) -> None:
    sizes = {name: rung["bytes"] for name, rung in by_name(converted.record).items()}
    expected = {"float32": 409_640, "float16": 206_720, "dynamic": 106_496, "int8": 107_464}
    expected["int8_per_tensor"] = 104_200  # not the course's: no scales a channel
    assert all(abs(sizes[name] - size) <= 256 for name, size in expected.items()), sizes


def test_quantization_costs_little_accuracy(trained: Any, converted: Any) -> None:
    accuracy = {name: rung["accuracy"] for name, rung in by_name(converted.record).items()}
    assert accuracy["float32"] == pytest.approx(trained.record["test_accuracy"], abs=2e-4)
    assert all(abs(value - accuracy["float32"]) < 0.01 for value in accuracy.values())


def test_host_only_rungs_say_why(converted: Any) -> None:
    rungs = by_name(converted.record)
    assert {name: rung["host_only"] for name, rung in rungs.items()} == {
        "float32": False,
        "float16": True,
        "dynamic": True,
        "int8": False,
        "int8_per_tensor": False,
    }
    assert "DEQUANTIZE" in rungs["float16"]["reason"] and "FLOAT16" in rungs["float16"]["reason"]
    assert "FULLY_CONNECTED" in rungs["dynamic"]["reason"] and "hybrid" in rungs["dynamic"]["reason"]
    assert "for the engine tflm alone: the model's input is FLOAT32" in rungs["float32"]["reason"]
    assert rungs["float32"]["engines"] == ["tflm"]
    assert rungs["int8"]["engines"] == ["aot", "tflm"]
    assert rungs["int8"]["reason"] == rungs["int8_per_tensor"]["reason"] == ""


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="tflite-micro has a wheel for x86-64 Linux only",
)
@pytest.mark.parametrize("name", RUNGS)
def test_tensorflow_lite_micro_agrees_on_what_it_can_run(converted: Any, name: str) -> None:
    from tflite_micro.python.tflite_micro import runtime

    rung = by_name(converted.record)[name]
    content = (converted.folder / rung["file"]).read_bytes()
    if rung["host_only"]:
        with pytest.raises(RuntimeError):
            runtime.Interpreter.from_bytes(content)
    else:
        interpreter = runtime.Interpreter.from_bytes(content)
        image = np.zeros((1, 28, 28), interpreter.get_input_details(0)["dtype"])
        interpreter.set_input(image, 0)
        interpreter.invoke()


@pytest.mark.parametrize(("name", "per_channel"), [("int8", True), ("int8_per_tensor", False)])
def test_the_int8_graphs_are_three_operators(converted: Any, name: str, per_channel: bool) -> None:
    graph = read_graph(converted.folder / f"fashion_mnist_{name}.tflite")
    assert resolver(graph).per_channel_dense is per_channel
    assert [op.code for op in graph.ops] == ["RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED"]
    ends = [graph.tensors[index] for index in (*graph.inputs, *graph.outputs)]
    assert [(end.type, end.shape, end.dynamic) for end in ends] == [
        ("INT8", (1, 28, 28), False),
        ("INT8", (1, 10), False),
    ]


def test_conversion_is_deterministic(converted: Any, trained: Any, tf: Any) -> None:
    """Another process, another file format and a process that has made other models give the same bytes."""
    small_model(tf, (28, 28))
    data = ladder_data.open_data(SourceOptions())
    record, contents = build.build(trained.folder / "fashion_mnist.h5", replace(data, tested=1))
    assert record["calibration"] == converted.record["calibration"]
    assert {rung["name"]: rung["sha256"] for rung in record["rungs"]} == {
        rung["name"]: rung["sha256"] for rung in converted.record["rungs"]
    }
    assert len(contents) == len(RUNGS)


def small_model(tf: Any, shape: tuple[int, ...], *, classes: int = 10, batch: int | None = None) -> Any:
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [tf.keras.Input(shape, batch_size=batch), layers.Flatten(), layers.Dense(classes)]
    )


def test_another_shape_of_784_values_is_taken(tf: Any, small_split: dataset.Split, tmp_path: Path) -> None:
    layers = tf.keras.layers
    path = tmp_path / "mine.keras"
    tf.keras.Sequential([tf.keras.Input((784,)), layers.Dense(16, activation="relu"), layers.Dense(12)]).save(
        path
    )
    record, contents = build.build(path, both(small_split))
    assert list(contents) == [f"mine_{name}.tflite" for name in RUNGS]
    assert record["h5_bytes"] > 12_000 * 4  # weighed, there is no .h5 beside it
    assert {path.name for path in tmp_path.iterdir()} == {"mine.keras"}


@pytest.mark.parametrize(
    ("shape", "options", "why"),
    [
        ((32, 32), {}, r"takes input\w* 1 x 32 x 32, and no data were named: an image .* is 28 x 28"),
        ((None, 28), {}, "the shape of the model's input .* is not known: open, open, 28"),
        ((28, 28), {"batch": 32}, "batch is fixed at 32"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    tf: Any, small_split: dataset.Split, tmp_path: Path, shape: tuple[int, ...], options: Any, why: str
) -> None:
    path = tmp_path / "mine.keras"
    model = tf.keras.Sequential(
        [tf.keras.Input(shape, batch_size=options.get("batch")), tf.keras.layers.Dense(4)]
    )
    model.save(path)
    with pytest.raises(InputError, match=why):
        build.build(path, both(small_split))


def test_a_zip_that_is_no_model_is_refused(tf: Any, small_split: dataset.Split, tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(InputError, match="Keras cannot load"):
        build.build(path, both(small_split))


def test_accuracy_counts_what_is_right(converted: Any) -> None:
    """Against a plain loop over the first images, for a graph with an open batch and one with a fixed batch."""
    from ai_edge_litert.interpreter import Interpreter

    test = dataset.load("test")
    some = dataset.Split(test.images[:200], test.labels[:200], "")
    for name in ("float32", "int8"):
        content = (converted.folder / f"fashion_mnist_{name}.tflite").read_bytes()
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        entry, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        right = 0
        for image, label in zip(some.images, some.labels, strict=True):
            value = image[np.newaxis].astype(np.float32) / np.float32(255)
            if name == "int8":
                scale, zero_point = entry["quantization"]
                value = np.clip(np.round(value / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
            interpreter.set_tensor(entry["index"], value)
            interpreter.invoke()
            right += int(np.argmax(interpreter.get_tensor(result["index"])) == label)
        assert score(content, FashionMnist(some), np.arange(200), Path(name)).metrics["top_1"] == right / 200


def keras_model(tf: Any, *layers: Any, loss: Any = None) -> Any:
    model = tf.keras.Sequential([tf.keras.Input((28, 28)), tf.keras.layers.Flatten(), *layers])
    if loss is not None:
        model.compile(optimizer="adam", loss=loss)
    return model


def test_a_loss_of_ones_own_is_no_reason(tf: Any, small_split: dataset.Split, tmp_path: Path) -> None:
    """The optimizer is wanted only to weigh an .h5: without it, a smaller one is weighed."""

    def mine(truth: Any, guess: Any) -> Any:
        return tf.reduce_mean(tf.abs(truth - guess))

    path = tmp_path / "mine.keras"
    keras_model(tf, tf.keras.layers.Dense(10), loss=mine).save(path)
    record, _ = build.build(path, both(small_split))
    assert record["h5_bytes"] > 31_000


def test_a_model_without_an_input_shape_is_told_what_it_lacks(
    tf: Any, small_split: dataset.Split, tmp_path: Path
) -> None:
    path = tmp_path / "unbuilt.keras"
    tf.keras.Sequential([tf.keras.layers.Dense(10)]).save(path)
    with pytest.raises(InputError, match="does not know its input's shape") as caught:
        build.build(path, both(small_split))
    assert "keras.Input((28, 28))" in caught.value.hint


def test_one_rung_that_fails_does_not_end_the_ladder(
    tf: Any, small_split: dataset.Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.keras"
    keras_model(tf, tf.keras.layers.Dense(10)).save(path)
    whole = ladder.convert_rung

    def without_float16(tf: Any, saved: Path, name: str, samples: Any) -> bytes:
        if name == "float16":
            raise InputError("TensorFlow cannot convert the model to float16: no such operator", hint="")
        return whole(tf, saved, name, samples)

    monkeypatch.setattr(ladder, "convert_rung", without_float16)
    record, contents = build.build(path, both(small_split))
    assert set(by_name(record)) == set(RUNGS) - {"float16"}
    assert list(record["failed"]) == ["float16"]
    assert len(contents) == len(RUNGS) - 1


def test_the_range_of_the_pixels_is_the_users_to_state(
    tf: Any, small_split: dataset.Split, tmp_path: Path
) -> None:
    path = tmp_path / "raw.keras"
    keras_model(tf, tf.keras.layers.Dense(10)).save(path)
    record, contents = build.build(path, both(small_split, (0.0, 255.0)))
    (tmp_path / "raw.tflite").write_bytes(contents["raw_int8.tflite"])
    graph = read_graph(tmp_path / "raw.tflite")
    quantization = graph.tensors[graph.inputs[0]].quantization
    assert quantization is not None
    assert float(quantization.scales[0]) == pytest.approx(1.0, abs=0.01)
    assert record["input_range"] == [0.0, 255.0]


def test_another_range_that_is_right_more_often_is_worth_a_question(
    tf: Any, small_split: dataset.Split, tmp_path: Path
) -> None:
    """A network that tells bright from dark images where pixels are 0 to 255, and sees all as dark otherwise."""
    images = np.where(np.arange(len(small_split.labels)) % 2, 255, 0).astype(np.uint8)
    images = np.broadcast_to(images[:, np.newaxis, np.newaxis], small_split.images.shape).copy()
    split = dataset.Split(images, images[:, 0, 0] // 255, "")
    model = keras_model(tf, tf.keras.layers.Dense(10))
    weights, bias = np.zeros((784, 10), np.float32), np.full(10, -9e9, np.float32)
    weights[:, 1], bias[:2] = 1 / 784, (100, 0)  # class 1 where the mean is above 100
    model.layers[-1].set_weights([weights, bias])
    path = tmp_path / "raw.keras"
    model.save(path)
    record, _ = build.build(path, both(split))
    assert record["rungs"][0]["accuracy"] == 0.5
    assert record["better_range"] == {"range": [0.0, 255.0], "accuracy": 1.0}
    assert build.build(path, both(split, (0.0, 255.0)))[0]["better_range"] is None
