"""Operators that only move values: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boardproof_export.aot.network import Network, resolve
from model_builder import INT8, INT32, schema
from support.bench import FLOAT32, INT16, Bench, Shape
from support.exactness import check_reference, graph_of, oracle_accepts, prove, random_case, reasons_of

OPERATOR = schema.BuiltinOperator
KIND = schema.BuiltinOptions


def transposed(shape: Sequence[int], order: Sequence[int], dtype: int = INT8) -> bytes:
    return Bench().one(OPERATOR.TRANSPOSE, shape, [shape[axis] for axis in order], order, dtype=dtype)


def sliced(shape: Sequence[int], begin: Sequence[int], size: Sequence[int], dtype: int = INT8) -> bytes:
    wanted = [
        extent - start if count == -1 else count
        for extent, start, count in zip(shape, begin, size, strict=True)
    ]
    return Bench().one(OPERATOR.SLICE, shape, wanted, begin, size, dtype=dtype)


def strided(
    shape: Sequence[int],
    parts: Sequence[tuple[int, int, int]],
    masks: tuple[int, int, int] = (0, 0, 0),
    dtype: int = INT8,
) -> bytes:
    """(begin, end, stride) a dimension; masks for begin, end and dropped dimensions."""
    wanted = []
    for axis, (extent, (begin, end, stride)) in enumerate(zip(shape, parts, strict=True)):
        if masks[2] >> axis & 1:
            continue
        start = None if masks[0] >> axis & 1 else begin
        stop = None if masks[1] >> axis & 1 else end
        wanted.append(len(range(extent)[start:stop:stride]))
    options = schema.StridedSliceOptionsT()
    options.beginMask, options.endMask, options.shrinkAxisMask = masks
    columns = [[part[at] for part in parts] for at in range(3)]
    return Bench().one(
        OPERATOR.STRIDED_SLICE,
        shape,
        wanted,
        *columns,
        options=options,
        kind=KIND.StridedSliceOptions,
        dtype=dtype,
    )


def joined(shapes: Sequence[Shape], axis: int, constant: int | None = None, dtype: int = INT8) -> bytes:
    builder = Bench()
    rng = np.random.default_rng(len(shapes))
    inputs = []
    for number, shape in enumerate(shapes):
        values = rng.integers(-100, 100, shape).astype(np.int8) if number == constant else None
        inputs.append(builder.data(shape, dtype, values))
    wanted = list(shapes[0])
    wanted[axis] = sum(shape[axis] for shape in shapes)
    output = builder.data(wanted, dtype)
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    builder.op(OPERATOR.CONCATENATION, inputs, [output], options, KIND.ConcatenationOptions)
    return builder.build([index for number, index in enumerate(inputs) if number != constant], [output])


def packed(shape: Shape, count: int, axis: int) -> bytes:
    builder = Bench()
    inputs = [builder.data(shape) for _ in range(count)]
    wanted = list(shape)
    wanted.insert(axis if axis >= 0 else len(shape) + 1 + axis, count)
    output = builder.data(wanted)
    options = schema.PackOptionsT()
    options.axis, options.valuesCount = axis, count
    builder.op(OPERATOR.PACK, inputs, [output], options, KIND.PackOptions)
    return builder.build(inputs, [output])


def unpacked(shape: Shape, axis: int) -> bytes:
    builder = Bench()
    source = builder.data(shape)
    rest = [extent for at, extent in enumerate(shape) if at != axis % len(shape)]
    outputs = [builder.data(rest) for _ in range(shape[axis])]
    options = schema.UnpackOptionsT()
    options.axis, options.num = axis, shape[axis]
    builder.op(OPERATOR.UNPACK, [source], outputs, options, KIND.UnpackOptions)
    return builder.build([source], outputs)


def divided(shape: Shape, sizes: Sequence[int], axis: int, *, equal: bool) -> bytes:
    builder = Bench()
    source = builder.data(shape)
    outputs = []
    for size in sizes:
        wanted = list(shape)
        wanted[axis] = size
        outputs.append(builder.data(wanted))
    if equal:
        options: Any = schema.SplitOptionsT()
        options.numSplits = len(sizes)
        builder.op(OPERATOR.SPLIT, [builder.numbers(axis, ()), source], outputs, options, KIND.SplitOptions)
    else:
        options = schema.SplitVOptionsT()
        options.numSplits = len(sizes)
        inputs = [source, builder.numbers(sizes), builder.numbers(axis, ())]
        builder.op(OPERATOR.SPLIT_V, inputs, outputs, options, KIND.SplitVOptions)
    return builder.build([source], outputs)


def padded(
    shape: Shape, pairs: Sequence[tuple[int, int]], value: int | None = None, dtype: int = INT8
) -> bytes:
    builder = Bench()
    source = builder.data(shape, dtype)
    output = builder.data([sum(pair) + extent for pair, extent in zip(pairs, shape, strict=True)], dtype)
    inputs = [source, builder.numbers(np.array(pairs).reshape(-1, 2))]
    if value is not None:
        inputs.append(
            builder.data((1,), dtype, np.array([value], {INT8: "i1", FLOAT32: "f4", INT16: "i2"}[dtype]))
        )
    builder.op(OPERATOR.PAD if value is None else OPERATOR.PADV2, inputs, [output])
    return builder.build([source], [output])


def mirrored(shape: Shape, pairs: Sequence[tuple[int, int]], *, symmetric: bool) -> bytes:
    options = schema.MirrorPadOptionsT()
    options.mode = int(symmetric)
    wanted = [sum(pair) + extent for pair, extent in zip(pairs, shape, strict=True)]
    return Bench().one(
        OPERATOR.MIRROR_PAD, shape, wanted, np.array(pairs), options=options, kind=KIND.MirrorPadOptions
    )


def depth(shape: Shape, block: int, *, to_space: bool) -> bytes:
    batches, rows, columns, channels = shape
    deep = (batches, rows, columns, channels * block * block)
    wide = (batches, rows * block, columns * block, channels)
    if to_space:
        options: Any = schema.DepthToSpaceOptionsT()
        options.blockSize = block
        return Bench().one(
            OPERATOR.DEPTH_TO_SPACE, deep, wide, options=options, kind=KIND.DepthToSpaceOptions
        )
    options = schema.SpaceToDepthOptionsT()
    options.blockSize = block
    return Bench().one(OPERATOR.SPACE_TO_DEPTH, wide, deep, options=options, kind=KIND.SpaceToDepthOptions)


def reversed_(shape: Shape, axes: Sequence[int], dtype: int = INT8) -> bytes:
    options = schema.ReverseV2OptionsT()
    return Bench().one(
        OPERATOR.REVERSE_V2, shape, shape, axes, options=options, kind=KIND.ReverseV2Options, dtype=dtype
    )


def repeated(shape: Shape, wanted: Shape, dtype: int = INT8) -> bytes:
    return Bench().one(OPERATOR.BROADCAST_TO, shape, wanted, wanted, dtype=dtype)


def filled(wanted: Shape, dtype: int = INT8) -> bytes:
    builder = Bench()
    value, output = builder.data((), dtype), builder.data(wanted, dtype)
    builder.op(OPERATOR.FILL, [builder.numbers(wanted), value], [output])
    return builder.build([value], [output])


WHAT = ("transpose", "slice", "strided", "join", "pack", "unpack", "split", "pad", "mirror", "depth")
WHAT += ("reverse", "repeat", "fill")
shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """One operator of any kind."""
    shape = draw(shapes)
    rank = len(shape)
    axis = draw(st.integers(-rank, rank - 1))
    what = draw(st.sampled_from(WHAT))
    if what == "transpose":
        return transposed(
            shape, draw(st.permutations(range(rank))), draw(st.sampled_from([INT8, FLOAT32, INT16]))
        )
    if what == "slice":
        begin = [draw(st.integers(0, extent - 1)) for extent in shape]
        size = [
            draw(st.sampled_from([-1, 1, extent - start])) for start, extent in zip(begin, shape, strict=True)
        ]
        return sliced(shape, begin, size, draw(st.sampled_from([INT8, INT32, FLOAT32])))
    if what == "strided":
        parts = []
        for extent in shape:
            stride = draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
            begin = draw(st.integers(-extent - 1, extent + 1))
            parts.append((begin, draw(st.integers(-extent - 1, extent + 1)), stride))
        masks = tuple(draw(st.integers(0, 2**rank - 1)) for _ in range(2))
        return strided(shape, parts, (masks[0], masks[1], 0))
    if what == "join":
        parts_of = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 4)))]
        at = axis % rank
        return joined([(*shape[:at], part, *shape[at + 1 :]) for part in parts_of], axis)
    if what == "pack":
        return packed(
            shape[:3], draw(st.integers(1, 4)), draw(st.integers(-len(shape[:3]) - 1, len(shape[:3])))
        )
    if what == "unpack":
        return unpacked((*shape[:3], 2), draw(st.integers(0, len(shape[:3]))))
    if what == "split":
        sizes = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(1, 3)))]
        at = axis % rank
        return divided((*shape[:at], sum(sizes), *shape[at + 1 :]), sizes, at, equal=len(set(sizes)) == 1)
    dtype = draw(st.sampled_from([INT8, FLOAT32, INT16, INT32]))
    if what == "reverse":
        first = draw(st.integers(0, rank - 1))
        axes = list(range(first, draw(st.integers(first, rank - 1)) + 1))
        return reversed_(
            shape, [at - rank * draw(st.booleans()) for at in draw(st.permutations(axes))], dtype
        )
    if what == "fill":
        return filled(shape, draw(st.sampled_from([INT8, INT32, FLOAT32])))
    if what == "repeat":
        wanted = (*draw(st.lists(st.integers(1, 3), max_size=5 - rank)), *shape)
        held = draw(st.integers(0, rank - 1))
        return repeated(tuple(1 if draw(st.booleans()) else extent for extent in shape[held:]), wanted, dtype)
    pairs = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in shape]
    if what == "pad":
        return padded(
            shape, pairs, draw(st.sampled_from([None, -5])), draw(st.sampled_from([INT8, FLOAT32, INT16]))
        )
    if what == "mirror":
        symmetric = draw(st.booleans())
        least = [extent - (not symmetric) for extent in shape]
        return mirrored(
            shape,
            [(min(a, b), min(c, b)) for (a, c), b in zip(pairs, least, strict=True)],
            symmetric=symmetric,
        )
    full = (*shape, 1, 1, 1)[:4]
    return depth((full[0], full[1], full[2], full[3]), draw(st.integers(1, 3)), to_space=draw(st.booleans()))


def empty(content: bytes) -> bool:
    """Whether a tensor has no values: no board exchanges those."""
    graph = graph_of(content)
    return any(graph.tensors[index].count == 0 for index in (*graph.inputs, *graph.outputs))


@settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
@given(models(), st.integers(0, 2**32))
def test_reference(model: bytes, seed: int) -> None:
    if empty(model):
        return
    answer = resolve(graph_of(model))
    if not oracle_accepts(model):
        return
    assert isinstance(answer, Network), answer
    check_reference(random_case(model, seed))


MODELS = [
    transposed((1, 4, 5, 3), (0, 3, 1, 2)),
    transposed((2, 3, 4, 5), (3, 1, 0, 2), FLOAT32),
    transposed((7, 9), (1, 0), INT16),
    sliced((2, 5, 6, 3), (1, 1, 2, 0), (1, 3, -1, 2)),
    sliced((10,), (3,), (4,), FLOAT32),
    strided((1, 6, 7, 2), ((0, 1, 1), (5, 0, -2), (1, 7, 3), (0, 2, 1))),
    strided((4, 5), ((0, 0, 1), (1, 4, 1)), (1, 1, 0)),
    joined([(1, 4, 4, 3), (1, 4, 4, 5), (1, 4, 4, 1)], 3),
    joined([(1, 2, 4), (1, 3, 4)], 1, dtype=FLOAT32),
    joined([(2, 3), (2, 4), (2, 2)], 1, 1),
    packed((3, 4), 3, 1),
    unpacked((3, 4, 2), 1),
    divided((1, 6, 4), (2, 2, 2), 1, equal=True),
    divided((1, 6, 4), (1, 3), 2, equal=False),
    padded((1, 3, 4, 2), [(0, 0), (1, 2), (2, 1), (0, 0)]),
    padded((3, 4), [(1, 0), (0, 2)], -7),
    padded((3, 4), [(1, 0), (0, 2)], 9, FLOAT32),
    mirrored((1, 4, 5, 2), [(0, 0), (3, 2), (1, 4), (0, 0)], symmetric=False),
    mirrored((3, 4), [(3, 1), (2, 4)], symmetric=True),
    depth((1, 2, 3, 4), 2, to_space=True),
    depth((2, 2, 1, 3), 3, to_space=False),
    reversed_((2, 3, 4), (1,)),
    reversed_((2, 3, 4, 2), (-3, 2), FLOAT32),
    repeated((3, 1, 4), (2, 3, 5, 4)),
    repeated((1,), (2, 3), INT16),
    filled((2, 3)),
]


def test_every_core_profile() -> None:
    prove([random_case(model, seed) for seed, model in enumerate(MODELS)])


def flattened(count: int) -> bytes:
    """What TensorFlow's converter makes of Flatten with an open batch: SHAPE, STRIDED_SLICE, PACK before RESHAPE."""
    builder = Bench()
    source, output = builder.data((1, 2, count)), builder.data((1, 2 * count))
    shape, batch, wanted = (builder.tensor(one, dtype=INT32) for one in ((3,), (), (2,)))
    builder.op(OPERATOR.SHAPE, [source], [shape], schema.ShapeOptionsT(), KIND.ShapeOptions)
    options = schema.StridedSliceOptionsT()
    options.shrinkAxisMask = 1
    ends = [builder.numbers([value]) for value in (0, 1, 1)]
    builder.op(OPERATOR.STRIDED_SLICE, [shape, *ends], [batch], options, KIND.StridedSliceOptions)
    pack = schema.PackOptionsT()
    pack.valuesCount = 2
    builder.op(OPERATOR.PACK, [batch, builder.numbers(-1, ())], [wanted], pack, KIND.PackOptions)
    builder.op(OPERATOR.RESHAPE, [source, wanted], [output])
    return builder.build([source], [output])


