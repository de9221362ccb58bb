"""RESHAPE, SQUEEZE, EXPAND_DIMS and SHAPE: nothing is computed on a board, for any type of tensor."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, resolve
from boardproof_export.aot.schedule import schedule
from boardproof_export.operators.registry import operator_of
from model_builder import INT32, ModelBuilder, schema
from support.exactness import check_reference, graph_of, oracle, prove, random_case, reasons_of
from support.small_models import QUANTIZED, TYPES, reshaping_model

OPERATOR = schema.BuiltinOperator


Shape = tuple[int, ...]


def renaming_model(builtin: int, shape: Shape, wanted: Shape, kind: str = "int8", axis: int = 0) -> bytes:
    """One operator that renames: the shapes are those of the tensors. `axis` is where EXPAND_DIMS has a new one."""
    builder = ModelBuilder()
    scale = 0.5 if kind in QUANTIZED else None
    source, output = (builder.tensor(one, scale, dtype=TYPES[kind]) for one in (shape, wanted))
    inputs, options, options_type = [source], None, 0
    if builtin == OPERATOR.EXPAND_DIMS:
        inputs.append(builder.tensor((1,), dtype=INT32, data=np.array([axis], np.int32)))
    if builtin == OPERATOR.SQUEEZE:
        options, options_type = schema.SqueezeOptionsT(), schema.BuiltinOptions.SqueezeOptions
    builder.op(builtin, inputs, [output], options, options_type)
    return builder.build([source], [output])


def computed_shape_model() -> bytes:
    """What TensorFlow's converter makes of Flatten: SHAPE, STRIDED_SLICE and PACK before RESHAPE, here SHAPE alone."""
    builder = ModelBuilder()
    source, output = builder.tensor((2, 6), 0.5), builder.tensor((2, 6), 0.5)
    shape = builder.tensor((2,), dtype=INT32)
    builder.op(OPERATOR.SHAPE, [source], [shape], schema.ShapeOptionsT(), schema.BuiltinOptions.ShapeOptions)
    builder.op(OPERATOR.RESHAPE, [source, shape], [output])
    return builder.build([source], [output])


MODELS = [
    reshaping_model("int8"),
    *(renaming_model(OPERATOR.SQUEEZE, (1, 3, 1, 4), (3, 4), kind) for kind in ("int8", "float32", "int32")),
    renaming_model(OPERATOR.EXPAND_DIMS, (3, 4), (1, 3, 4)),
]


shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """One of the three, with as many values in another shape."""
    shape: Shape = draw(shapes)
    builtin = draw(st.sampled_from([OPERATOR.RESHAPE, OPERATOR.SQUEEZE, OPERATOR.EXPAND_DIMS]))
    kind = draw(
        st.sampled_from(["int8", "int16", "float32"] if builtin == OPERATOR.EXPAND_DIMS else list(TYPES))
    )
    if builtin == OPERATOR.EXPAND_DIMS:
        axis = draw(st.integers(0, len(shape)))
        wanted = (*shape[:axis], 1, *shape[axis:])
        return renaming_model(builtin, shape, wanted, kind, axis - len(wanted) * draw(st.booleans()))
    if builtin == OPERATOR.SQUEEZE:
        return renaming_model(builtin, shape, tuple(extent for extent in shape if extent != 1), kind)
    merged = draw(st.integers(1, len(shape)))
    wanted = (int(np.prod(shape[:merged])), *shape[merged:])
    return renaming_model(builtin, *((shape, wanted) if draw(st.booleans()) else (wanted, shape)), kind)


@settings(max_examples=200, deadline=None)
@given(models(), st.integers(0, 2**32))
def test_reference(model: bytes, seed: int) -> None:
    check_reference(random_case(model, seed, 3))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5).map(tuple), st.sampled_from(list(TYPES)))
def test_a_shape_is_what_the_interpreter_says(shape: Shape, kind: str) -> None:
    builder = ModelBuilder()
    source = builder.tensor(shape, 0.5 if kind in QUANTIZED else None, dtype=TYPES[kind])
    output = builder.tensor((len(shape),), dtype=INT32)
    builder.op(OPERATOR.SHAPE, [source], [output], schema.ShapeOptionsT(), schema.BuiltinOptions.ShapeOptions)
    content = builder.build([source], [output])
    graph = graph_of(content)
    operator = operator_of(graph.ops[0])
    assert operator is not None
    found = operator.reference(operator.resolve(graph, graph.ops[0]))
    expected = oracle(random_case(content, 1, 1))[0].view(np.int32)
    np.testing.assert_array_equal(found, expected)


def test_every_core_profile() -> None:
    models = [*MODELS, *(reshaping_model(kind) for kind in TYPES), computed_shape_model()]
    prove([random_case(model, seed) for seed, model in enumerate(models)])


def zeros_model(shape: Shape = (1, 6)) -> bytes:
    """What is larger than the zeros of its own shape."""
    builder = ModelBuilder()
    source, zeros, output = (builder.tensor(shape, 0.5, 3) for _ in range(3))
    builder.op(OPERATOR.ZEROS_LIKE, [source], [zeros])
    builder.op(OPERATOR.MAXIMUM, [source, zeros], [output])
    return builder.build([source], [output])


def test_zeros_are_known_at_export() -> None:
    network = resolve(graph_of(zeros_model()))
    assert isinstance(network, Network)
    assert network.nodes[0].values is not None
    prove([random_case(zeros_model(), 1)])


def test_what_is_known_at_export_takes_no_memory() -> None:
    network = resolve(graph_of(computed_shape_model()))
    assert isinstance(network, Network)
    shape, renamed = network.nodes
    assert shape.values is not None
    np.testing.assert_array_equal(shape.values[0].view(np.int32), [2, 6])
    assert (renamed.sources, renamed.values) == (network.graph.inputs, None)
    program = schedule(network, CORES["portable"])
    assert [buffer.size for buffer in program.buffers] == [12]


def test_another_count_is_refused() -> None:
    (reason,) = reasons_of(renaming_model(OPERATOR.SQUEEZE, (1, 6), (5,)))
    assert reason == "operator 0 (SQUEEZE) makes [5] of [1, 6]"


def test_what_the_interpreter_does_not_expand_is_refused() -> None:
    (reason,) = reasons_of(renaming_model(OPERATOR.EXPAND_DIMS, (3,), (1, 3), "bool"))
    assert reason == "operator 0 (EXPAND_DIMS) has BOOL values; only INT8, INT16, FLOAT32 run"


def test_an_output_that_depends_on_no_input_is_refused() -> None:
    builder = ModelBuilder()
    source, shape = builder.tensor((2, 6), 0.5), builder.tensor((2,), dtype=INT32)
    builder.op(OPERATOR.SHAPE, [source], [shape], schema.ShapeOptionsT(), schema.BuiltinOptions.ShapeOptions)
    assert reasons_of(builder.build([source], [shape])) == ["the model's output does not depend on its input"]
