"""Functions of one float32 value: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import INT8, schema
from support.bench import FLOAT32, Bench, Shape
from support.exactness import Case, check_reference, prove, reasons_of

OPERATOR = schema.BuiltinOperator
NAMES = ("NEG", "FLOOR", "CEIL", "ROUND", "SQUARE")
floats = st.one_of(st.floats(width=32, allow_nan=False), st.integers(-20, 20).map(lambda number: number / 4))


def model(name: str, count: int, dtype: int = FLOAT32) -> bytes:
    """The function, and QUANTIZE of what it gives, as networks have it at their edges: both are outputs."""
    builder = Bench()
    shape: Shape = (1, count)
    source, made, output = builder.data(shape, dtype), builder.data(shape, dtype), builder.data(shape)
    builder.op(getattr(OPERATOR, name), [source], [made])
    builder.op(OPERATOR.QUANTIZE, [made], [output])
    return builder.build([source], [made, output])


def alone(name: str, count: int) -> bytes:
    return Bench().one(getattr(OPERATOR, name), (1, count), (1, count), dtype=FLOAT32)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), st.lists(floats, min_size=1, max_size=9))
def test_reference(name: str, values: list[float]) -> None:
    check_reference(Case(alone(name, len(values)), np.array([values], np.float32)))


VALUES = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.5,
    0.4,
    -0.4,
    -0.75,
    1e-40,
    8388607.5,
    -8388607.5,
    3e9,
    -1e20,
    np.inf,
]


def test_every_core_profile() -> None:
    inputs = np.array([VALUES, np.linspace(-5, 5, len(VALUES))], np.float32)
    prove([Case(alone(name, len(VALUES)), inputs) for name in NAMES])
    prove([Case(model(name, len(VALUES)), inputs[1:]) for name in NAMES])


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_run_is_refused(name: str) -> None:
    assert "only FLOAT32 runs" in reasons_of(model(name, 4, INT8))[0]
