"""Of two tensors as a third says: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import INT8, schema
from support.bench import FLOAT32, INT16, Bench, Shape
from support.exactness import check_reference, graph_of, prove, random_case, reasons_of

BOOL = schema.TensorType.BOOL
NUMPY = {BOOL: np.bool_, INT8: np.int8, INT16: np.int16, FLOAT32: np.float32}


def model(shapes: tuple[Shape, Shape, Shape], constants: tuple[int, ...] = (), dtype: int = INT8) -> bytes:
    """`constants` are the positions of the inputs that are known."""
    builder = Bench()
    rng = np.random.default_rng(len(constants))
    inputs = []
    for at, (shape, kind) in enumerate(zip(shapes, (BOOL, dtype, dtype), strict=True)):
        values = rng.integers(0, 2 if kind == BOOL else 100, shape)
        inputs.append(builder.data(shape, kind, np.asarray(values, NUMPY[kind]) if at in constants else None))
    output = builder.data(np.broadcast_shapes(*shapes), dtype)
    options, kind = schema.SelectV2OptionsT(), schema.BuiltinOptions.SelectV2Options
    builder.op(schema.BuiltinOperator.SELECT_V2, inputs, [output], options, kind)
    return builder.build([index for at, index in enumerate(inputs) if at not in constants], [output])


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """Any of the three repeated along any dimension, and of fewer of them."""
    whole = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))

    def one() -> Shape:
        shape = [1 if draw(st.integers(0, 2)) == 0 else extent for extent in whole]
        return tuple(shape[draw(st.integers(0, len(whole) - 1)) :])

    constants = draw(st.sampled_from([(), (0,), (1,), (2,), (1, 2), (0, 2)]))
    return model((one(), one(), one()), constants, draw(st.sampled_from([INT8, INT16, FLOAT32])))


@settings(max_examples=300, deadline=None)
@given(models(), st.integers(0, 2**32))
def test_reference(content: bytes, seed: int) -> None:
    graph = graph_of(content)
    assert graph.tensors[graph.outputs[0]].count > 0
    check_reference(random_case(content, seed))


def test_every_core_profile() -> None:
    shapes: list[tuple[Shape, Shape, Shape]] = [
        ((2, 3, 4), (2, 3, 4), (2, 3, 4)),
        ((3, 1), (2, 1, 4), (4,)),
        ((1,), (5, 6), (6,)),
        ((7,), (1,), (1,)),
    ]
    found = [
        model(shape, constants, dtype)
        for shape in shapes
        for constants, dtype in [((), INT8), ((2,), INT16), ((0,), FLOAT32), ((1, 2), INT8)]
    ]
    prove([random_case(content, seed) for seed, content in enumerate(found)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (Bench().one(schema.BuiltinOperator.SELECT_V2, (4,), (4,)), "has 1 inputs and 1 outputs"),
        (
            Bench().one(schema.BuiltinOperator.SELECT_V2, (4,), (4,), [1], [2]),
            "has INT8, INT32, INT32 inputs",
        ),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
