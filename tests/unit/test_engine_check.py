"""What an engine cannot run is refused before anything is built or started, by every command that would run it."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from boardproof_export.aot.network import Network, reasons_of, resolve
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import parse_graph
from boardproof_export.tflm.engines import require_engine
from boardproof_export.tflm.limits import firmware_reasons
from model_builder import FLOAT32, INT32, ModelBuilder
from support.linked_checkout import boardproof, linked_checkout
from support.small_models import running_sum_model

RNG = np.random.default_rng(5)


def dense(units: int, depth: int, outputs: int, inputs: int = 8) -> bytes:
    """A float32 dense layer from (1, inputs) to (1, outputs), with weights of (units, depth) and a bias of `units`."""
    builder = ModelBuilder()
    source, sink = builder.tensor((1, inputs), dtype=FLOAT32), builder.tensor((1, outputs), dtype=FLOAT32)
    constant = RNG.normal(size=(units, depth)).astype(np.float32)
    weights = builder.tensor((units, depth), dtype=FLOAT32, data=constant)
    bias = builder.tensor((units,), dtype=FLOAT32, data=np.zeros(units, np.float32))
    builder.fully_connected([source, weights, bias], sink)
    return builder.build([source], [sink])


def backwards() -> bytes:
    """The second reshape before the first, whose output it reads."""
    builder = ModelBuilder()
    source, middle, sink = (builder.tensor(shape, 0.5) for shape in ((1, 8), (2, 4), (8, 1)))
    builder.reshape(middle, sink)
    builder.reshape(source, middle)
    return builder.build([source], [sink])


def never_written() -> bytes:
    builder = ModelBuilder()
    source, sink, forgotten = (builder.tensor((1, 8), 0.5) for _ in range(3))
    builder.reshape(source, sink)
    return builder.build([source], [sink, forgotten])


def flat_convolution() -> bytes:
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 8), 0.5), builder.tensor((1, 2), 0.5)
    weights = builder.tensor((2, 8), 0.1, data=RNG.integers(-127, 128, (2, 8)).astype(np.int8))
    builder.op(schema.BuiltinOperator.CONV_2D, [source, weights], [sink])
    return builder.build([source], [sink])


def many_dimensions() -> bytes:
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 8), 0.5), builder.tensor((1, 1, 1, 1, 1, 1, 8), 0.5)
    builder.reshape(source, sink)
    return builder.build([source], [sink])


def two_scales() -> bytes:
    """A requantization from uint8, whose input has two scales."""
    builder = ModelBuilder()
    source = builder.tensor((1, 8), np.array([0.5, 0.25], np.float32), dtype=schema.TensorType.UINT8)
    sink = builder.tensor((1, 8), 0.5)
    builder.op(schema.BuiltinOperator.QUANTIZE, [source], [sink])
    return builder.build([source], [sink])


def with_inputs(*positions: int) -> bytes:
    """A reshape whose graph names as inputs its source (0), its output (1) or the constant shape (2)."""
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 8), 0.5), builder.tensor((8, 1), 0.5)
    builder.reshape(source, sink)
    return builder.build(list(positions), [sink])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (with_inputs(0, 0), "are one tensor"),
        (with_inputs(0, 2), "is a constant"),
        (dense(4, 8, 5), "shapes that do not fit"),
        (dense(4, 7, 4), "shapes that do not fit"),
        (backwards(), "nothing has written"),
        (never_written(), "no operator writes"),
        (flat_convolution(), "rank 4"),
        (many_dimensions(), "7 dimensions"),
    ],
    ids=[
        "twice",
        "constant",
        "wide",
        "deep",
        "backwards",
        "never written",
        "flat convolution",
        "many dimensions",
    ],
)
def test_what_would_touch_memory_that_is_not_the_model_s_is_refused(model: bytes, reason: str) -> None:
    reasons = list(firmware_reasons(parse_graph(model, Path("m.tflite"))))
    assert reasons and reason in str(reasons[0])


@pytest.mark.parametrize("model", [with_inputs(0, 0), with_inputs(0, 2), many_dimensions()])
def test_what_the_reference_does_not_hold_no_engine_runs(model: bytes) -> None:
    assert not isinstance(resolve(parse_graph(model, Path("m.tflite"))), Network)


def test_an_edge_with_two_scales_is_refused_before_it_is_rendered() -> None:
    reason, *_ = reasons_of(parse_graph(two_scales(), Path("m.tflite")))
    assert str(reason) == "the model has an input with 2 scales"


def test_a_dense_layer_of_a_constant_is_refused() -> None:
    """A damaged file: found by fuzzing."""
    builder = ModelBuilder()
    constant = np.ones((2, 2), np.int8)
    source, weights = builder.tensor((2, 2), 0.5, data=constant), builder.tensor((2, 2), 0.5, data=constant)
    given, sink = builder.tensor((2, 2), 0.5), builder.tensor((2, 2), 0.5)
    builder.fully_connected([source, weights], sink)
    reasons = reasons_of(parse_graph(builder.build([given], [sink]), Path("m.tflite")))
    assert str(reasons[0]) == "operator 0 (FULLY_CONNECTED) depends on no input"


def test_a_tensor_that_no_board_holds_takes_no_memory_here() -> None:
    """A file of 800 bytes that tells of 200 million values."""
    builder = ModelBuilder()
    source, sink = builder.tensor((20_000, 10_000), 0.5), builder.tensor((10_000, 20_000), 0.5)
    axes = builder.tensor((2,), dtype=INT32, data=np.array([1, 0], np.int32))
    builder.op(schema.BuiltinOperator.TRANSPOSE, [source, axes], [sink])
    tracemalloc.start()
    (reason,) = reasons_of(parse_graph(builder.build([source], [sink]), Path("m.tflite")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "has a tensor of 200,000,000 values" in str(reason)
    assert peak < 1 << 20


def test_a_dense_layer_whose_shapes_fit_is_taken() -> None:
    assert not list(firmware_reasons(parse_graph(dense(4, 8, 4), Path("m.tflite"))))


def test_the_way_out_is_the_engine_that_runs_it(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(dense(4, 8, 4))
    require_engine(path, "tflm", "here")
    with pytest.raises(InputError, match="cannot run here") as caught:
        require_engine(path, "aot", "here")
    assert caught.value.hint.endswith(f"boardproof run --target tflm_host --model {path}")


def test_a_conversion_is_no_way_out_for_state(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(running_sum_model())
    with pytest.raises(InputError, match="keeps state") as caught:
        require_engine(path, "tflm", "here")
    assert caught.value.hint == f"see what runs where: boardproof inspect {path}"


@pytest.mark.parametrize("command", ["run", "trace", "build", "flash", "prove"])
def test_no_command_builds_what_the_engine_cannot_run(tmp_path: Path, command: str) -> None:
    path = tmp_path / "float.tflite"
    path.write_bytes(dense(10, 784, 10, inputs=784))
    project = linked_checkout(tmp_path)
    done = boardproof(project, command, "--target", "qemu_cortex_m3", "--model", str(path))
    assert done.returncode == 2, done.stderr
    assert "float.tflite cannot run on qemu_cortex_m3: " in done.stderr
    assert "next: TensorFlow Lite Micro runs it: boardproof run --target tflm_host" in done.stderr
    assert "Processing qemu_cortex_m3" not in done.stderr  # PlatformIO's log


@pytest.mark.parametrize("command", ["run", "trace"])
def test_the_virtual_board_is_not_started_over_memory_that_is_not_the_model_s(
    tmp_path: Path, command: str
) -> None:
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 784), 1 / 255, -128), builder.tensor((1, 11), 0.5)
    weights = builder.tensor((10, 784), 0.1, data=RNG.integers(-127, 128, (10, 784)).astype(np.int8))
    builder.fully_connected([source, weights], sink)
    path = tmp_path / "wide.tflite"
    path.write_bytes(builder.build([source], [sink]))
    done = boardproof(linked_checkout(tmp_path), command, "--target", "tflm_host", "--model", str(path))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "operator 0 (FULLY_CONNECTED) has shapes that do not fit" in done.stderr


def test_what_the_interpreter_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    """A reshape between types: only TensorFlow Lite Micro itself knows."""
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 784), 1 / 255, -128), builder.tensor((784, 1), dtype=FLOAT32)
    builder.reshape(source, sink)
    path = tmp_path / "types.tflite"
    path.write_bytes(builder.build([source], [sink]))
    done = boardproof(linked_checkout(tmp_path), "run", "--target", "tflm_host", "--model", str(path))
    assert done.returncode == 2, done.stderr
    assert "TensorFlow Lite Micro cannot run" in done.stderr and "input->type != output->type" in done.stderr
