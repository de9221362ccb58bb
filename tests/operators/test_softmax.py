"""SOFTMAX: NumPy and every core profile's C give TensorFlow Lite Micro's bits; what it aborts on is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.commands import export
from host_engine import RenderedModel, compile_engine
from model_builder import ModelBuilder, softmax_model
from support.exactness import Case, check_reference, prove, random_case, reasons_of

# Down to scales at which every difference is small, up to those at which all but the largest value count as nothing.
scales = st.floats(-6, 2).map(lambda exponent: 10**exponent)


@settings(max_examples=150)
@given(
    st.integers(1, 3),
    st.one_of(st.integers(1, 20), st.just(511)),
    scales,
    st.floats(0.1, 4),
    st.integers(0, 2**32),
)
def test_reference(rows: int, depth: int, scale: float, beta: float, seed: int) -> None:
    check_reference(random_case(softmax_model((rows, depth), scale=scale, beta=beta), seed))


@settings(max_examples=20)
@given(st.integers(512, 4095), st.floats(0.2, 2), st.integers(0, 2**32))
def test_reference_with_as_many_classes_as_imagenet(depth: int, scale: float, seed: int) -> None:
    check_reference(distinct_case(depth, scale, seed))


def distinct_case(depth: int, scale: float, seed: int) -> Case:
    """Inputs all over the range: of equal ones the reference makes nothing, it aborts."""
    inputs = np.random.default_rng(seed).integers(-128, 128, (3, depth)).astype(np.int8)
    return Case(softmax_model((1, depth), scale=scale), inputs)


def test_every_core_profile() -> None:
    shapes = [(1, 1), (1, 2), (2, 3, 10), (3, 511), (1, 10)]
    models = [softmax_model(shape, scale=scale) for shape in shapes for scale in (1e-5, 0.02, 0.2, 30.0)]
    cases = [random_case(model, seed) for seed, model in enumerate(models)]
    prove(cases + [distinct_case(depth, 0.2, depth) for depth in (1001, 4095)])


def test_equal_inputs_on_which_the_reference_aborts_are_no_undefined_shift(tmp_path: Path) -> None:
    """1,000 equal inputs: a thousandth each, which is nothing in steps of 1/256."""
    model = tmp_path / "model.tflite"
    model.write_bytes(softmax_model((1, 1000), scale=0.2))
    (manifest,) = export.render(model, tmp_path, ["portable"])
    engine = compile_engine(tmp_path / "build", [RenderedModel.of(manifest, tmp_path / manifest.core)])
    assert set(engine.run(0, np.zeros((1, 1000), np.int8)).ravel().tolist()) == {-128}


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (softmax_model((1, 4096)), "4096 values a row"),
        (softmax_model((1, 4), beta=0.0), "too little to count"),
        (softmax_model((1, 4), scale=1e-9), "too little to count"),
    ],
)
def test_what_would_abort_is_refused(model: bytes, says: str) -> None:
    assert says in reasons_of(model)[0]


def test_another_output_scale_is_refused() -> None:
    builder = ModelBuilder()
    source, output = builder.tensor((1, 4), 0.1), builder.tensor((1, 4), 1 / 128, -128)
    builder.softmax(source, output)
    (reason,) = reasons_of(builder.build([source], [output]))
    assert reason == "operator 0 (SOFTMAX) has output scale 0.0078125 and zero point -128, not 1/256 and -128"
