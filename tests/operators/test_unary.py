"""Functions of one value: for every value that there is, NumPy and C give TensorFlow Lite Micro's bits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model_builder import ModelBuilder, schema
from support.exactness import Case, check_reference, oracle_accepts, prove, random_case, reasons_of

OPERATOR = schema.BuiltinOperator
TABLES = ("LOGISTIC", "TANH", "HARD_SWISH", "ELU", "RELU", "RELU6", "LEAKY_RELU", "ABS", "RSQRT", "QUANTIZE")
EVERY = np.arange(-128, 128).astype(np.int8)


def inputs_of(name: str, point: int) -> NDArray[np.int8]:
    """Every value on which the interpreter does not stop: there is no root of one below zero."""
    return np.maximum(EVERY, np.int8(point if name == "RSQRT" else -128))[None]


scales = st.floats(-4, 1).map(lambda exponent: 10**exponent)
points = st.integers(-128, 127)


def model(
    name: str, scale: float, point: int, output_scale: float, output_point: int, alpha: float = 0.1
) -> bytes:
    builder = ModelBuilder()
    if name == "LOGISTIC":
        output_scale, output_point = 1 / 256, -128
    if name == "TANH":
        output_scale, output_point = 1 / 128, 0
    source = builder.tensor((1, 256), scale, point)
    output = builder.tensor((1, 256), output_scale, output_point)
    options: Any = None
    kind = 0
    if name == "LEAKY_RELU":
        options, kind = schema.LeakyReluOptionsT(), schema.BuiltinOptions.LeakyReluOptions
        options.alpha = alpha
    builder.op(getattr(OPERATOR, name), [source], [output], options, kind)
    return builder.build([source], [output])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TABLES), scales, points, scales, points, st.floats(0, 2))
def test_every_value(
    name: str, scale: float, point: int, output: float, output_point: int, alpha: float
) -> None:
    content = model(name, scale, point, output, output_point, alpha)
    if not oracle_accepts(content):
        return
    if reasons_of_or_none(content):  # scales beyond what the interpreter defines
        return
    check_reference(Case(content, inputs_of(name, point)))


@pytest.mark.parametrize(
    ("name", "scale", "output", "alpha"),
    [
        ("HARD_SWISH", 10**0.5, 1.0086390253462003, 0),
        ("RELU", 0.012510598637163639, 0.033174172043800354, 0),
        ("ABS", 0.24269935488700867, 0.3520067036151886, 0),
        ("LEAKY_RELU", 0.023120056837797165, 0.02563808299601078, 0.07751012593507767),
    ],
)
def test_the_quotient_of_scales_is_that_of_double(
    name: str, scale: float, output: float, alpha: float
) -> None:
    """In float32 a value of these would round the other way."""
    check_reference(Case(model(name, scale, 0, output, 0, alpha), EVERY[None]))


def reasons_of_or_none(content: bytes) -> list[str]:
    try:
        return reasons_of(content)
    except AssertionError:
        return []


def negation(count: int = 7) -> bytes:
    builder = ModelBuilder()
    source, output = (builder.tensor((1, count), dtype=schema.TensorType.BOOL) for _ in range(2))
    builder.op(OPERATOR.LOGICAL_NOT, [source], [output])
    return builder.build([source], [output])


def test_every_core_profile() -> None:
    cases = [Case(model(name, 0.05, 4, 0.04, -9), inputs_of(name, 4)) for name in TABLES]
    prove([*cases, random_case(negation(), 1)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model("RELU", 0.1, 0, 1e-12, 0), "overflows TensorFlow Lite Micro's shift"),
        (model("LEAKY_RELU", 0.1, 0, 0.1, 0, -1.0), "a slope of -1 below zero"),
        (model("RSQRT", 0.1, 0, 1e-12, 0), "overflows TensorFlow Lite Micro's shift"),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
