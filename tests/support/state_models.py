"""Small models that keep state: SVDF, an LSTM, and variables that stream."""

from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from model_builder import INT8, INT32, ModelBuilder, schema

INT16, RESOURCE = schema.TensorType.INT16, schema.TensorType.RESOURCE
OPS, KINDS = schema.BuiltinOperator, schema.BuiltinOptions
ABSENT = -1


def svdf_model(
    *,
    batches: int = 1,
    inputs: int = 5,
    units: int = 3,
    rank: int = 2,
    memory: int = 4,
    wide: bool = True,
    scales: tuple[float, float, float, float, float] = (0.1, 0.02, 0.001, 0.01, 0.02),
    zeros: tuple[int, int, int] = (3, 0, -5),
    activation: int = 1,
    seed: int = 0,
    bias_scale: float | None = None,
    state_type: int | None = None,
    variable: bool = True,
    with_bias: bool = True,
) -> bytes:
    """SVDF. `scales`: of input, features, time weights, state and output; `zeros`: points of input, state, output."""
    rng = np.random.default_rng(seed)
    builder, filters = ModelBuilder(), units * rank
    kind, dtype = (INT16, np.int16) if wide else (INT8, np.int8)
    limits = np.iinfo(dtype)
    source = builder.tensor((batches, inputs), scales[0], zeros[0])
    output = builder.tensor((batches, units), scales[4], zeros[2])
    weights = rng.integers(-127, 128, (filters, inputs)).astype(np.int8)
    features = builder.tensor((filters, inputs), scales[1], data=weights)
    history = rng.integers(limits.min, limits.max + 1, (filters, memory)).astype(dtype)
    time = builder.tensor((filters, memory), scales[2], dtype=kind, data=history)
    exact = np.float32(scales[2]) * np.float32(scales[3]) if bias_scale is None else bias_scale
    values = rng.integers(-100000, 100000, units).astype(np.int32)
    bias = builder.tensor((units,), exact, dtype=INT32, data=values) if with_bias else -1
    state_type = kind if state_type is None else state_type
    state = builder.tensor((batches, memory * filters), scales[3], zeros[1], dtype=state_type)
    builder.tensors[state].isVariable = variable
    options = schema.SVDFOptionsT()
    options.rank, options.fusedActivationFunction = rank, activation
    kinds = schema.BuiltinOptions
    operands = [source, features, time, bias, state]
    builder.op(schema.BuiltinOperator.SVDF, operands, [output], options, kinds.SVDFOptions)
    return builder.build([source], [output])


def lstm_model(
    *,
    batches: int = 1,
    steps: int = 3,
    inputs: int = 4,
    units: int = 5,
    time_major: bool = False,
    scales: tuple[float, float, float] = (0.05, 0.01, 0.01),
    zeros: tuple[int, int] = (3, -7),
    cell_scale: float = 2**-11,
    clip: float = 0.0,
    seed: int = 0,
    activation: int = 4,
    changes: dict[int, int] | None = None,
    cell_type: int = INT16,
    channels: bool = False,
    variable: bool = True,
) -> bytes:
    """An LSTM. `scales`: of input, weights and output; `zeros`: points of input and output; `changes`: tensors by place
    among the inputs."""
    rng = np.random.default_rng(seed)
    builder = ModelBuilder()
    extents = (steps, batches) if time_major else (batches, steps)
    source = builder.tensor((*extents, inputs), scales[0], zeros[0])
    output = builder.tensor((*extents, units), scales[2], zeros[1])

    def weights(depth: int) -> int:
        values = rng.integers(-127, 128, (units, depth)).astype(np.int8)
        spread = rng.uniform(0.5, 1.5, units if channels else 1) * scales[1]
        return builder.tensor((units, depth), spread.astype(np.float32), data=values)

    operands = [source, *(weights(inputs) for _ in range(4)), *(weights(units) for _ in range(4))]
    operands += [ABSENT] * 3
    for _ in range(4):
        bias = rng.integers(-5000, 5000, units).astype(np.int32)
        operands.append(builder.tensor((units,), scales[0] * scales[1], dtype=INT32, data=bias))
    operands += [ABSENT] * 2
    states = [
        builder.tensor((batches, units), scales[2], zeros[1]),
        builder.tensor((batches, units), cell_scale, 0, dtype=cell_type),
    ]
    for state in states:
        builder.tensors[state].isVariable = variable
    operands += [*states, *[ABSENT] * 4]
    for place, tensor in (changes or {}).items():
        operands[place] = tensor
    options: Any = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction, options.timeMajor, options.cellClip = activation, time_major, clip
    kinds = schema.BuiltinOptions
    builder.op(
        schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM,
        operands,
        [output],
        options,
        kinds.UnidirectionalSequenceLSTMOptions,
    )
    return builder.build([source], [output])


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