def test_arithmetic_on_shapes_is_done_at_export() -> None:
    model = flattened(5)
    network = resolve(graph_of(model))
    assert isinstance(network, Network)
    assert [node.values is not None for node in network.nodes] == [True, True, True, False]
    assert network.nodes[2].values is not None
    assert network.nodes[2].values[0].view(np.int32).tolist() == [1, -1]
    prove([random_case(model, 1)])


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (transposed((2, 3), (0, 0)), "permutes [2, 3] by [0, 0]"),
        (Bench().one(OPERATOR.SLICE, (4,), (3,), [2], [3]), "takes [3] from [2] in [4]"),
        (Bench().one(OPERATOR.PAD, (4,), (7,), [[1, 1]]), "makes [7] of [4]"),
        (mirrored((3,), [(3, 0)], symmetric=False), "pads 3 values by 3"),
        (joined([(1, 2), (1, 3)], 0), "has shapes that do not fit"),
        (reversed_((2, 3, 4), (0, 2)), "the axes [0, 2], which do not follow one another"),
        (Bench().one(OPERATOR.BROADCAST_TO, (1, 3), (2, 3), (4, 3)), "makes [2, 3] for a shape of [4, 3]"),
    ],
)
def test_what_does_not_fit_is_refused(model: bytes, says: str) -> None:
    assert says in reasons_of(model)[0]
