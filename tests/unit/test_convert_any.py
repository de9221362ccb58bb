"""`boardproof convert` for models and data of the user's own: what goes in, what calibrates, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from boardproof_export.ladder import build, convert_table
from boardproof_export.ladder import rungs as ladder
from boardproof_export.ladder.data import LadderData, open_data
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import parse_graph
from boardproof_export.shared.sources.opening import SourceOptions

RNG = np.random.default_rng(11)
SPEED = RNG.normal(0, 10, (60, 6)).astype(np.float32)
ACCELERATION = RNG.random((60, 4, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def keras() -> Any:
    from boardproof_export.ladder.tensorflow import import_tensorflow

    found = import_tensorflow().keras
    found.utils.set_random_seed(5)
    return found


@pytest.fixture(autouse=True)
def two_rungs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversion takes a second: all tests but one make two of the five."""
    if request.node.name != "test_several_inputs_without_labels":
        monkeypatch.setattr(ladder, "RUNG_NAMES", ("float32", "int8"))


@pytest.fixture(scope="module")
def two_inputs(keras: Any) -> Any:
    """speed (6,) and acceleration (4, 3) to three classes and a score; the second input is named first."""
    speed, acceleration = keras.Input((6,), name="speed"), keras.Input((4, 3), name="acceleration")
    wide = [
        keras.layers.Dense(8, activation="relu")(keras.layers.Flatten()(each))
        for each in (speed, acceleration)
    ]
    joined = keras.layers.Concatenate()(wide)
    outputs = [keras.layers.Dense(3)(joined), keras.layers.Dense(1, activation="sigmoid")(joined)]
    return keras.Model([speed, acceleration], outputs)


def saved(folder: Path, **arrays: NDArray[Any]) -> SourceOptions:
    path = folder / "my data.npz"
    np.savez(path, **arrays)
    return SourceOptions(str(path))


def named(**arrays: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {"speed": SPEED, "acceleration": ACCELERATION} | arrays


def ranges(content: bytes) -> dict[str, float]:
    """The width of the real values that each quantized input holds, by name."""
    graph = parse_graph(content, Path("m.tflite"))
    found = {}
    for index in graph.inputs:
        quantization = graph.tensors[index].quantization
        assert quantization is not None
        found[graph.tensors[index].name] = 255 * float(quantization.scales[0])
    return found


def check_two_inputs(record: dict[str, Any], contents: dict[str, bytes]) -> None:
    """Each input was calibrated on its own array: their ranges are far apart."""
    assert record["failed"] == {}
    found = ranges(contents["two_int8.tflite"])
    widths = {
        name.removeprefix("serving_default_").removesuffix(":0"): width for name, width in found.items()
    }
    assert widths["speed"] == pytest.approx(float(np.ptp(SPEED)), rel=0.02)
    assert widths["acceleration"] == pytest.approx(float(ACCELERATION.max()), rel=0.02)
    assert {rung["name"]: rung["engines"] for rung in record["rungs"]}["int8"] == ("aot", "tflm")


def test_several_inputs_without_labels(two_inputs: Any, tmp_path: Path) -> None:
    """What is measured without labels: how far a rung's outputs are from those of float32."""
    two_inputs.save(tmp_path / "two.h5")
    data = open_data(saved(tmp_path, **named()))
    record, contents = build.build(tmp_path / "two.h5", data)
    check_two_inputs(record, contents)
    assert [rung["quality"]["kind"] for rung in record["rungs"]] == [None] * 5
    by_name = {rung["name"]: rung["snr_db"] for rung in record["rungs"]}
    assert by_name["float32"] is None
    assert 20 < by_name["int8"] < by_name["float16"] < 120
    shown = list(convert_table.lines(record, Path("two.h5"), tmp_path, SourceOptions("my data.npz")))
    assert "SNR: the outputs against those of float32, over 60 samples of my data.npz" in "\n".join(shown)
    assert "int8 calibrated on my data.npz: all, which are measured as well" in shown
    assert shown[-1].endswith("two_int8.tflite --data 'my data.npz'")


def test_a_saved_model_folder_is_taken_through_its_signature(two_inputs: Any, tmp_path: Path) -> None:
    two_inputs.export(tmp_path / "two", verbose=False)
    record, contents = build.build(tmp_path / "two", open_data(saved(tmp_path, **named())))
    check_two_inputs(record, contents)
    assert record["original"] == "SavedModel"
    inside = [path for path in (tmp_path / "two").rglob("*") if path.is_file()]
    assert record["h5_bytes"] == sum(path.stat().st_size for path in inside)


def test_a_saved_model_without_a_signature_is_refused(tmp_path: Path, keras: Any) -> None:
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), tmp_path / "none")
    with pytest.raises(InputError, match=r"has no signature serving_default, .* other: none") as caught:
        build.build(tmp_path / "none", open_data(SourceOptions("random:5")))
    assert "model.export(FOLDER)" in caught.value.hint


def sequential(
    keras: Any, folder: Path, *layers: Any, shape: tuple[int, ...], dtype: str = "float32"
) -> Path:
    path = folder / "mine.keras"
    keras.Sequential([keras.Input(shape, dtype=dtype), *layers]).save(path)
    return path


