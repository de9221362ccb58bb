"""Random graphs of several operators, as a strategy: a step takes tensors that are there and adds one operator."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from model_builder import INT8, INT32, DenseLayer, ModelBuilder, add_dense, schema
from support.convolutions import Convolution

OPERATOR, KIND = schema.BuiltinOperator, schema.BuiltinOptions
# Few scales and zero points, so that tensors often have the same and can be joined.
QUANTIZATIONS = ((0.05, 3), (0.08, -128))
_MOST_VALUES = 4_000  # of a tensor
Shape = tuple[int, ...]
Step = Callable[[st.DrawFn, "Growing", int], list[int]]


class Growing(ModelBuilder):
    """A model that grows; `there` are the int8 tensors that a step may read."""

    def __init__(self) -> None:
        super().__init__()
        self.there: list[int] = []

    def shape(self, index: int) -> Shape:
        return tuple(self.tensors[index].shape)

    def quantization(self, index: int) -> tuple[float, int]:
        found = self.tensors[index].quantization
        return float(found.scale[0]), int(found.zeroPoint[0])

    def like(self, source: int, shape: Shape | None = None) -> int:
        """A tensor with the scale and zero point of another."""
        return self.tensor(self.shape(source) if shape is None else shape, *self.quantization(source))

    def numbers(self, values: Any) -> int:
        array = np.array(values, np.int32)
        return self.tensor(array.shape, dtype=INT32, data=array)


def _quantized(draw: st.DrawFn, graph: Growing, shape: Shape) -> int:
    return graph.tensor(shape, *draw(st.sampled_from(QUANTIZATIONS)))


def _image(graph: Growing, source: int) -> tuple[int, int, int, int] | None:
    shape = graph.shape(source)
    return (shape[0], shape[1], shape[2], shape[3]) if len(shape) == 4 else None


def convolution(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """Any of the three."""
    shape = _image(graph, source)
    if shape is None:
        return []
    kind = draw(st.sampled_from(["conv", "conv", "depthwise", "depthwise", "transpose"]))
    window = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    layer = Convolution(
        kind,
        shape,
        outputs=shape[3] * draw(st.integers(1, 2)) if kind == "depthwise" else draw(st.integers(1, 12)),
        window=window,
        stride=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        same=draw(st.booleans()) or window[0] > shape[1] or window[1] > shape[2],
        activation=draw(st.sampled_from([0, 1, 3])),
        per_channel=draw(st.booleans()),
        zero_points=(0, draw(st.sampled_from([3, -128]))),
        seed=draw(st.integers(0, 2**32)),
    )
    return [layer.add_to(graph, source)]


def pooling(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """The mean or the largest of windows."""
    shape = _image(graph, source)
    if shape is None:
        return []
    window, stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(st.integers(1, 2))
    same = draw(st.booleans()) or window[0] > shape[1] or window[1] > shape[2]
    rows, columns = (
        -(-extent // stride) if same else (extent - size) // stride + 1
        for extent, size in zip(shape[1:3], window, strict=True)
    )
    output = graph.like(source, (shape[0], rows, columns, shape[3]))
    builtin = draw(st.sampled_from([OPERATOR.AVERAGE_POOL_2D, OPERATOR.MAX_POOL_2D]))
    graph.average_pool(source, output, window, (stride, stride), same=same, builtin=builtin)
    return [output]


def two_values(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """With a tensor of the same shape, itself perhaps, or with one channel."""
    shape = graph.shape(source)
    other = draw(st.sampled_from([one for one in graph.there if graph.shape(one) == shape]))
    if draw(st.integers(0, 3)) == 0:
        values = np.random.default_rng(draw(st.integers(0, 99))).integers(-128, 128, shape[-1:])
        other = graph.tensor(shape[-1:], 0.03, 5, data=values.astype(np.int8))
    name = draw(st.sampled_from(["Add", "Add", "Sub", "Mul", "Prelu"]))
    output = _quantized(draw, graph, shape)
    inputs = [source, other] if draw(st.booleans()) else [other, source]
    if name == "Prelu":
        graph.op(OPERATOR.PRELU, inputs, [output])
        return [output]
    options = getattr(schema, f"{name}OptionsT")()
    options.fusedActivationFunction = draw(st.sampled_from([0, 1]))
    graph.op(getattr(OPERATOR, name.upper()), inputs, [output], options, getattr(KIND, f"{name}Options"))
    return [output]


def one_value(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """A function of each value."""
    name = draw(st.sampled_from(["LOGISTIC", "TANH", "RELU", "ABS", "QUANTIZE"]))
    shape = graph.shape(source)
    fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
    output = graph.tensor(shape, *fixed[name]) if name in fixed else _quantized(draw, graph, shape)
    graph.op(getattr(OPERATOR, name), [source], [output])
    return [output]


def joining(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """With itself or a tensor that differs along one axis alone, and has the same scale."""
    shape = graph.shape(source)
    axis = draw(st.integers(0 if len(shape) == 1 else 1, len(shape) - 1))

    def fits(other: int) -> bool:
        rest = [list(graph.shape(one)) for one in (source, other)]
        return len(rest[0]) == len(rest[1]) and all(
            one == two or at == axis for at, (one, two) in enumerate(zip(*rest, strict=True))
        )

    same = [one for one in graph.there if fits(one) and graph.quantization(one) == graph.quantization(source)]
    inputs = [source, *draw(st.lists(st.sampled_from(same), min_size=1, max_size=2))]
    joined = sum(graph.shape(one)[axis] for one in inputs)
    output = graph.like(source, (*shape[:axis], joined, *shape[axis + 1 :]))
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    graph.op(OPERATOR.CONCATENATION, inputs, [output], options, KIND.ConcatenationOptions)
    return [output]


def splitting(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """In two halves along the last axis."""
    shape = graph.shape(source)
    if shape[-1] % 2:
        return []
    outputs = [graph.like(source, (*shape[:-1], shape[-1] // 2)) for _ in range(2)]
    options = schema.SplitOptionsT()
    options.numSplits = 2
    axis = graph.tensor((), dtype=INT32, data=np.array(len(shape) - 1, np.int32))
    graph.op(OPERATOR.SPLIT, [axis, source], outputs, options, KIND.SplitOptions)
    return outputs


def moving(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """Another shape, order or size."""
    shape = graph.shape(source)
    what = draw(st.sampled_from(["reshape", "transpose", "pad", "resize"]))
    if what == "reshape":
        output = graph.like(
            source, (1, int(np.prod(shape))) if draw(st.booleans()) else (*shape[:-1], 1, shape[-1])
        )
        graph.reshape(source, output)
    elif what == "transpose":
        order = draw(st.permutations(range(len(shape))))
        output = graph.like(source, tuple(shape[axis] for axis in order))
        graph.op(OPERATOR.TRANSPOSE, [source, graph.numbers(order)], [output])
    elif what == "pad":
        pairs = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape]
        output = graph.like(source, tuple(size + sum(pair) for size, pair in zip(shape, pairs, strict=True)))
        graph.op(OPERATOR.PAD, [source, graph.numbers(pairs)], [output])
    else:
        if len(shape) != 4:
            return []
        name = draw(st.sampled_from(["NearestNeighbor", "Bilinear"]))
        output = graph.like(source, (shape[0], 2 * shape[1], shape[2] + 1, shape[3]))
        options = getattr(schema, f"Resize{name}OptionsT")()
        options.halfPixelCenters = draw(st.booleans())
        size = graph.numbers([2 * shape[1], shape[2] + 1])
        builtin = {"Bilinear": OPERATOR.RESIZE_BILINEAR}.get(name, OPERATOR.RESIZE_NEAREST_NEIGHBOR)
        graph.op(builtin, [source, size], [output], options, getattr(KIND, f"Resize{name}Options"))
    return [output]


def reducing(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """A mean or a largest value along some axes."""
    shape = graph.shape(source)
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    options = schema.ReducerOptionsT()
    options.keepDims = True
    output = graph.like(source, tuple(1 if at in axes else extent for at, extent in enumerate(shape)))
    builtin = draw(st.sampled_from([OPERATOR.MEAN, OPERATOR.REDUCE_MAX]))
    graph.op(builtin, [source, graph.numbers(axes)], [output], options, KIND.ReducerOptions)
    return [output]


def dense(draw: st.DrawFn, graph: Growing, source: int) -> list[int]:
    """A dense layer of all values, a SOFTMAX behind it perhaps."""
    shape = graph.shape(source)
    if len(shape) != 2:
        flat = graph.like(source, (1, int(np.prod(shape))))
        graph.reshape(source, flat)
        source, shape = flat, graph.shape(flat)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    outputs = draw(st.integers(1, 12))
    layer = DenseLayer(
        weights=rng.integers(-128, 128, (outputs, shape[1])).astype(np.int8),
        weight_scales=rng.uniform(0.001, 0.01, outputs if draw(st.booleans()) else 1).astype(np.float32),
        bias=rng.integers(-3000, 3000, outputs).astype(np.int32),
        output_scale=QUANTIZATIONS[0][0],
        output_zero_point=QUANTIZATIONS[0][1],
        activation=draw(st.sampled_from([0, 1])),
    )
    made = [add_dense(graph, source, layer, shape[0])]
    if draw(st.booleans()):
        made.append(graph.tensor((shape[0], outputs), 1 / 256, -128))
        graph.softmax(made[0], made[1])
    return made


STEPS: tuple[Step, ...] = (
    convolution, convolution, pooling, two_values, two_values, one_value, joining, splitting, moving, reducing, dense
)  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> bytes:
    """A graph of two to ten steps over one or two images; its outputs are what nobody reads."""
    graph = Growing()
    sides = draw(st.tuples(st.integers(1, 8), st.integers(1, 8), st.integers(1, 6)))
    inputs = [_quantized(draw, graph, (1, *sides)) for _ in range(draw(st.integers(1, 2)))]
    graph.there += inputs
    for _ in range(draw(st.integers(2, 10))):
        source = draw(st.sampled_from(graph.there[-4:]))
        made = draw(st.sampled_from(STEPS))(draw, graph, source)
        graph.there += [
            one for one in made if np.prod(graph.shape(one)) <= _MOST_VALUES and len(graph.shape(one)) <= 4
        ]
    read = {index for op in graph.ops for index in op.inputs}
    written = [index for op in graph.ops for index in op.outputs]
    assert all(graph.tensors[index].type == INT8 for index in written)
    return graph.build(inputs, [index for index in written if index not in read])
