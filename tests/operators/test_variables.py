"""VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE, CALL_ONCE: networks that stream keep TensorFlow Lite Micro's state."""

from typing import Any

import flatbuffers
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, resolve
from boardproof_export.aot.schedule import schedule
from model_builder import INT32, ModelBuilder, schema
from support.exactness import graph_of, prove, random_case, reasons_of

OPS, KINDS = schema.BuiltinOperator, schema.BuiltinOptions
FLOAT32, RESOURCE = schema.TensorType.FLOAT32, schema.TensorType.RESOURCE
STEPS = 6


def handle(builder: ModelBuilder, name: str) -> int:
    options: Any = schema.VarHandleOptionsT()
    options.container, options.sharedName = b"", name.encode()
    tensor = builder.tensor((), dtype=RESOURCE)
    builder.op(OPS.VAR_HANDLE, [], [tensor], options, KINDS.VarHandleOptions)
    return tensor


def read(builder: ModelBuilder, variable: int, output: int) -> None:
    builder.op(
        OPS.READ_VARIABLE, [variable], [output], schema.ReadVariableOptionsT(), KINDS.ReadVariableOptions
    )


def assign(builder: ModelBuilder, variable: int, value: int) -> None:
    options = schema.AssignVariableOptionsT()
    builder.op(OPS.ASSIGN_VARIABLE, [variable, value], [], options, KINDS.AssignVariableOptions)


def call_once(builder: ModelBuilder, subgraph: int = 1) -> None:
    options: Any = schema.CallOnceOptionsT()
    options.initSubgraphIndex = subgraph
    builder.op(OPS.CALL_ONCE, [], [], options, KINDS.CallOnceOptions)


def with_start(
    builder: ModelBuilder, inputs: list[int], outputs: list[int], values: dict[str, NDArray[Any]]
) -> bytes:
    """The model with a second subgraph, which assigns constants to variables."""
    start = ModelBuilder(buffers=builder.buffers, codes=builder.codes)
    for name, value in values.items():
        constant = start.tensor(value.shape, 0.1, 3, data=value)
        assign(start, handle(start, name), constant)
    content = builder.build(inputs, outputs)  # with the codes of both
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = start.tensors, start.ops, [], []
    model.subgraphs.append(graph)
    model.buffers = builder.buffers
    packer = flatbuffers.Builder(1024)
    packer.Finish(model.Pack(packer), b"TFL3")
    return bytes(packer.Output())


def stream(builder: ModelBuilder, source: int, count: int, length: int, point: int, name: str) -> int:
    """Puts `count` new values behind a variable of `length`, keeps the last, and gives all of them."""
    kept, both = builder.tensor((1, length), 0.1, point), builder.tensor((1, length + count), 0.1, point)
    last = builder.tensor((1, length), 0.1, point)
    variable = handle(builder, name)
    read(builder, variable, kept)
    join: Any = schema.ConcatenationOptionsT()
    join.axis = 1
    builder.op(OPS.CONCATENATION, [kept, source], [both], join, KINDS.ConcatenationOptions)
    first = builder.tensor((2,), dtype=INT32, data=np.array([0, count], np.int32))
    size = builder.tensor((2,), dtype=INT32, data=np.array([1, length], np.int32))
    builder.op(OPS.SLICE, [both, first, size], [last], schema.SliceOptionsT(), KINDS.SliceOptions)
    assign(builder, variable, last)
    return both


def streaming_model(
    count: int = 2, lengths: tuple[int, ...] = (4, 3), point: int = 3, start: str = "", seed: int = 0
) -> bytes:
    """A chain of variables; `start`: what CALL_ONCE gives them, "point", "random", or "" for no CALL_ONCE."""
    rng = np.random.default_rng(seed)
    builder = ModelBuilder()
    source = builder.tensor((1, count), 0.1, point)
    if start:
        call_once(builder)
    current, width = source, count
    for number, length in enumerate(lengths):
        current = stream(builder, current, width, length, point, f"stream {number}")
        width += length
    if not start:
        return builder.build([source], [current])
    values = {
        f"stream {number}": np.full((1, length), point, np.int8)
        if start == "point"
        else rng.integers(-128, 128, (1, length)).astype(np.int8)
        for number, length in enumerate(lengths)
    }
    return with_start(builder, [source], [current], values)


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


@settings(max_examples=4, deadline=None)
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
    ),
    st.booleans(),
)
def test_streams(models: list[bytes], fresh: bool) -> None:
    prove([random_case(model, seed, STEPS) for seed, model in enumerate(models)], fresh=fresh)


@pytest.mark.parametrize("fresh", [False, True])
def test_order_counts(fresh: bool) -> None:
    prove([random_case(swapping_model(), 1, STEPS)], fresh=fresh)


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


def test_a_subgraph_that_nobody_calls_at_the_start_is_refused() -> None:
    builder = ModelBuilder()
    source, output = builder.tensor((1, 4), 0.1), builder.tensor((2, 2), 0.1)
    builder.reshape(source, output)
    model = with_start(builder, [source], [output], {"one": np.zeros((1, 3), np.int8)})
    assert reasons_of(model) == ["the model has 2 subgraphs, and some are not for the start alone"]
