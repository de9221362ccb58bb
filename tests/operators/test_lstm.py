"""UNIDIRECTIONAL_SEQUENCE_LSTM, state kept or put back: NumPy and every core profile's C give TensorFlow Lite Micro's
bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.operators.lstm_layer import sigmoid, table, tanh
from boardproof_export.operators.registry import macs
from model_builder import INT8
from support.exactness import check_reference, graph_of, prove, random_case, reasons_of
from support.state_models import ABSENT, lstm_model

STEPS = 5  # inferences in a row


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """Sizes from one up, either order of time, scales at which gates and cells saturate and at which they do not."""
    zero = st.integers(-128, 127)
    scale = st.floats(-4, -0.5).map(lambda exponent: 10**exponent)
    return lstm_model(
        batches=draw(st.integers(1, 3)),
        steps=draw(st.integers(1, 4)),
        inputs=draw(st.integers(1, 9)),
        units=draw(st.integers(1, 6)),
        time_major=draw(st.booleans()),
        scales=(draw(scale), draw(scale), draw(scale)),
        zeros=(draw(zero), draw(zero)),
        cell_scale=draw(st.one_of(st.integers(-15, -7).map(lambda power: 2.0**power), st.floats(1e-5, 1e-2))),
        clip=draw(st.sampled_from([0.0, 0.0, 0.001, 0.3, 100.0])),
        seed=draw(st.integers(0, 2**32)),
    )


@settings(max_examples=150)
@given(models(), st.integers(0, 2**32))
def test_reference(model: bytes, seed: int) -> None:
    check_reference(random_case(model, seed, STEPS))


def test_every_core_profile() -> None:
    found = [
        lstm_model(batches=batches, time_major=time_major, cell_scale=2**power, clip=clip, seed=power + 20)
        for batches, time_major in ((1, False), (2, False), (2, True))
        for power in (-15, -12, -8)
        for clip in (0.0, 0.01)
    ]
    found.append(lstm_model(steps=1, inputs=1, units=1))
    found.append(lstm_model(steps=9, inputs=33, units=17, scales=(0.02, 0.004, 0.008), zeros=(-128, 0)))
    prove([random_case(model, seed, STEPS) for seed, model in enumerate(found)], stateful=True)


def test_the_curves_are_near_what_they_stand_for() -> None:
    """Within two units of 1/32768, over all sums: a wrong entry of the table would stand out."""
    sums = np.arange(-32768, 32768)
    assert np.abs(sigmoid(sums) - 32768 / (1 + np.exp(-sums / 4096))).max() < 4
    assert np.abs(tanh(sums, 0) - 32768 * np.tanh(sums / 4096)).max() < 8
    assert table()[0] == 1 << 15 and np.all(np.diff(table().astype(int)) >= 0)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (lstm_model(activation=1), "has activation 1, not TANH"),
        (lstm_model(changes={9: 0}), "has peepholes, a projection or normalization"),
        (
            lstm_model(changes={1: ABSENT}),
            "has nothing in place 1: TensorFlow Lite Micro has no coupled gates",
        ),
        (lstm_model(cell_type=INT8), "INT8 cell"),
        (lstm_model(channels=True), "has an weights tensor with 5 scales"),
        (lstm_model(cell_scale=16.0), "a cell with scale 16, by which TensorFlow Lite Micro cannot shift"),
        (lstm_model(variable=False), "an output state that is no variable tensor"),
        (lstm_model(changes={2: 6}), "has weights of INT8 [5, 5], not constant INT8 [5, 4]"),
    ],
)
def test_what_is_refused(model: bytes, says: str) -> None:
    assert says in reasons_of(model)[0]


def test_macs() -> None:
    graph = graph_of(lstm_model(batches=2, steps=3, inputs=4, units=5))
    assert macs(graph, graph.ops[0]) == 2 * 3 * 4 * 5 * (4 + 5)
