"""Parts by position: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import INT8, INT32, schema
from support.bench import FLOAT32, Bench, Shape
from support.exactness import Case, check_reference, graph_of, prove, random_case, reasons_of

OPERATOR, KIND = schema.BuiltinOperator, schema.BuiltinOptions


def gathered(
    table: Shape,
    indices: Shape,
    axis: int,
    batches: int = 0,
    constant: int | None = 1,
    dtype: int = INT8,
    numbers: Any = None,
) -> bytes:
    """`constant` is the input that is known: 0 the table, 1 the indices."""
    wanted = (*table[:axis], *indices[batches:], *table[axis + 1 :])
    rng = np.random.default_rng(len(indices))
    if numbers is None:
        numbers = rng.integers(0, table[axis], indices)
    options = schema.GatherOptionsT()
    options.axis, options.batchDims = axis - len(table) * (len(indices) % 2), batches
    return built(OPERATOR.GATHER, table, numbers, wanted, constant, dtype, options, KIND.GatherOptions)


def gathered_nd(table: Shape, rows: Shape, parts: int, constant: int | None = 1, dtype: int = INT8) -> bytes:
    rng = np.random.default_rng(parts)
    numbers = np.stack([rng.integers(0, extent, rows) for extent in table[:parts]], axis=-1)
    wanted = (*rows, *table[parts:])
    options = schema.GatherNdOptionsT()
    return built(OPERATOR.GATHER_ND, table, numbers, wanted, constant, dtype, options, KIND.GatherNdOptions)


def built(
    builtin: int, table: Shape, numbers: Any, wanted: Shape, constant: int | None, dtype: int, *options: Any
) -> bytes:
    builder = Bench()
    values = np.arange(np.prod(table)).reshape(table).astype(np.int8 if dtype == INT8 else np.float32)
    given_ = builder.data(table, dtype, values if constant == 0 else None)
    at = builder.tensor(
        np.shape(numbers), dtype=INT32, data=np.array(numbers, np.int32) if constant == 1 else None
    )
    output = builder.data(wanted, dtype)
    builder.op(builtin, [given_, at], [output], *options)
    return builder.build([index for which, index in enumerate((given_, at)) if which != constant], [output])


def case_of(content: bytes, seed: int, most: int) -> Case:
    """Random inputs, indices among them below `most`: beyond the table the interpreter reads what is not its own."""
    case, graph = random_case(content, seed, 3), graph_of(content)
    rows, at = case.rows.copy(), 0
    for index in graph.inputs:
        tensor = graph.tensors[index]
        size = tensor.bytes or 0
        if tensor.type == "INT32":
            numbers = rows[:, at : at + size].copy().view(np.uint32) % most
            rows[:, at : at + size] = numbers.astype(np.int32).view(np.uint8)
        at += size
    return Case(content, rows)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """GATHER with any batch dimensions, or GATHER_ND."""
    table = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    rest = tuple(draw(st.lists(st.integers(1, 4), max_size=2)))
    constant, dtype = draw(st.sampled_from([None, 0, 1])), draw(st.sampled_from([INT8, FLOAT32]))
    seed = draw(st.integers(0, 2**32))
    if draw(st.booleans()):
        parts = draw(st.integers(1, len(table)))
        content = gathered_nd(table, rest, parts, constant, dtype)
        return case_of(content, seed, min(table[:parts]))
    axis = draw(st.integers(0, len(table) - 1))
    batches = draw(st.integers(0, axis))
    content = gathered(table, (*table[:batches], *rest), axis, batches, constant, dtype)
    return case_of(content, seed, table[axis])


@settings(max_examples=300, deadline=None)
@given(cases())
def test_reference(case: Case) -> None:
    check_reference(case)


def test_every_core_profile() -> None:
    found = []
    for constant in (None, 0, 1):
        found += [
            case_of(gathered((3, 4, 5), (2, 3), 1, 0, constant), 1, 4),
            case_of(gathered((2, 3, 4, 5), (2, 3), 2, 1, constant, FLOAT32), 2, 4),
            case_of(gathered((20, 8), (6,), 0, 0, constant), 3, 20),
            case_of(gathered_nd((3, 4, 2), (5,), 2, constant), 4, 3),
            case_of(gathered_nd((3, 4), (2, 2), 2, constant, FLOAT32), 5, 3),
        ]
    prove(found)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gathered((3, 4), (2,), 1, numbers=[0, 4]), "takes positions 0 to 4 of 4"),
        (gathered((3, 4), (2,), 1, numbers=[-1, 0]), "takes positions -1 to 0 of 4"),
        (built(OPERATOR.GATHER, (3, 4), [0], (1, 5), 1, INT8), "makes [1, 5] of [3, 4]"),
        (built(OPERATOR.GATHER_ND, (3,), [[0, 0]], (1,), 1, INT8), "takes from [3] by [1, 2]"),
    ],
)
def test_what_does_not_fit_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
