"""RESHAPE, SQUEEZE, EXPAND_DIMS and SHAPE: nothing is computed on a board, for any type of tensor."""

import numpy as np
import pytest

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, resolve
from boardproof_export.aot.schedule import schedule
from model_builder import INT32, ModelBuilder, schema
from support.exactness import check_reference, graph_of, prove, random_case, reasons_of
from support.small_models import QUANTIZED, TYPES, reshaping_model

OPERATOR = schema.BuiltinOperator


def renaming_model(
    builtin: int, shape: tuple[int, ...], wanted: tuple[int, ...], kind: str = "int8"
) -> bytes:
    """One operator that renames, without options: the shapes are those of the tensors."""
    builder = ModelBuilder()
    scale = 0.5 if kind in QUANTIZED else None
    source, output = (builder.tensor(one, scale, dtype=TYPES[kind]) for one in (shape, wanted))
    inputs, options, options_type = [source], None, 0
    if builtin == OPERATOR.EXPAND_DIMS:
        inputs.append(builder.tensor((1,), dtype=INT32, data=np.array([0], np.int32)))
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


@pytest.mark.parametrize("model", MODELS)
def test_reference(model: bytes) -> None:
    check_reference(random_case(model, 1))


def test_every_core_profile() -> None:
    models = [*MODELS, *(reshaping_model(kind) for kind in TYPES), computed_shape_model()]
    prove([random_case(model, seed) for seed, model in enumerate(models)])


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


def test_an_output_that_depends_on_no_input_is_refused() -> None:
    builder = ModelBuilder()
    source, shape = builder.tensor((2, 6), 0.5), builder.tensor((2,), dtype=INT32)
    builder.op(OPERATOR.SHAPE, [source], [shape], schema.ShapeOptionsT(), schema.BuiltinOptions.ShapeOptions)
    assert reasons_of(builder.build([source], [shape])) == ["the model's output does not depend on its input"]
