"""Small models with unusual edges, for tests of whatever must run any model: several edges, other types, state."""

from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

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
