"""Builds small .tflite files for tests with the flatbuffers object API.

Nothing goes through a converter: shapes, scales and constants are exactly what a test asks for, also where no
converter would write them.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

INT8 = schema.TensorType.INT8
INT32 = schema.TensorType.INT32
FLOAT32 = schema.TensorType.FLOAT32


@dataclass
class ModelBuilder:
    """Collects tensors and operators; `build()` gives the file's bytes."""

    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])
    ops: list[Any] = field(default_factory=list)
    codes: list[tuple[int, str | None]] = field(default_factory=list)

    def tensor(
        self,
        shape: tuple[int, ...],
        scale: float | NDArray[np.float32] | None = None,
        zero_point: int | list[int] = 0,
        *,
        dtype: int = INT8,
        data: NDArray[Any] | None = None,
        name: str | None = None,
        axis: int = 0,
        signature: tuple[int, ...] | None = None,
    ) -> int:
        """Adds a tensor and returns its index; `data` makes it a constant."""
        tensor = schema.TensorT()
        tensor.name = (name or f"t{len(self.tensors)}").encode()
        tensor.shape = list(shape)
        tensor.shapeSignature = None if signature is None else list(signature)
        tensor.type = dtype
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), dtype=np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = np.atleast_1d(np.asarray(scale, dtype=np.float32))
            points = np.atleast_1d(np.asarray(zero_point, dtype=np.int64))
            quantization.zeroPoint = np.broadcast_to(points, quantization.scale.shape).copy()
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def op(
        self,
        builtin: int,
        inputs: list[int],
        outputs: list[int],
        options: Any = None,
        options_type: int = 0,
        custom: str | None = None,
    ) -> int:
        """Adds an operator and returns its index."""
        if (builtin, custom) not in self.codes:
            self.codes.append((builtin, custom))
        op = schema.OperatorT()
        op.opcodeIndex = self.codes.index((builtin, custom))
        op.inputs, op.outputs = inputs, outputs
        op.builtinOptions, op.builtinOptionsType = options, options_type
        self.ops.append(op)
        return len(self.ops) - 1

    def fully_connected(
        self, inputs: list[int], output: int, activation: int = 0, *, keep_num_dims: bool = False
    ) -> int:
        """Adds FULLY_CONNECTED; `inputs` are input, weights and, where there is one, the bias."""
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = activation
        options.keepNumDims = keep_num_dims
        kind = schema.BuiltinOptions.FullyConnectedOptions
        return self.op(schema.BuiltinOperator.FULLY_CONNECTED, inputs, [output], options, kind)

    def reshape(self, source: int, output: int) -> int:
        """Adds RESHAPE to the shape of `output`."""
        shape = np.array(self.tensors[output].shape, dtype=np.int32)
        shape_tensor = self.tensor(shape.shape, dtype=INT32, data=shape)
        options = schema.ReshapeOptionsT()
        options.newShape = shape.tolist()
        kind = schema.BuiltinOptions.ReshapeOptions
        return self.op(schema.BuiltinOperator.RESHAPE, [source, shape_tensor], [output], options, kind)

    def softmax(self, source: int, output: int, beta: float = 1.0) -> int:
        """Adds SOFTMAX."""
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        kind = schema.BuiltinOptions.SoftmaxOptions
        return self.op(schema.BuiltinOperator.SOFTMAX, [source], [output], options, kind)

    def average_pool(
        self,
        source: int,
        output: int,
        window: tuple[int, int],
        stride: tuple[int, int],
        *,
        same: bool,
        activation: int = 0,
        builtin: int = schema.BuiltinOperator.AVERAGE_POOL_2D,
    ) -> int:
        """Adds AVERAGE_POOL_2D, or another pooling; `window` and `stride` are (height, width)."""
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.SAME if same else schema.Padding.VALID
        options.filterHeight, options.filterWidth = window
        options.strideH, options.strideW = stride
        options.fusedActivationFunction = activation
        kind = schema.BuiltinOptions.Pool2DOptions
        return self.op(builtin, [source], [output], options, kind)

    def build(self, inputs: list[int], outputs: list[int], version: int = 3) -> bytes:
        """The file's bytes, with one subgraph."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.ops
        graph.inputs, graph.outputs = inputs, outputs
        model = schema.ModelT()
        model.version = version
        model.description = b"built for a test"
        model.buffers, model.subgraphs = self.buffers, [graph]
        model.operatorCodes = []
        for builtin, custom in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = builtin
            code.deprecatedBuiltinCode = min(builtin, 127)
            code.customCode = custom
            code.version = 1
            model.operatorCodes.append(code)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@dataclass(frozen=True)
class DenseLayer:
    """A FULLY_CONNECTED layer as a test states it. `weights`: int8 (outputs, depth); `bias`: int32 or None."""

    weights: NDArray[np.int8]
    weight_scales: NDArray[np.float32]  # one, or one an output
    bias: NDArray[np.int32] | None
    output_scale: float
    output_zero_point: int
    activation: int = 0
    weights_zero_point: int = 0


def add_dense(builder: ModelBuilder, source: int, layer: DenseLayer, batch: int) -> int:
    """Adds `layer` behind tensor `source`, with the bias scale that a converter would write; returns its output."""
    outputs, depth = layer.weights.shape
    source_scale = np.float32(builder.tensors[source].quantization.scale[0])
    weights = builder.tensor(
        (outputs, depth), layer.weight_scales, layer.weights_zero_point, data=layer.weights
    )
    inputs = [source, weights]
    if layer.bias is not None:
        bias_scale = source_scale * np.asarray(layer.weight_scales, dtype=np.float32)
        inputs.append(builder.tensor((outputs,), bias_scale, dtype=INT32, data=layer.bias))
    output = builder.tensor((batch, outputs), layer.output_scale, layer.output_zero_point)
    builder.fully_connected(inputs, output, layer.activation)
    return output


def dense_model(
    layers: list[DenseLayer],
    *,
    input_scale: float = 0.5,
    input_zero_point: int = 0,
    batch: int = 1,
    image_shape: tuple[int, ...] | None = None,
) -> bytes:
    """A chain of dense layers; with `image_shape` a RESHAPE flattens the input (batch excluded) first."""
    builder = ModelBuilder()
    depth = layers[0].weights.shape[1]
    graph_input = builder.tensor(
        (batch, *(image_shape or (depth,))), input_scale, input_zero_point, name="input"
    )
    current = graph_input
    if image_shape is not None:
        current = builder.tensor((batch, depth), input_scale, input_zero_point)
        builder.reshape(graph_input, current)
    for layer in layers:
        current = add_dense(builder, current, layer, batch)
    return builder.build([graph_input], [current])


def tiny_model() -> bytes:
    """Three inputs, two outputs, ReLU: small enough that its rendering can be read."""
    return dense_model(
        [
            DenseLayer(
                weights=np.array([[1, -2, 3], [-4, 5, -6]], dtype=np.int8),
                weight_scales=np.array([0.5, 0.25], dtype=np.float32),
                bias=np.array([7, -8], dtype=np.int32),
                output_scale=1.0,
                output_zero_point=-3,
                activation=schema.ActivationFunctionType.RELU,
            )
        ],
        input_zero_point=-1,
    )


def softmax_model(shape: tuple[int, ...], *, scale: float = 0.1, beta: float = 1.0) -> bytes:
    """SOFTMAX over the last axis of `shape`."""
    builder = ModelBuilder()
    source, output = builder.tensor(shape, scale, 3), builder.tensor(shape, 1 / 256, -128)
    builder.softmax(source, output, beta)
    return builder.build([source], [output])


def pool_model(
    shape: tuple[int, int, int, int],
    window: tuple[int, int],
    stride: tuple[int, int],
    *,
    same: bool,
    activation: int = 0,
    builtin: int = schema.BuiltinOperator.AVERAGE_POOL_2D,
) -> bytes:
    """A pooling of an input (batch, height, width, channels); the output has the size that it must have."""
    pairs = zip(shape[1:3], window, stride, strict=True)
    sizes = [(size + step - 1 if same else size + step - extent) // step for size, extent, step in pairs]
    builder = ModelBuilder()
    source = builder.tensor(shape, 0.05, 4)
    output = builder.tensor((shape[0], *sizes, shape[3]), 0.05, 4)
    builder.average_pool(source, output, window, stride, same=same, activation=activation, builtin=builtin)
    return builder.build([source], [output])


def random_model(seed: int, *, depths: tuple[int, ...] = (20, 12, 5), batch: int = 1) -> bytes:
    """A seeded chain with ordinary scales: outputs spread over the int8 range."""
    rng = np.random.default_rng(seed)
    layers = []
    for index, (depth, outputs) in enumerate(pairwise(depths)):
        layers.append(
            DenseLayer(
                weights=rng.integers(-127, 128, (outputs, depth)).astype(np.int8),
                weight_scales=rng.uniform(0.002, 0.01, outputs).astype(np.float32),
                bias=rng.integers(-2000, 2000, outputs).astype(np.int32),
                output_scale=0.1 + 0.02 * index,
                output_zero_point=int(rng.integers(-128, 128)),
                activation=int(index % 2),
            )
        )
    return dense_model(layers, input_scale=0.02, input_zero_point=-128, batch=batch)
