"""Operators whose tensors are not what they should be: each is resolved or refused in words, and nothing else."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boardproof_export.aot.network import resolve
from boardproof_export.operators.registry import activation_of, constant_bytes, macs
from boardproof_export.shared.model import ABSENT, Graph
from operators import (
    test_batch_matmul,
    test_binary,
    test_blocks,
    test_cast,
    test_gather,
    test_l2_normalization,
    test_log_softmax,
    test_moves,
    test_resize,
    test_select,
    test_unary,
)
from support.convolutions import Convolution
from support.exactness import graph_of

TYPES = ["INT8", "UINT8", "INT16", "INT32", "INT64", "FLOAT32", "BOOL", "STRING", "FLOAT16"]
MODELS = [
    *test_moves.MODELS,
    *(Convolution(kind, (1, 4, 4, 2), 2).build() for kind in ("conv", "depthwise", "transpose")),
    *(
        test_binary.model(name, (1, 4, 5), (5,), test_binary.NUMBERS, 0, 1)
        for name in ("ADD", "PRELU", "LESS")
    ),
    test_resize.model(test_resize.NEAREST, (1, 3, 4, 2), (5, 6)),
    test_resize.model(test_resize.BILINEAR, (1, 3, 4, 2), (5, 6)),
    test_blocks.model(test_blocks.TO_BATCH, (1, 4, 6, 2), [2, 2], [(0, 0), (0, 0)]),
    test_blocks.model(test_blocks.TO_SPACE, (1, 5, 7, 2), [2, 3], [(2, 1), (1, 1)]),
    test_gather.gathered((3, 4, 5), (2, 3), 1),
    test_gather.gathered_nd((3, 4, 2), (5,), 2),
    test_select.model(((2, 3), (2, 3), (3,)), (2,)),
    test_cast.model("int32", "int8"),
    test_batch_matmul.model(((2,), (1,)), (3, 4, 5), (True, False), 1),
    test_l2_normalization.model((2, 5)),
    test_log_softmax.model((2, 5), 0.1),
    test_unary.model("ABS", 0.1, 3, 0.2, 4),
    test_unary.negation(),
]


@st.composite
def damaged(draw: st.DrawFn) -> Graph:
    """One operator with one to three faults. A tensor of another size has no data: the reader sees to that."""
    graph = draw(st.sampled_from(GRAPHS))
    tensors, ops = list(graph.tensors), list(graph.ops)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(tensors) - 1))
        tensor, op = tensors[at], ops[0]
        what = draw(st.sampled_from(["shape", "fewer", "more", "type", "scale", "input", "output"]))
        if what == "shape":
            shape = tuple(max(0, extent + draw(st.integers(-1, 1))) for extent in tensor.shape)
            tensors[at] = replace(tensor, shape=shape, data=None if shape != tensor.shape else tensor.data)
        elif what == "fewer":
            tensors[at] = replace(tensor, shape=tensor.shape[1:], data=None)
        elif what == "more":
            tensors[at] = replace(tensor, shape=(*tensor.shape, draw(st.integers(0, 2))), data=None)
        elif what == "type":
            tensors[at] = replace(tensor, type=draw(st.sampled_from(TYPES)), data=None)
        elif what == "scale":
            tensors[at] = replace(tensor, quantization=None)
        else:
            indices = st.sampled_from(
                [ABSENT, *range(len(tensors))] if what == "input" else range(len(tensors))
            )
            side = list(op.inputs if what == "input" else op.outputs)
            side[draw(st.integers(0, len(side))) :] = draw(st.lists(indices, max_size=2))
            changed: dict[str, Any] = {f"{what}s": tuple(side)}
            ops[0] = replace(op, **changed)
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


GRAPHS = [graph_of(content) for content in MODELS]


@settings(max_examples=1500, suppress_health_check=list(HealthCheck), deadline=None)
@given(damaged())
def test_it_is_resolved_or_refused(graph: Graph) -> None:
    resolve(graph)
    for op in graph.ops:
        assert macs(graph, op) >= 0 and constant_bytes(graph, op) >= 0
        activation_of(op)
