"""SVDF, state kept or put back: NumPy and every core profile's C give TensorFlow Lite Micro's bits at each step."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import INT8
from support.exactness import check_reference, prove, random_case, reasons_of
from support.state_models import svdf_model

STEPS = 12


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """Every size from one up; scales at which states and outputs saturate, and at which they are nothing."""
    wide = draw(st.booleans())
    zero = st.integers(-128, 127)
    scale = st.floats(-4, 0).map(lambda exponent: 10**exponent)
    return svdf_model(
        batches=draw(st.integers(1, 3)),
        inputs=draw(st.integers(1, 20)),
        units=draw(st.integers(1, 5)),
        rank=draw(st.integers(1, 3)),
        memory=draw(st.integers(1, 8)),
        wide=wide,
        scales=(draw(scale), draw(scale), draw(scale) / 100, draw(scale), draw(scale)),
        zeros=(draw(zero), 0 if wide else draw(zero), draw(zero)),
        activation=draw(st.sampled_from([0, 1, 3])),
        seed=draw(st.integers(0, 2**32)),
    )


@settings(max_examples=150)
@given(models(), st.integers(0, 2**32))
def test_reference(model: bytes, seed: int) -> None:
    check_reference(random_case(model, seed, STEPS))


def test_every_core_profile() -> None:
    found = [
        svdf_model(batches=batches, rank=rank, memory=memory, wide=wide, zeros=zeros, seed=rank)
        for batches, rank, memory in ((1, 1, 1), (2, 2, 4), (1, 3, 9))
        for wide in (False, True)
        for zeros in ((-128, 0, -128), (7, 0 if wide else 100, 3))
    ]
    found.append(svdf_model(scales=(0.9, 0.9, 0.001, 0.01, 0.0001), seed=4))  # saturates
    prove([random_case(model, seed, STEPS) for seed, model in enumerate(found)], stateful=True)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (svdf_model(variable=False), "an activation state that is no variable tensor"),
        (svdf_model(with_bias=False), "an empty place among its inputs"),
        (svdf_model(state_type=INT8), "time weights of INT16 and a state of INT8"),
        (svdf_model(bias_scale=0.01), "a bias scale of 0.01, not 1e-05"),
        (svdf_model(scales=(0.1, 0.02, 0.001, 0.0, 0.02)), "activation state with a scale"),
    ],
)
def test_what_is_refused(model: bytes, says: str) -> None:
    assert says in reasons_of(model)[0]
