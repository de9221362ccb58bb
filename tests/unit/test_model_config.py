"""model_config.h: what every firmware knows of its model, whatever the engine."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boardproof_export.model.config import AotConfig, render_config
from boardproof_export.operators.registry import total_macs
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph, parse_graph
from boardproof_host.protocol.messages import TensorRole, TensorType
from model_builder import FLOAT32, INT8, INT32, ModelBuilder, random_model, schema
from support.sum_model import Edges

TYPES = schema.TensorType


def config(graph: Graph, aot: AotConfig | None = None) -> str:
    return render_config(graph, macs=total_macs(graph), aot=aot)["model_config.h"]


def macros(text: str) -> dict[str, str]:
    """Each macro's value, of several lines joined."""
    joined = text.replace("\\\n", " ")
    return dict(re.findall(r"^#define (\w+)(?:\(dims\))? +(.*?) *$", joined, re.MULTILINE))


def graph_of(edges: Edges) -> Graph:
    return parse_graph(edges.model(), Path("edges.tflite"))


def table(text: str) -> list[tuple[int, int, int, int, int, float, int]]:
    """role, type, first dimension, dimensions, quantized, scale, zero point of each tensor."""
    rows = re.findall(
        r"\{(\d), (\d), \(dims\) \+ (\d+), (\d), (\d), (\S+)f, (-?\d+)\}", macros(text)["MODEL_TENSORS"]
    )
    return [(*map(int, row[:5]), float.fromhex(row[5]), int(row[6])) for row in rows]


def test_several_edges_of_every_type() -> None:
    kinds = (FLOAT32, INT32, TYPES.UINT8, TYPES.BOOL, TYPES.INT16, INT8)
    edges = Edges(tuple((kind, (1, 2, 3)) for kind in kinds), tuple((kind, (5,)) for kind in kinds[::-1]), -7)
    text = config(graph_of(edges))
    found = macros(text)
    numbers = [TensorType[name] for name in ("FLOAT32", "INT32", "UINT8", "BOOL", "INT16", "INT8")]
    rows = table(text)
    assert [row[0] for row in rows] == [TensorRole.INPUT] * 6 + [TensorRole.OUTPUT] * 6
    assert [row[1] for row in rows] == [*numbers, *numbers[::-1]]
    assert [row[2:4] for row in rows] == [(3 * n, 3) for n in range(6)] + [(18 + n, 1) for n in range(6)]
    assert [row[4:] for row in rows] == [
        (1, 0.5, -7) if row[1] == TensorType.INT8 else (0, 0.0, 0) for row in rows
    ]
    assert found["MODEL_DIMS"] == "{" + ", ".join(["1, 2, 3"] * 6 + ["5"] * 6) + "}"
    assert found["MODEL_DIM_COUNT"] == "24"
    assert found["MODEL_INPUT_SIZES"] == "{24, 24, 6, 6, 12, 6}"
    assert found["MODEL_OUTPUT_SIZES"] == "{5, 10, 5, 5, 20, 20}"
    assert (found["MODEL_INPUT_BYTES"], found["MODEL_OUTPUT_BYTES"]) == ("78", "65")
    assert (found["MODEL_INPUT_COUNT"], found["MODEL_OUTPUT_COUNT"]) == ("6", "6")
    assert (found["MODEL_OP_COUNT"], found["MODEL_OP_OUTPUT_COUNT"]) == ("2", "8")


def test_operators_and_what_they_cost() -> None:
    found = macros(config(parse_graph(random_model(1, depths=(20, 12, 5)), Path("dense.tflite"))))
    assert found["MODEL_OP_CODES"].split() == ["{", "9,", "9,", "}"]
    assert found["MODEL_MACS"] == f"{20 * 12 + 12 * 5}u"
    assert found["MODEL_OP_OUTPUT_BYTES"] == f"{12 + 5}u"


@pytest.mark.parametrize(
    ("first", "fill"),
    [((INT8, (1, 2)), 0xF9), ((FLOAT32, (1, 2)), 0), ((TYPES.INT16, (1, 2)), 0), ((TYPES.UINT8, (1, 2)), 0)],
)
def test_the_fill_of_packed_inputs(first: tuple[int, tuple[int, ...]], fill: int) -> None:
    edges = Edges((first, (INT8, (1, 3))), ((INT8, (1, 1)),), zero_point=-7)
    assert macros(config(graph_of(edges)))["MODEL_PACKED_FILL"] == str(fill)


def test_a_scale_keeps_every_bit() -> None:
    scale = np.float32(1 / 255)
    builder = ModelBuilder()
    source, output = builder.tensor((1, 2), float(scale), -128), builder.tensor((1, 2), float(scale), -128)
    builder.reshape(source, output)
    text = config(parse_graph(builder.build([source], [output]), Path("scale.tflite")))
    assert [row[5] for row in table(text)] == [float(scale)] * 2


def test_it_states_nothing_of_an_engine_that_is_not_given() -> None:
    graph = graph_of(Edges.of_bytes(4, 2))
    text = config(graph)
    assert "MODEL_AOT" not in text
    assert "MODEL_TFLM" not in text
    given = macros(config(graph, AotConfig("dsp", 640)))
    assert (given["MODEL_AOT_KERNELS"], given["MODEL_AOT_ARENA_BYTES"]) == ('"dsp"', "640")


def test_a_scalar_has_no_dimensions() -> None:
    found = macros(config(graph_of(Edges(((INT8, ()),), ((INT8, ()),)))))
    assert (found["MODEL_DIM_COUNT"], found["MODEL_DIMS"], found["MODEL_INPUT_BYTES"]) == ("0", "{0}", "1")


def test_a_name_from_outside_ends_no_comment_and_no_text() -> None:
    graph = replace(graph_of(Edges.of_bytes(4, 2)), name='x"; */ int evil; /*\n#error')
    text = config(graph)
    assert macros(text)["MODEL_NAME"] == '"x__ __ int evil_ ____error"'


@pytest.mark.parametrize(
    ("kind", "scale", "words"),
    [(TYPES.INT64, None, "type INT64"), (INT8, np.array([0.1, 0.2], np.float32), "2 scales")],
)
def test_edges_that_no_board_exchanges_are_refused(kind: int, scale: object, words: str) -> None:
    builder = ModelBuilder()
    source = builder.tensor((1, 2), scale, dtype=kind)  # type: ignore[arg-type]
    output = builder.tensor((1, 2), 0.5)
    builder.op(schema.BuiltinOperator.CAST, [source], [output])
    with pytest.raises(InputError, match=words):
        config(parse_graph(builder.build([source], [output]), Path("edges.tflite")))


def test_a_network_with_state_says_so() -> None:
    """The engine tflm puts variables back before each inference; without any, it has nothing to do."""
    graph = graph_of(Edges(((INT8, (4,)),), ((INT8, (4,)),), 0))
    assert "MODEL_HAS_VARIABLES" not in macros(config(graph))
    variable = replace(graph.tensors[-1], index=len(graph.tensors), variable=True)
    with_state = replace(graph, tensors=(*graph.tensors, variable))
    assert macros(config(with_state))["MODEL_HAS_VARIABLES"] == "1"
