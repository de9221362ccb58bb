"""VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE, CALL_ONCE: networks that stream keep TensorFlow Lite Micro's state."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, resolve
from boardproof_export.aot.schedule import schedule
from model_builder import ModelBuilder, schema
from support.exactness import graph_of, prove, random_case, reasons_of
from support.state_models import KINDS, OPS, assign, call_once, handle, read, streaming_model, with_start

FLOAT32 = schema.TensorType.FLOAT32
STEPS = 6


def swapping_model() -> bytes:
    """Reads, assigns a constant, and reads again; float32 as well as int8."""
    builder = ModelBuilder()
    source = builder.tensor((1, 3), 0.1, 7)
    before, after = builder.tensor((1, 3), 0.1, 7), builder.tensor((1, 3), 0.1, 7)
    first, second = handle(builder, "one"), handle(builder, "two")
    read(builder, first, before)
    assign(builder, second, before)
    constant = builder.tensor((1, 3), 0.1, 7, data=np.array([1, -2, 100], np.int8))
    assign(builder, first, constant)
    read(builder, first, after)
    real, old = builder.tensor((1, 3), dtype=FLOAT32), builder.tensor((1, 3), dtype=FLOAT32)
    builder.op(OPS.DEQUANTIZE, [source], [real], schema.DequantizeOptionsT(), KINDS.DequantizeOptions)
    third = handle(builder, "three")
    read(builder, third, old)
    assign(builder, third, real)
    assign(builder, first, source)
    last = builder.tensor((1, 3), 0.1, 7)
    read(builder, second, last)
    return builder.build([source], [before, after, old, last])


@settings(max_examples=2, deadline=None)
@given(
    st.lists(
        st.builds(
            streaming_model,
            count=st.integers(1, 5),
            lengths=st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
            point=st.integers(-128, 127),
            start=st.sampled_from(["", "point", "random"]),
            seed=st.integers(0, 2**32),
        ),
        min_size=8,
        max_size=8,
    )
)
def test_streams(models: list[bytes]) -> None:
    prove([random_case(model, seed, STEPS) for seed, model in enumerate(models)], stateful=True)


def test_order_counts() -> None:
    prove([random_case(swapping_model(), 1, STEPS)], stateful=True)


def test_a_state_shares_its_place_with_nothing() -> None:
    network = resolve(graph_of(streaming_model(lengths=(4, 3, 40))))
    assert isinstance(network, Network)
    program = schedule(network, CORES["portable"])
    places = {buffer.name: (program.plan.offsets[buffer.name], buffer.size) for buffer in program.buffers}
    states = [name for name, _ in program.initial]
    assert len(states) == 3
    for state in states:
        start, size = places[state]
        others = [place for name, place in places.items() if name != state]
        assert all(start + size <= other or other + length <= start for other, length in others)


def refused(*, once: int = 0, assigned: bool = True, size: int = 3, late: bool = False) -> bytes:
    builder = ModelBuilder()
    source, output = builder.tensor((1, 3), 0.1, 7), builder.tensor((1, size), 0.1, 7)
    if once and not late:
        call_once(builder, once)
    variable = handle(builder, "one")
    read(builder, variable, output)
    if assigned:
        assign(builder, variable, source)
    if late:
        call_once(builder, once)
    if not once:
        return builder.build([source], [output])
    return with_start(builder, [source], [output], {"one": np.zeros((1, 3), np.int8)})


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (refused(assigned=False), "(READ_VARIABLE) reads a variable that nothing assigns"),
        (refused(size=4), "(READ_VARIABLE) moves INT8 [1, 4] to or from a variable of 3 bytes"),
        (refused(once=1, late=True), "(CALL_ONCE) comes after a variable was used"),
        (refused(once=2), "(CALL_ONCE) calls subgraph 2, and there are 2"),
    ],
)
def test_what_is_refused(model: bytes, says: str) -> None:
    assert any(says in reason for reason in reasons_of(model))


def test_a_start_that_reads_a_constant_is_refused() -> None:
    """A damaged file: found by fuzzing."""
    builder = ModelBuilder()
    source, output = builder.tensor((1, 3), 0.1, 7), builder.tensor((3, 1), 0.1, 7)
    constant = builder.tensor((1, 3), 0.1, data=np.zeros((1, 3), np.int8))
    call_once(builder)
    builder.ops[-1].inputs = [constant]
    builder.reshape(source, output)
    model = with_start(builder, [source], [output], {"one": np.zeros((1, 3), np.int8)})
    assert reasons_of(model)[0] == "operator 0 (CALL_ONCE) has 1 inputs and 0 outputs, not none"


def test_a_subgraph_that_nobody_calls_at_the_start_is_refused() -> None:
    builder = ModelBuilder()
    source, output = builder.tensor((1, 4), 0.1), builder.tensor((2, 2), 0.1)
    builder.reshape(source, output)
    model = with_start(builder, [source], [output], {"one": np.zeros((1, 3), np.int8)})
    assert reasons_of(model) == ["the model has 2 subgraphs, and some are not for the start alone"]