def test_values_as_labels_and_a_training_part(keras: Any, tmp_path: Path) -> None:
    """x_train calibrates, x_test is measured; real labels give the root of the mean squared error."""
    path = sequential(keras, tmp_path, keras.layers.Dense(2), shape=(6,))
    options = saved(
        tmp_path,
        x_train=3 * SPEED[:50],
        y_train=np.zeros((50, 2)),
        x_test=SPEED,
        y_test=RNG.random((60, 2)),
    )
    data = open_data(options, samples=40, tested=30)
    assert (len(data.calibration), len(data.test), data.same) == (50, 60, False)
    record, contents = build.build(path, data)
    assert (record["calibration"]["images"], record["test_images"]) == (40, 30)
    assert {rung["quality"]["kind"] for rung in record["rungs"]} == {"regression"}
    chosen = 3 * SPEED[:50][data.chosen]
    (width,) = ranges(contents["mine_int8.tflite"]).values()
    assert width == pytest.approx(float(np.ptp(chosen)), rel=0.02)
    shown = list(convert_table.lines(record, path, tmp_path, options))
    assert any("RMSE" in line for line in shown)
    assert "int8 calibrated on my data.npz: 40 of 50, drawn with seed 1" in shown
    assert "warning: 40 samples are few: values beyond theirs are cut; 100 to 500 are usual" in shown


def test_whole_numbers_go_into_a_whole_input(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers.Embedding(20, 4), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)
    path = sequential(keras, tmp_path, *layers, shape=(7,), dtype="int32")
    words = RNG.integers(0, 20, (60, 7))
    record, _ = build.build(path, open_data(saved(tmp_path, x=words, y=words[:, 0] % 2)))
    assert record["failed"] == {}
    assert record["classes"] == 2


def test_mixed_precision_is_converted_in_float32(keras: Any, tmp_path: Path) -> None:
    """Its operators in float16 are none of TensorFlow Lite's."""
    mixed = keras.layers.Dense(4, activation="relu", dtype="mixed_float16")
    path = sequential(keras, tmp_path, mixed, keras.layers.Dense(2), shape=(6,))
    record, contents = build.build(path, open_data(saved(tmp_path, x=SPEED)))
    assert record["failed"] == {}
    graph = parse_graph(contents["mine_float32.tflite"], path)
    assert {graph.tensors[op.outputs[0]].type for op in graph.ops} == {"FLOAT32"}


def test_loops_are_no_int8_and_say_what_to_do(keras: Any, tmp_path: Path) -> None:
    path = sequential(keras, tmp_path, keras.layers.SimpleRNN(3), shape=(5, 2))
    record, _ = build.build(path, open_data(SourceOptions("random:12")))
    assert set(record["failed"]) == {"int8"}
    assert "unroll=True" in record["failed"]["int8"]
    shown = list(convert_table.lines(record, path, tmp_path, SourceOptions("random:12")))
    assert any("random values are no representative data" in line for line in shown)


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"x": np.full((60, 6), np.nan)}, "sample 0 of my data.npz holds a value that is not finite"),
        (
            {"x": np.where(np.arange(60)[:, None] == 7, np.inf, SPEED)},
            "sample 7 of my data.npz holds a value that is not finite",
        ),
        ({"x": SPEED.astype(np.int8)}, "holds int8 values, the model's input 'input_layer.*' is float32"),
        (
            {"x": ACCELERATION},
            r"a sample of my data.npz is 4 x 3, the model's input 'input_layer.*' is 1 x 6",
        ),
        (
            {"speed": SPEED, "acceleration": ACCELERATION},
            r"samples of speed \[6\], acceleration \[4, 3\]; the model's inputs are input_layer.* \[1, 6\]",
        ),
        (
            {"x": SPEED, "y": np.arange(60)},
            "sample 4 of my data.npz has the label 4, the model tells 4 classes",
        ),
    ],
)
def test_data_that_do_not_fit(keras: Any, tmp_path: Path, arrays: dict[str, NDArray[Any]], why: str) -> None:
    path = sequential(keras, tmp_path, keras.layers.Dense(4), shape=(6,))
    with pytest.raises(InputError, match=why):
        build.build(path, open_data(saved(tmp_path, **arrays)))


@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_inputs_that_no_board_takes(keras: Any, tmp_path: Path, dtype: str) -> None:
    path = sequential(keras, tmp_path, keras.layers.Rescaling(1.0), shape=(6,), dtype=dtype)
    with pytest.raises(InputError, match=f"is {dtype}, which no board takes"):
        build.build(path, open_data(SourceOptions("random:5")))


def test_a_lambda_layer_goes_another_way(keras: Any, tmp_path: Path) -> None:
    path = sequential(
        keras, tmp_path, keras.layers.Lambda(lambda x: 2 * x), keras.layers.Dense(4), shape=(6,)
    )
    with pytest.raises(InputError, match="Keras cannot load") as caught:
        build.build(path, open_data(SourceOptions("random:5")))
    assert caught.value.hint.endswith("model.export(FOLDER), then boardproof convert FOLDER")


def test_numbers_of_samples(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--samples 0 leaves no sample"):
        open_data(SourceOptions("random:5"), samples=0)
    data: LadderData = open_data(SourceOptions("random:700"))
    assert len(data.chosen) == len(set(data.chosen.tolist())) == 500
    np.testing.assert_array_equal(data.chosen, open_data(SourceOptions("random:700")).chosen)
