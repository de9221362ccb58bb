"""CUMSUM: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import INT32, ModelBuilder, schema
from support.exactness import check_reference, prove, random_case, reasons_of

Shape = tuple[int, ...]
Steps = tuple[float, int]


def model(
    shape: Shape, axis: int, steps: tuple[Steps, Steps], *, exclusive: bool = False, reverse: bool = False
) -> bytes:
    builder = ModelBuilder()
    source, output = builder.tensor(shape, *steps[0]), builder.tensor(shape, *steps[1])
    along = builder.tensor((), dtype=INT32, data=np.array(axis, np.int32))
    options = schema.CumsumOptionsT()
    options.exclusive, options.reverse = exclusive, reverse
    kind = schema.BuiltinOptions.CumsumOptions
    builder.op(schema.BuiltinOperator.CUMSUM, [source, along], [output], options, kind)
    return builder.build([source], [output])


steps = st.tuples(st.floats(-2, 0).map(lambda exponent: 10**exponent), st.integers(-128, 127))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
    st.integers(-4, 3),
    st.tuples(steps, steps),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_reference(
    shape: list[int], axis: int, numbers: tuple[Steps, Steps], exclusive: bool, reverse: bool, seed: int
) -> None:
    axis = axis % len(shape) - len(shape) * (axis < 0)
    content = model(tuple(shape), axis, numbers, exclusive=exclusive, reverse=reverse)
    check_reference(random_case(content, seed))


def test_every_core_profile() -> None:
    numbers = ((0.05, 3), (0.2, -7))
    found = [
        model(shape, axis, numbers, exclusive=exclusive, reverse=reverse)
        for shape, axis in [((9,), 0), ((2, 3, 4), 1), ((2, 5), -1), ((1, 40), 1)]
        for exclusive in (False, True)
        for reverse in (False, True)
    ]
    prove([random_case(content, seed) for seed, content in enumerate(found)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model((3, 4), 2, ((0.1, 0), (0.1, 0))), "has axis 2 of 2 dimensions"),
        (model((3, 4), 0, ((1e4, 0), (1e-4, 0))), "on which TensorFlow Lite Micro aborts"),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
