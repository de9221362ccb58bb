"""BATCH_MATMUL: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.operators.registry import macs
from model_builder import INT8, ModelBuilder, schema
from support.bench import INT16, Shape
from support.exactness import check_reference, graph_of, prove, random_case, reasons_of

Steps = tuple[float, int]
STEPS: tuple[Steps, Steps, Steps] = ((0.05, 3), (0.02, -7), (0.08, 11))


def model(
    batches: tuple[Shape, Shape],
    sizes: tuple[int, int, int],
    transposed: tuple[bool, bool] = (False, False),
    constant: int | None = None,
    steps: tuple[Steps, Steps, Steps] = STEPS,
    dtype: int = INT8,
) -> bytes:
    """`sizes` are rows, depth and columns; one of the inputs may be a constant."""
    rows, depth, columns = sizes
    builder = ModelBuilder()
    rng = np.random.default_rng(rows)
    inputs = []
    for at, (batch, pair) in enumerate(zip(batches, ((rows, depth), (depth, columns)), strict=True)):
        shape = (*batch, *(pair[::-1] if transposed[at] else pair))
        data = rng.integers(-128, 128, shape).astype(np.int8) if constant == at else None
        inputs.append(builder.tensor(shape, *steps[at], data=data, dtype=dtype))
    output = builder.tensor((*np.broadcast_shapes(*batches), rows, columns), *steps[2], dtype=dtype)
    options = schema.BatchMatMulOptionsT()
    options.adjX, options.adjY = transposed
    kind = schema.BuiltinOptions.BatchMatMulOptions
    builder.op(schema.BuiltinOperator.BATCH_MATMUL, inputs, [output], options, kind)
    return builder.build([index for at, index in enumerate(inputs) if at != constant], [output])


steps = st.tuples(st.floats(-3, 0).map(lambda exponent: 10**exponent), st.integers(-128, 127))
flags = st.booleans()


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """Up to three dimensions of batches, repeated on either side."""
    whole = draw(st.lists(st.integers(1, 3), max_size=3))

    def one() -> Shape:
        return tuple(1 if draw(st.integers(0, 2)) == 0 else extent for extent in whole)

    sizes = draw(st.tuples(st.integers(1, 6), st.integers(1, 20), st.integers(1, 6)))
    constant = draw(st.sampled_from([None, 0, 1]))
    return model(
        (one(), one()), sizes, (draw(flags), draw(flags)), constant, draw(st.tuples(steps, steps, steps))
    )


@settings(max_examples=300, deadline=None)
@given(models(), st.integers(0, 2**32))
def test_reference(content: bytes, seed: int) -> None:
    check_reference(random_case(content, seed, 3))


def test_every_core_profile() -> None:
    found = [
        model(batches, (3, 17, 4), transposed, constant)
        for batches in [((), ()), ((2,), (1,)), ((2, 3), (2, 3)), ((1, 2, 3), (2, 1, 3))]
        for transposed, constant in [
            ((False, False), None),
            ((False, True), 1),
            ((True, False), 0),
            ((True, True), None),
        ]
    ]
    prove([random_case(content, seed, 3) for seed, content in enumerate(found)])


def test_its_products_are_counted() -> None:
    graph = graph_of(model(((2,), (2,)), (3, 17, 4), (True, False)))
    assert macs(graph, graph.ops[0]) == 2 * 3 * 17 * 4


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            model(((), ()), (2, 3, 4), steps=((1e4, 0), (1e4, 0), (1e-4, 0))),
            "overflows TensorFlow Lite Micro's",
        ),
        (model(((), ()), (2, 33026, 1)), "sums 33026 products"),
        (model(((), ()), (2, 3, 4), dtype=INT16), "has INT16 and INT16 input"),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
