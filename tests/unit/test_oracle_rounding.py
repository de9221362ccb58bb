"""Each oracle requantizes as it says: NumPy gives the same outputs from the formulas, to the last value."""

import importlib.metadata
import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from boardproof_host import oracles
from boardproof_host.oracles import Oracle, default_oracles
from boardproof_host.oracles.rounding import DOUBLE, REFERENCE, RUY_X86, XNNPACK
from model_builder import DenseLayer, dense_model

INPUT_SCALE, OUTPUT_SCALE = 2.0**-6, 2.0**-2
DEPTH, CLASSES, IMAGES = 64, 10, 1500


def accumulate(layer: DenseLayer, inputs: NDArray[np.int8], zero_point: int) -> NDArray[np.int64]:
    assert layer.bias is not None
    return (inputs.astype(np.int64) - zero_point) @ layer.weights.T.astype(np.int64) + layer.bias


def quantized_multipliers(layer: DenseLayer) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(m, rs): scale = m * 2^-31 * 2^-rs, as TensorFlow Lite's QuantizeMultiplier() splits it."""
    split = [math.frexp(scale) for scale in real_scales(layer)]
    return np.array([round(f * 2**31) for f, _ in split]), np.array([-e for _, e in split])


def real_scales(layer: DenseLayer) -> list[float]:
    scales = np.float32(INPUT_SCALE).astype(float) * layer.weight_scales.astype(float)
    return [float(scale) for scale in scales / float(np.float32(layer.output_scale))]


def half_away(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(values) * np.floor(np.abs(values) + 0.5)


def as_tflm(a: NDArray[np.int64], layer: DenseLayer) -> NDArray[Any]:
    m, rs = quantized_multipliers(layer)
    return half_away(((a * m + 2**30) >> 31) / 2.0**rs)


def as_reference(a: NDArray[np.int64], layer: DenseLayer) -> NDArray[Any]:
    return half_away(a.astype(float) * np.array(real_scales(layer)))


def as_xnnpack(a: NDArray[np.int64], layer: DenseLayer) -> NDArray[Any]:
    scales = np.float32(INPUT_SCALE) * layer.weight_scales / np.float32(layer.output_scale)
    return np.rint(a.astype(np.float32) * scales.astype(np.float32))


def as_ruy(a: NDArray[np.int64], layer: DenseLayer) -> NDArray[Any]:
    m, rs = quantized_multipliers(layer)
    return (((a * m + 2**30) >> 31) + (1 << (rs - 1))) >> rs


# By the rule, version and all: a rule that is not proven here is no rule.
FORMULAS = {DOUBLE: as_tflm, XNNPACK: as_xnnpack, REFERENCE: as_reference, RUY_X86: as_ruy}


@pytest.fixture(scope="module")
def dense_layer() -> DenseLayer:
    rng = np.random.default_rng(7)
    # Powers of two make exact halves, where "half to even" and "half away" part; a little beside them, the
    # accumulators come close enough to a half that rounding twice parts from rounding once.
    scales = OUTPUT_SCALE / INPUT_SCALE * 2.0 ** -rng.integers(7, 10, CLASSES)
    scales[CLASSES // 2 :] *= 1 + rng.uniform(-1e-6, 1e-6, CLASSES - CLASSES // 2)
    return DenseLayer(
        weights=rng.integers(-127, 128, (CLASSES, DEPTH)).astype(np.int8),
        weight_scales=scales.astype(np.float32),
        bias=rng.integers(-3000, 3000, CLASSES).astype(np.int32),
        output_scale=OUTPUT_SCALE,
        output_zero_point=-4,
    )


@pytest.fixture(scope="module")
def computed(dense_layer: DenseLayer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("computed")
    model = folder / "dense.tflite"
    model.write_bytes(dense_model([dense_layer], input_scale=INPUT_SCALE, input_zero_point=-9))
    inputs = np.random.default_rng(1).integers(-128, 128, (IMAGES, DEPTH), dtype=np.int8)
    with oracles.start(model, inputs.view(np.uint8), folder / "cache") as run:
        return {"inputs": inputs, "result": run.result(), "poll": run.poll()}


@pytest.mark.parametrize("oracle", default_oracles(tflm_wheel=True).oracles, ids=lambda oracle: oracle.name)
def test_every_oracle_rounds_as_it_says(
    oracle: Oracle, computed: dict[str, Any], dense_layer: DenseLayer
) -> None:
    if oracle.rounding == RUY_X86 and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("this rounding is of the x86 kernels")
    rounded = FORMULAS[oracle.rounding](accumulate(dense_layer, computed["inputs"], -9), dense_layer)
    expected = np.clip(rounded + dense_layer.output_zero_point, -128, 127).astype(np.int8)
    got = computed["result"][oracle.name]
    differing = int(np.count_nonzero(got.outputs.view(np.int8) != expected))
    assert differing == 0, (
        f"{differing} of {expected.size} outputs of {oracle.distribution} {got.version} are not what rule "
        f"{oracle.rounding} gives: it rounds by another one, which needs a name or version of its own"
    )


def test_the_roundings_part_on_this_model(computed: dict[str, Any]) -> None:
    """Otherwise the test above could not tell one oracle from another."""
    outputs = {name: got.outputs.view(np.int8) for name, got in computed["result"].items()}
    assert np.any(outputs["tflm"] != outputs["litert"])
    assert np.any(outputs["tflm"] != outputs["litert-nodelegate"])
    assert np.any(outputs["litert"] != outputs["litert-ref"])


def test_results_say_who_computed_them(computed: dict[str, Any]) -> None:
    assert list(computed["result"]) == ["tflm", "litert", "litert-ref", "litert-nodelegate"]
    for name, got in computed["result"].items():
        assert got.version == importlib.metadata.version(got.oracle.distribution)
        assert got.outputs.shape == (IMAGES, CLASSES) and got.outputs.dtype == np.uint8
        assert got.seconds > 0 and not got.cached
        assert computed["poll"][name] == IMAGES


def test_images_of_more_than_one_axis_are_taken_flat(tmp_path: Path) -> None:
    layer = DenseLayer(np.eye(6, dtype=np.int8), np.full(1, 0.5, np.float32), np.zeros(6, np.int32), 0.25, 0)
    path = tmp_path / "image.tflite"
    path.write_bytes(dense_model([layer], input_scale=0.5, image_shape=(2, 3)))
    inputs = np.random.default_rng(2).integers(-128, 128, (8, 6), dtype=np.int8)
    with oracles.start(path, inputs.view(np.uint8), tmp_path / "cache") as run:
        for got in run.result().values():
            assert np.array_equal(got.outputs.view(np.int8), inputs)
