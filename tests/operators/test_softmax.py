"""SOFTMAX: NumPy and every core profile's C give TensorFlow Lite Micro's bits; what it aborts on is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import ModelBuilder, schema, softmax_model
from support.exactness import Case, check_reference, node_of, prove, random_case, reasons_of

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


def to_int16(shape: tuple[int, ...], scale: float, output_scale: float = 1 / 65536) -> bytes:
    builder = ModelBuilder()
    source = builder.tensor(shape, scale, 3)
    output = builder.tensor(shape, output_scale, -32768, dtype=schema.TensorType.INT16)
    builder.softmax(source, output)
    return builder.build([source], [output])


@settings(max_examples=150)
@given(st.integers(1, 3), st.integers(1, 40), scales, st.integers(0, 2**32))
def test_reference_to_int16(rows: int, depth: int, scale: float, seed: int) -> None:
    check_reference(random_case(to_int16((rows, depth), scale), seed))


def deep(depth: int, scale: float, seed: int) -> Case:
    """Rows of which few values are near the largest: where many are, the interpreter aborts."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-128, 100, (4, depth))
    rows[:, :3] = [127, 120, 126]
    return Case(softmax_model((1, depth), scale=scale), rows.astype(np.int8))


@settings(max_examples=50)
@given(st.integers(512, 4095), st.floats(-1, 1), st.integers(0, 2**32))
def test_reference_of_deep_rows(depth: int, exponent: float, seed: int) -> None:
    check_reference(deep(depth, 10**exponent, seed))


def test_rows_on_which_the_interpreter_aborts_give_the_least_value() -> None:
    node = node_of(softmax_model((1, 600)))
    found = node.operator.reference(node.layer, np.zeros(600, np.int8))
    assert np.all(found == -128)


def test_every_core_profile() -> None:
    shapes = [(1, 1), (1, 2), (2, 3, 10), (3, 511), (1, 10)]
    models = [softmax_model(shape, scale=scale) for shape in shapes for scale in (1e-5, 0.02, 0.2, 30.0)]
    models += [to_int16(shape, scale) for shape in shapes for scale in (1e-5, 0.2)]
    cases = [random_case(model, seed) for seed, model in enumerate(models)]
    prove([*cases, deep(1000, 0.1, 1), deep(4095, 0.2, 2)])


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (softmax_model((1, 4096)), "4096 values a row"),
        (to_int16((1, 4), 0.1, 1 / 32768), "not 1/65536 and -32768"),
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
