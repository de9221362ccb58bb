"""Reductions: NumPy and every core profile's C give TensorFlow Lite Micro's bits, over any axes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.aot.network import Network, resolve
from model_builder import INT32, ModelBuilder, schema
from support.exactness import check_reference, graph_of, prove, random_case, reasons_of

OPERATOR, KIND = schema.BuiltinOperator, schema.BuiltinOptions
REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
ARGS = ("ARG_MAX", "ARG_MIN")
Steps = tuple[float, int]


def model(
    name: str, shape: tuple[int, ...], axes: list[int], source: Steps, result: Steps, *, keeps: bool = False
) -> bytes:
    builder = ModelBuilder()
    given_ = builder.tensor(shape, *source)
    gone = {axis % len(shape) for axis in axes}
    wanted = tuple(1 if at in gone else extent for at, extent in enumerate(shape) if keeps or at not in gone)
    if name in ARGS:
        options: Any = getattr(schema, f"Arg{name[4:].capitalize()}OptionsT")()
        options.outputType = INT32
        kind = getattr(KIND, f"Arg{name[4:].capitalize()}Options")
        made = builder.tensor(wanted, dtype=INT32)
        parameter = builder.tensor((), dtype=INT32, data=np.array(axes[0], np.int32))
    else:
        options, kind = schema.ReducerOptionsT(), KIND.ReducerOptions
        options.keepDims = keeps
        made = builder.tensor(wanted, *(source if name.startswith("REDUCE") else result))
        parameter = builder.tensor((len(axes),), dtype=INT32, data=np.array(axes, np.int32))
    builder.op(getattr(OPERATOR, name), [given_, parameter], [made], options, kind)
    return builder.build([given_], [made])


steps = st.tuples(st.floats(-3, 1).map(lambda exponent: 10**exponent), st.integers(-128, 127))


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """Any axes of up to four dimensions, negative ones among them."""
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    name = draw(st.sampled_from(REDUCTIONS + ARGS))
    chosen = draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=len(shape)))
    axes = chosen[:1] if name in ARGS else chosen
    keeps = name not in ARGS and draw(st.booleans())
    return model(name, shape, axes, draw(steps), draw(steps), keeps=keeps)


@settings(max_examples=400, deadline=None)
@given(models(), st.integers(0, 2**32))
def test_reference(content: bytes, seed: int) -> None:
    if isinstance(resolve(graph_of(content)), Network):
        check_reference(random_case(content, seed, 12))


def test_every_core_profile() -> None:
    found = [
        model(name, shape, axes, (0.05, 3), (0.04, -9), keeps=keeps)
        for name in REDUCTIONS
        for shape, axes, keeps in (
            ((1, 7, 5, 12), [1, 2], True),
            ((2, 3, 4, 5), [0, 2], False),
            ((2, 3, 4, 5), [-1], False),
            ((6, 9), [0, 1], True),
        )
    ]
    found += [model(name, (3, 4, 5), [axis], (0.05, 3), (1, 0)) for name in ARGS for axis in (0, 1, -1)]
    prove([random_case(content, seed) for seed, content in enumerate(found)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model("SUM", (4,), [0], (1e3, 0), (1e-7, 0)), "overflows TensorFlow Lite Micro's shift"),
        (model("MEAN", (4,), [1], (1.0, 0), (1.0, 0)), "axis 1 of 1 dimensions"),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
