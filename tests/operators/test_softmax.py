"""SOFTMAX: NumPy and every core profile's C give TensorFlow Lite Micro's bits; what it aborts on is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import ModelBuilder, softmax_model
from support.exactness import check_reference, prove, random_case, reasons_of

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


def test_every_core_profile() -> None:
    shapes = [(1, 1), (1, 2), (2, 3, 10), (3, 511), (1, 10)]
    models = [softmax_model(shape, scale=scale) for shape in shapes for scale in (1e-5, 0.02, 0.2, 30.0)]
    prove([random_case(model, seed) for seed, model in enumerate(models)])


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (softmax_model((1, 512)), "512 values a row"),
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
