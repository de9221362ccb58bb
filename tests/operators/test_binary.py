"""Operators of two values: NumPy and every core profile's C give TensorFlow Lite Micro's bits, whatever is repeated."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.aot.network import Network, resolve
from model_builder import INT8, INT32, ModelBuilder, schema
from support.exactness import check_reference, graph_of, oracle_accepts, prove, random_case, reasons_of

OPERATOR, KIND = schema.BuiltinOperator, schema.BuiltinOptions
ARITHMETIC = ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM", "PRELU")
COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
OF_BOOL = ("LOGICAL_AND", "LOGICAL_OR", "EQUAL", "NOT_EQUAL")
NAMES = (*ARITHMETIC, *COMPARISONS)
BOOL = schema.TensorType.BOOL
Shape = tuple[int, ...]
Steps = tuple[float, int]


def model(
    name: str,
    first: Shape,
    second: Shape,
    steps: tuple[Steps, Steps, Steps],
    activation: int = 0,
    constant: int | None = None,
    dtype: int = INT8,
) -> bytes:
    """Scales and zero points of both inputs and the output; one of the inputs may be a constant."""
    builder = ModelBuilder()
    rng = np.random.default_rng(len(first))
    inputs = []
    for at, shape in enumerate((first, second)):
        values = rng.integers(0, 2, shape) if dtype == BOOL else rng.integers(-128, 128, shape)
        data = values.astype(np.int8) if constant == at else None
        inputs.append(builder.tensor(shape, *(() if dtype == BOOL else steps[at]), dtype=dtype, data=data))
    made = BOOL if dtype == BOOL or name in COMPARISONS else dtype
    output = builder.tensor(
        tuple(np.broadcast_shapes(first, second)), *(() if made == BOOL else steps[2]), dtype=made
    )
    options: Any = None
    kind = 0
    if name in ("ADD", "SUB", "MUL"):
        options = getattr(schema, f"{name.capitalize()}OptionsT")()
        options.fusedActivationFunction = activation
        kind = getattr(KIND, f"{name.capitalize()}Options")
    if name in ("MAXIMUM", "MINIMUM"):
        options, kind = schema.MaximumMinimumOptionsT(), KIND.MaximumMinimumOptions
    builder.op(getattr(OPERATOR, name), inputs, [output], options, kind)
    return builder.build([index for at, index in enumerate(inputs) if at != constant], [output])


steps = st.tuples(st.floats(-4, 1).map(lambda exponent: 10**exponent), st.integers(-128, 127))


@st.composite
def shapes(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """Two shapes of which either may be repeated along any dimension, and have fewer of them."""
    whole = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    pair = [[1 if draw(st.integers(0, 3)) == 0 else extent for extent in whole] for _ in range(2)]
    first, second = pair[0], pair[1][draw(st.integers(0, len(whole) - 1)) :]
    both = (tuple(first), tuple(second))
    return both if draw(st.booleans()) else (both[1], both[0])


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(NAMES),
    shapes(),
    st.tuples(steps, steps, steps),
    st.sampled_from([0, 1, 2, 3]),
    st.sampled_from([None, 0, 1]),
    st.integers(0, 2**32),
)
def test_reference(
    name: str, pair: tuple[Shape, Shape], numbers: Any, activation: int, constant: int | None, seed: int
) -> None:
    content = model(name, *pair, numbers, activation, constant)
    if isinstance(resolve(graph_of(content)), Network):
        check_reference(random_case(content, seed, 30))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(OF_BOOL), shapes(), st.sampled_from([None, 0, 1]), st.integers(0, 2**32))
def test_reference_of_bool(name: str, pair: tuple[Shape, Shape], constant: int | None, seed: int) -> None:
    content = model(name, *pair, NUMBERS, constant=constant, dtype=BOOL)
    check_reference(random_case(content, seed))


NUMBERS: tuple[Steps, Steps, Steps] = ((0.05, 3), (0.02, -7), (0.06, 11))
PAIRS: list[tuple[Shape, Shape]] = [
    ((1, 4, 5, 3), (1, 4, 5, 3)),
    ((1, 4, 5, 40), (40,)),
    ((1,), (2, 3)),
    ((1, 4, 1, 3), (1, 1, 5, 3)),
    ((2, 1, 3, 1), (2, 4, 1, 5)),
    ((3, 70), (3, 1)),
]


def test_every_core_profile() -> None:
    activations = (0, 1, 3, 0, 0, 0, 0)
    found = [
        model(name, *pair, NUMBERS, activation, (None, 0, 1)[(row + column) % 3])
        for row, (name, activation) in enumerate(zip(ARITHMETIC, activations, strict=True))
        for column, pair in enumerate(PAIRS)
    ]
    kinds = [*((name, INT8) for name in COMPARISONS), *((name, BOOL) for name in OF_BOOL)]
    for number, (name, kind) in enumerate(kinds):
        pair = PAIRS[number % len(PAIRS)]
        found.append(model(name, *pair, NUMBERS, 0, (None, 0, 1)[number % 3], kind))
    prove([random_case(content, seed, 3) for seed, content in enumerate(found)])


def test_one_tensor_on_both_sides() -> None:
    builder = ModelBuilder()
    source, output = builder.tensor((1, 30), 0.05, 3), builder.tensor((1, 30), 0.1, -4)
    options = schema.AddOptionsT()
    builder.op(OPERATOR.ADD, [source, source], [output], options, KIND.AddOptions)
    prove([random_case(builder.build([source], [output]), 1)])


def test_whole_numbers_are_computed_at_export() -> None:
    builder = ModelBuilder()
    source, output = builder.tensor((2, 6), 0.5), builder.tensor((1, 12), 0.5)
    two, wanted = (builder.tensor((2,), dtype=INT32, data=np.array(v, np.int32)) for v in ([1, 3], [1, 4]))
    product = builder.tensor((2,), dtype=INT32)
    builder.op(OPERATOR.MUL, [two, wanted], [product], schema.MulOptionsT(), KIND.MulOptions)
    builder.op(OPERATOR.RESHAPE, [source, product], [output])
    network = resolve(graph_of(builder.build([source], [output])))
    assert isinstance(network, Network)
    assert network.nodes[0].values is not None
    assert network.nodes[0].values[0].view(np.int32).tolist() == [1, 12]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model("ADD", (4,), (4,), ((1.0, 0), (1.0, 0), (1e-7, 0))), "on which TensorFlow Lite Micro aborts"),
        (
            model("MUL", (4,), (4,), ((1e4, 0), (1e4, 0), (1e-4, 0))),
            "overflows TensorFlow Lite Micro's shift",
        ),
        (model("ADD", (4,), (4,), NUMBERS, 4), "fused TANH"),
        (model("LESS", (4,), (4,), NUMBERS, dtype=BOOL), "has BOOL and BOOL input and BOOL output"),
        (model("EQUAL", (4,), (4,), ((1.5, 0), (1.0, 0), (1, 0))), "on which TensorFlow Lite Micro aborts"),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]


def test_what_the_interpreter_accepts_is_accepted() -> None:
    for name in NAMES:
        content = model(name, (1, 3), (2, 1), NUMBERS)
        assert oracle_accepts(content) and isinstance(resolve(graph_of(content)), Network)
