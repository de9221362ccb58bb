"""Pooling: NumPy and every core profile's C give TensorFlow Lite Micro's bits; what does not fit is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import ModelBuilder, pool_model, schema
from support.exactness import check_reference, prove, random_case, reasons_of

POOLS = (schema.BuiltinOperator.AVERAGE_POOL_2D, schema.BuiltinOperator.MAX_POOL_2D)


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """Windows larger than the image where the padding is SAME, every stride and fused activation."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    same = draw(st.booleans())
    window = [draw(st.integers(1, 12 if same else size)) for size in (height, width)]
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    shape = (draw(st.integers(1, 2)), height, width, draw(st.integers(1, 4)))
    activation = draw(st.sampled_from([0, 1, 2, 3]))
    return pool_model(
        shape,
        (window[0], window[1]),
        stride,
        same=same,
        activation=activation,
        builtin=draw(st.sampled_from(POOLS)),
    )


@settings(max_examples=150)
@given(models(), st.integers(0, 2**32))
def test_reference(model: bytes, seed: int) -> None:
    check_reference(random_case(model, seed))


def test_every_core_profile() -> None:
    found = [
        pool_model((2, 7, 5, 3), (3, 2), (2, 1), same=same, activation=activation, builtin=builtin)
        for builtin in POOLS
        for same in (True, False)
        for activation in (0, 1, 2, 3)
    ]
    found += [
        pool_model((1, 8, 8, 16), (8, 8), (8, 8), same=False),
        pool_model((1, 2, 2, 1), (9, 9), (1, 1), same=True),
    ]
    prove([random_case(model, seed) for seed, model in enumerate(found)])


@pytest.mark.parametrize(
    ("window", "stride", "says"),
    [
        ((0, 1), (1, 1), "a window of 0 and a stride of 1"),
        ((1, 1), (1, 0), "a window of 1 and a stride of 0"),
        ((4, 1), (1, 1), "a window of 4 on 3 values"),
        ((2, 2), (1, 1), "makes [1, 3, 3, 1] of [1, 3, 3, 1]"),
    ],
)
def test_what_does_not_fit_is_refused(window: tuple[int, int], stride: tuple[int, int], says: str) -> None:
    builder = ModelBuilder()
    source, output = builder.tensor((1, 3, 3, 1), 0.1), builder.tensor((1, 3, 3, 1), 0.1)
    builder.average_pool(source, output, window, stride, same=False)
    (reason,) = reasons_of(builder.build([source], [output]))
    assert says in reason
