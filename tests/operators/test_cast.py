"""Values of another type: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import ModelBuilder, schema
from support.exactness import Case, check_reference, prove, random_case, reasons_of
from support.small_models import TYPES

SOURCES = ("int8", "int16", "int32", "float32", "bool")
PAIRS = [(source, output) for source in SOURCES for output in SOURCES if output != "bool"]


def model(source: str, output: str, count: int = 40) -> bytes:
    builder = ModelBuilder()
    given_, made = (
        builder.tensor((1, count), 0.5 if kind == "int8" else None, dtype=TYPES[kind])
        for kind in (source, output)
    )
    options, kind = schema.CastOptionsT(), schema.BuiltinOptions.CastOptions
    builder.op(schema.BuiltinOperator.CAST, [given_], [made], options, kind)
    return builder.build([given_], [made])


def case_of(source: str, output: str, seed: int) -> Case:
    """Random values; of float32 those that the output holds: what others become is undefined."""
    case = random_case(model(source, output), seed)
    if source != "float32" or output == "float32":
        return case
    limits = np.iinfo(output)
    most = min(limits.max, 2e9)
    return Case(case.content, np.clip(case.rows.view(np.float32), -most, most))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PAIRS), st.integers(0, 2**32))
def test_reference(pair: tuple[str, str], seed: int) -> None:
    check_reference(case_of(*pair, seed))


def test_every_core_profile() -> None:
    prove([case_of(*pair, seed) for seed, pair in enumerate(PAIRS)])


@pytest.mark.parametrize("pair", [("uint8", "int8"), ("int8", "bool"), ("int8", "uint8")])
def test_what_does_not_run_is_refused(pair: tuple[str, str]) -> None:
    source, output = pair
    assert f"makes {output.upper()} of {source.upper()}" in reasons_of(model(*pair))[0]
