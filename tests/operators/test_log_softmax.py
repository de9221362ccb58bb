"""LOG_SOFTMAX: NumPy and every core profile's C give TensorFlow Lite Micro's bits; what it aborts on is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import ModelBuilder, schema
from support.exactness import check_reference, prove, random_case, reasons_of

# Down to scales at which every difference is small, up to those at which all but the largest value count as nothing.
scales = st.floats(-6, 1).map(lambda exponent: 10**exponent)


def model(shape: tuple[int, ...], scale: float, output_scale: float = 1 / 16) -> bytes:
    builder = ModelBuilder()
    source, output = builder.tensor(shape, scale, 3), builder.tensor(shape, output_scale, 127)
    options, kind = schema.LogSoftmaxOptionsT(), schema.BuiltinOptions.LogSoftmaxOptions
    builder.op(schema.BuiltinOperator.LOG_SOFTMAX, [source], [output], options, kind)
    return builder.build([source], [output])


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 3), st.one_of(st.integers(1, 20), st.integers(1, 4095)), scales, st.integers(0, 2**32))
def test_reference(rows: int, depth: int, scale: float, seed: int) -> None:
    check_reference(random_case(model((rows, depth), scale), seed))


def test_every_core_profile() -> None:
    shapes = [(1, 1), (1, 2), (2, 3, 10), (3, 511), (1, 4095)]
    models = [model(shape, scale) for shape in shapes for scale in (1e-5, 0.02, 0.2, 3.0)]
    prove([random_case(one, seed) for seed, one in enumerate(models)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model((1, 4096), 0.1), "4096 values a row"),
        (model((1, 4), 1e-9), "on which TensorFlow Lite Micro aborts"),
        (model((1, 4), 0.1, 1 / 8), "has output scale 0.125 and zero point 127, not 1/16 and 127"),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
