"""Between real and quantized values, types and scales: NumPy and C give TensorFlow Lite Micro's bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import INT8, ModelBuilder, schema
from support.exactness import Case, check_reference, oracle_accepts, prove, random_case, reasons_of

OPERATOR, TYPE = schema.BuiltinOperator, schema.TensorType

scales = st.floats(-4, 1).map(lambda exponent: 10**exponent)


def between(
    source: int, output: int, scales: tuple[float, float], points: tuple[int, int], count: int = 300
) -> bytes:
    """QUANTIZE or DEQUANTIZE between two types; a float32 has no scale."""
    builder = ModelBuilder()

    def tensor(kind: int, which: int) -> int:
        if kind == TYPE.FLOAT32:
            return builder.tensor((1, count), dtype=kind)
        return builder.tensor((1, count), scales[which], points[which], dtype=kind)

    given_, made = tensor(source, 0), tensor(output, 1)
    builder.op(OPERATOR.DEQUANTIZE if output == TYPE.FLOAT32 else OPERATOR.QUANTIZE, [given_], [made])
    return builder.build([given_], [made])


KINDS = [
    (TYPE.FLOAT32, INT8),
    (TYPE.FLOAT32, TYPE.INT16),
    (INT8, INT8),
    (INT8, TYPE.UINT8),
    (TYPE.UINT8, INT8),
    (INT8, TYPE.INT16),
    (INT8, TYPE.INT32),
    (TYPE.INT16, INT8),
    (TYPE.INT16, TYPE.INT16),
    (TYPE.INT16, TYPE.INT32),
    (TYPE.INT32, INT8),
    (TYPE.INT32, TYPE.INT16),
    (INT8, TYPE.FLOAT32),
    (TYPE.UINT8, TYPE.FLOAT32),
    (TYPE.INT16, TYPE.FLOAT32),
]


def point_of(kind: int, at: float) -> int:
    """A zero point of the type: of bytes any, of others 0, as converters write them."""
    return {INT8: int(at * 255) - 128, TYPE.UINT8: int(at * 255)}.get(kind, 0)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(KINDS), scales, scales, st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_changes_of_scale(
    kinds: tuple[int, int], a: float, b: float, at: float, to: float, seed: int
) -> None:
    content = between(*kinds, (a, b), (point_of(kinds[0], at), point_of(kinds[1], to)))
    if oracle_accepts(content):
        check_reference(within_int32(random_case(content, seed), kinds[0], b))


def within_int32(case: Case, kind: int, scale: float) -> Case:
    """Floats whose steps an int32 holds: beyond, the interpreter's conversion is undefined."""
    if kind != TYPE.FLOAT32:
        return case
    values = case.rows.view(np.float32)
    return Case(case.content, np.clip(values, -1e6 * scale, 1e6 * scale).astype(np.float32))


def halves() -> Case:
    """Values at ties between two steps, and beside them."""
    content = between(TYPE.FLOAT32, INT8, (1.0, 0.25), (0, 3), 600)
    ties = (np.arange(-300, 300) * 0.25 + 0.125).astype(np.float32)
    return Case(
        content, np.stack([ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(1e9))])
    )


def test_every_core_profile() -> None:
    cases = []
    for seed, kinds in enumerate(KINDS):
        points = (point_of(kinds[0], 0.4), point_of(kinds[1], 0.7))
        case = random_case(between(*kinds, (0.05, 0.031), points), seed)
        cases.append(within_int32(case, kinds[0], 0.031))
    prove([*cases, halves()])


def test_ties_are_rounded_away_from_zero() -> None:
    check_reference(halves())


@pytest.mark.parametrize(
    ("kinds", "scales", "says"),
    [
        ((TYPE.INT16, TYPE.UINT8), (1, 1), "makes UINT8 of INT16"),
        ((TYPE.UINT8, TYPE.INT16), (1, 1), "makes INT16 of UINT8"),
        ((TYPE.INT32, TYPE.FLOAT32), (1, 1), "makes FLOAT32 of INT32"),
        ((INT8, INT8), (0.1, 1e-12), "overflows TensorFlow Lite Micro's shift"),
    ],
)
def test_what_does_not_run_is_refused(kinds: tuple[int, int], scales: tuple[float, float], says: str) -> None:
    assert says in reasons_of(between(*kinds, scales, (0, 0)))[0]
