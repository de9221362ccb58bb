"""NEG: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import INT8, schema
from support.bench import FLOAT32, Bench, Shape
from support.exactness import check_reference, prove, random_case, reasons_of


def quantized_behind(shape: Shape) -> bytes:
    """float32 that is negated, and quantized then, as networks have it at their edges."""
    builder = Bench()
    source, negated, output = builder.data(shape, FLOAT32), builder.data(shape, FLOAT32), builder.data(shape)
    builder.op(schema.BuiltinOperator.NEG, [source], [negated])
    builder.op(schema.BuiltinOperator.QUANTIZE, [negated], [output])
    return builder.build([source], [output])


def model(shape: Shape, dtype: int = FLOAT32) -> bytes:
    return Bench().one(schema.BuiltinOperator.NEG, shape, shape, dtype=dtype)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 2**32))
def test_reference(shape: list[int], seed: int) -> None:
    check_reference(random_case(model(tuple(shape)), seed))


def test_every_core_profile() -> None:
    prove([random_case(quantized_behind((1, 9)), 1), random_case(quantized_behind((2, 3)), 2)])


def test_what_does_not_run_is_refused() -> None:
    assert "only FLOAT32 runs" in reasons_of(model((4,), INT8))[0]
