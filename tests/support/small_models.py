"""Small models with unusual edges, for tests of whatever must run any model: several edges, other types, state."""

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from boardproof_export.shared.model import parse_graph
from boardproof_host.oracles.edges import Edges
from model_builder import ModelBuilder

TYPES: dict[str, int] = {
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "float32": schema.TensorType.FLOAT32,
    "bool": schema.TensorType.BOOL,
}
QUANTIZED = ("int8", "uint8", "int16")


def edges_of(model: bytes) -> Edges:
    """A model's inputs and outputs."""
    path = Path("model.tflite")
    return Edges.of(parse_graph(model, path), path)


def reshaping_model(*types: str, count: int = 6) -> bytes:
    """One input and one output a type, (1, count) to (2, count / 2), each output its input reshaped."""
    builder = ModelBuilder()
    inputs, outputs = [], []
    for kind in types:
        scale = 0.5 if kind in QUANTIZED else None
        inputs.append(builder.tensor((1, count), scale, dtype=TYPES[kind], name=f"in_{kind}"))
        outputs.append(builder.tensor((2, count // 2), scale, dtype=TYPES[kind], name=f"out_{kind}"))
        builder.reshape(inputs[-1], outputs[-1])
    return builder.build(inputs, outputs)


def with_constants_outside(model: bytes) -> bytes:
    """The same model with its constants behind the flatbuffer, as large models have them."""
    table = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    constants = [None if buffer.data is None else bytes(bytearray(buffer.data)) for buffer in table.buffers]

    def packed(end: int) -> bytes:
        for buffer, constant in zip(table.buffers, constants, strict=True):
            if constant is not None:
                buffer.data, buffer.offset, buffer.size = None, end, len(constant)
                end += len(constant)
        builder = flatbuffers.Builder(1024)
        builder.Finish(table.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    whole = packed(len(packed(1 << 20)))
    return whole + b"".join(constant for constant in constants if constant is not None)


def running_sum_model(count: int = 4) -> bytes:
    """float32 (1, count): each output is the sum of all inputs since the start, kept in a resource variable."""
    builder = ModelBuilder()
    shape, float32 = (1, count), TYPES["float32"]
    source, before, after = (builder.tensor(shape, dtype=float32) for _ in range(3))
    handle = builder.tensor((), dtype=schema.TensorType.RESOURCE)
    options: Any = schema.VarHandleOptionsT()
    options.container, options.sharedName = b"", b"sum"
    ops, kinds = schema.BuiltinOperator, schema.BuiltinOptions
    builder.op(ops.VAR_HANDLE, [], [handle], options, kinds.VarHandleOptions)
    builder.op(
        ops.READ_VARIABLE, [handle], [before], schema.ReadVariableOptionsT(), kinds.ReadVariableOptions
    )
    builder.op(ops.ADD, [source, before], [after], schema.AddOptionsT(), kinds.AddOptions)
    builder.op(
        ops.ASSIGN_VARIABLE, [handle, after], [], schema.AssignVariableOptionsT(), kinds.AssignVariableOptions
    )
    return builder.build([source], [after])


def svdf_model() -> bytes:
    """int8 (1, 4) to (1, 3): a filter over the last three inputs, which it keeps in a variable tensor."""
    rng = np.random.default_rng(3)
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 4), 0.1), builder.tensor((1, 3), 0.01)
    feature = builder.tensor((6, 4), 0.02, data=rng.integers(-127, 128, (6, 4)).astype(np.int8))
    time = builder.tensor(
        (6, 3), 0.001, dtype=TYPES["int16"], data=rng.integers(-3000, 3000, (6, 3)).astype(np.int16)
    )
    bias = builder.tensor((3,), 1e-5, dtype=TYPES["int32"], data=np.zeros(3, np.int32))
    state = builder.tensor((1, 18), 0.01, dtype=TYPES["int16"])
    builder.tensors[state].isVariable = True
    options: Any = schema.SVDFOptionsT()
    options.rank, options.fusedActivationFunction = 2, schema.ActivationFunctionType.RELU
    kinds = schema.BuiltinOptions
    inputs = [source, feature, time, bias, state]
    builder.op(schema.BuiltinOperator.SVDF, inputs, [sink], options, kinds.SVDFOptions)
    return builder.build([source], [sink])


def random_bytes(count: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    """Inputs, uint8 (count, width)."""
    return np.random.default_rng(seed).integers(0, 256, (count, width), dtype=np.uint8)
