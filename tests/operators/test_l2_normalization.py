"""L2_NORMALIZATION: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import ModelBuilder, schema
from support.exactness import Case, check_reference, prove, random_case, reasons_of

Shape = tuple[int, ...]


def model(shape: Shape, zero_point: int = 0, activation: int = 0, wanted: Shape | None = None) -> bytes:
    builder = ModelBuilder()
    source = builder.tensor(shape, 0.05, zero_point)
    output = builder.tensor(shape if wanted is None else wanted, 1 / 128, 0)
    options = schema.L2NormOptionsT()
    options.fusedActivationFunction = activation
    kind = schema.BuiltinOptions.L2NormOptions
    builder.op(schema.BuiltinOperator.L2_NORMALIZATION, [source], [output], options, kind)
    return builder.build([source], [output])


def small(content: bytes, seed: int) -> Case:
    """Rows near the zero point 3, whose sums of squares are of every size from 0 up."""
    case = random_case(content, seed)
    return Case(content, (3 + case.rows.view(np.int8) // 40).astype(np.int8))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 4), max_size=3),
    st.one_of(st.integers(1, 9), st.integers(1, 2000)),
    st.integers(-128, 127),
    st.integers(0, 2**32),
)
def test_reference(rows: list[int], depth: int, zero_point: int, seed: int) -> None:
    check_reference(random_case(model((*rows, depth), zero_point), seed))
    check_reference(small(model((*rows, depth), 3), seed))


def test_every_core_profile() -> None:
    found = [((1, 1), 0), ((3, 7), -128), ((1, 2, 3, 64), 5), ((2, 5000), 127)]
    cases = [random_case(model(*one), seed) for seed, one in enumerate(found)]
    prove([*cases, small(model((20, 3), 3), 7)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model((1, 4), activation=1), "has fused RELU, which TensorFlow Lite Micro refuses"),
        (model((1, 4), wanted=(4,)), "makes [4] of [1, 4]"),
        (model((1, 33026)), "sums 33026 squares"),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
