"""CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import flatbuffers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.aot.cores import CORES
from boardproof_export.operators.registry import total_macs
from model_builder import schema
from support.convolutions import Convolution
from support.exactness import check_reference, graph_of, node_of, prove, random_case, reasons_of


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    """All that the three operators take, in small."""
    kind = draw(st.sampled_from(["conv", "depthwise", "transpose"]))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3])) if kind == "conv" else 1
    depth = draw(st.integers(1, 9)) * groups
    outputs = draw(st.integers(1, 10)) * groups if kind != "depthwise" else depth * draw(st.integers(1, 3))
    same = draw(st.booleans())
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) if kind != "transpose" else (1, 1)
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    most = [(extent - 1) // apart + 1 for extent, apart in zip(size, dilation, strict=True)]
    if same or kind == "transpose":
        most = [5, 5]
    return Convolution(
        kind=kind,
        shape=(draw(st.integers(1, 2)), *size, depth),
        outputs=outputs,
        window=(draw(st.integers(1, most[0])), draw(st.integers(1, most[1]))),
        stride=draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        dilation=dilation,
        same=same,
        groups=groups,
        activation=draw(st.sampled_from([0, 1, 2, 3])),
        per_channel=draw(st.booleans()),
        bias=draw(st.booleans()),
        zero_points=draw(st.tuples(st.integers(-128, 127), st.integers(-128, 127))),
        output_scale=draw(st.sampled_from([0.0, 0.0, 0.0, 1e-7, 1e4])),
        size=draw(st.sampled_from([None, None, None, (3, 7)])),
        int4=kind != "transpose" and draw(st.booleans()),
        seed=draw(st.integers(0, 2**32)),
    )


@settings(max_examples=200)
@given(convolutions())
def test_reference(convolution: Convolution) -> None:
    check_reference(random_case(convolution.build(), convolution.seed, count=3))


PLAIN = Convolution("conv", (1, 5, 6, 4), 8)
DEPTHWISE = Convolution("depthwise", (1, 5, 6, 8), 8)
TRANSPOSED = Convolution("transpose", (1, 4, 3, 4), 8, stride=(2, 2))

# Layers of MobileNet, a DS-CNN of keywords and a ResNet, and what lies around the kernels' blocks.
LAYERS = [
    Convolution("conv", (1, 13, 15, 3), 8, stride=(2, 2), zero_points=(0, -128), activation=3),
    Convolution("depthwise", (1, 9, 9, 16), 16, stride=(2, 2), activation=3),
    Convolution("conv", (1, 6, 6, 16), 24, window=(1, 1), activation=3),
    Convolution("conv", (1, 49, 10, 1), 12, window=(10, 4), stride=(2, 2), activation=1),
    Convolution("conv", (1, 7, 7, 16), 16, window=(1, 1), stride=(2, 2)),
    Convolution("conv", (1, 7, 7, 16), 16, stride=(2, 2)),
    Convolution("depthwise", (1, 20, 16, 1), 8, window=(10, 8), stride=(2, 2), activation=1),
    Convolution("conv", (1, 1, 40, 5), 7, window=(1, 5), same=False),
    Convolution("conv", (2, 1, 12, 3), 5, window=(1, 4), dilation=(1, 3), per_channel=False),
    Convolution("conv", (1, 6, 5, 6), 15, groups=3, dilation=(2, 1), bias=False),
    Convolution("conv", (2, 4, 4, 4), 12, groups=4, window=(2, 3), same=False, activation=2),
    Convolution("conv", (1, 3, 3, 2), 9, window=(2, 2), dilation=(9, 1), zero_points=(5, 0)),
    Convolution("conv", (1, 3, 4, 5), 6, size=(6, 2)),
    Convolution("conv", (1, 3, 4, 5), 6, int4=True, window=(2, 2)),
    Convolution("conv", (1, 4, 4, 5), 3, weights_zero_point=4, axis=2),
    Convolution("conv", (1, 4, 4, 5), 6, weights_zero_point=-9, per_channel=False),
    Convolution("depthwise", (2, 5, 4, 6), 6, dilation=(2, 2), same=False, window=(2, 1), per_channel=False),
    Convolution("depthwise", (1, 4, 5, 3), 9, window=(2, 3), activation=2, bias=False),
    Convolution("depthwise", (1, 5, 5, 21), 21, window=(5, 4), zero_points=(7, -5), int4=True),
    Convolution("conv", (1, 3, 4, 5), 6, output_scale=1e-7),
    Convolution("depthwise", (1, 3, 4, 5), 5, output_scale=1e-7, activation=3),
    Convolution("transpose", (1, 4, 3, 4), 8, stride=(2, 2), activation=1),
    Convolution("transpose", (2, 3, 4, 2), 3, window=(2, 4), stride=(3, 1), same=False, bias=False),
    Convolution("transpose", (1, 3, 3, 5), 9, window=(4, 4), stride=(2, 3), size=(5, 11), zero_points=(1, 2)),
    Convolution("transpose", (1, 3, 2, 5), 4, window=(1, 1), per_channel=False),
]


def test_every_core_profile() -> None:
    prove([random_case(layer.build(), seed, count=4) for seed, layer in enumerate(LAYERS)])


def test_windows_of_very_many_values_are_listed_a_piece_at_a_time() -> None:
    """Also in a part of a convolution alone: a group, a phase of the stride."""
    layers = [
        Convolution("conv", (2, 3, 4, 90), 9),
        Convolution("conv", (1, 3, 3, 180), 6, groups=2, per_channel=False),
        Convolution("conv", (1, 2, 3, 900), 5, window=(1, 1)),
        Convolution("transpose", (1, 2, 3, 300), 3, window=(3, 3), stride=(2, 2)),
    ]
    for layer in layers:
        node = node_of(layer.build())
        kernel = node.operator.kernel_for(CORES["dsp"].features, node.layer)
        assert kernel is not None and kernel.name == "aot_convolution_piecewise_dsp"
    prove([random_case(layer.build(), seed, count=4) for seed, layer in enumerate(layers)])


def test_what_is_left_out_counts_as_nothing() -> None:
    for convolution in (PLAIN, TRANSPOSED):
        absent = edited(replace(convolution, bias=False), without_bias)
        check_reference(random_case(absent, 1))


def test_which_kernel_computes_what() -> None:
    def kernels(convolution: Convolution) -> list[str]:
        node = node_of(convolution.build())
        found = [node.operator.kernel_for(core.features, node.layer) for core in CORES.values()]
        return [kernel.name.removeprefix("aot_") for kernel in found if kernel is not None]

    dense = ["convolution_portable", "convolution_dsp", "convolution_avr"]
    by_channel = ["depthwise_portable", "depthwise_dsp", "depthwise_portable"]
    assert kernels(PLAIN) == kernels(TRANSPOSED) == dense
    assert kernels(DEPTHWISE) == kernels(replace(DEPTHWISE, kind="conv", groups=8)) == by_channel
    assert kernels(replace(DEPTHWISE, shape=(1, 5, 6, 1))) == dense


def test_macs() -> None:
    assert total_macs(graph_of(PLAIN.build())) == 5 * 6 * 8 * 9 * 4
    assert total_macs(graph_of(replace(PLAIN, groups=2).build())) == 5 * 6 * 8 * 9 * 2
    assert total_macs(graph_of(DEPTHWISE.build())) == 5 * 6 * 8 * 9
    assert total_macs(graph_of(TRANSPOSED.build())) == 4 * 3 * 4 * 9 * 8


def edited(convolution: Convolution, edit: Callable[[Any], object]) -> bytes:
    """The model after an edit of its only subgraph."""
    model = schema.ModelT.InitFromPackedBuf(convolution.build())
    edit(model.subgraphs[0])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def without_bias(graph: Any) -> None:
    """Its place is there, and empty."""
    graph.operators[0].inputs = [*graph.operators[0].inputs, -1]


def setting(**values: Any) -> Callable[[Any], object]:
    """Sets options of the only operator."""
    return lambda graph: [setattr(graph.operators[0].builtinOptions, *pair) for pair in values.items()]


def typed(tensor: int, dtype: int) -> Callable[[Any], object]:
    """Gives a tensor another type."""
    return lambda graph: setattr(graph.tensors[tensor], "type", dtype)


def shaped(tensor: int, shape: list[int]) -> Callable[[Any], object]:
    """Gives a tensor another shape."""
    return lambda graph: setattr(graph.tensors[tensor], "shape", shape)


def with_scale(tensor: int, scale: float) -> Callable[[Any], object]:
    """Gives all eight channels of a tensor that scale."""
    return lambda graph: setattr(graph.tensors[tensor].quantization, "scale", [scale] * 8)


@pytest.mark.parametrize(
    ("convolution", "edit", "says"),
    [
        (PLAIN, setting(strideW=0), "a stride of 1x0"),
        (PLAIN, setting(dilationHFactor=0), "a dilation of 0x1"),
        (PLAIN, setting(fusedActivationFunction=4), "fused TANH"),
        (PLAIN, setting(strideH=2**30), "do not fit 32 bits"),
        (replace(DEPTHWISE, bias=False), without_bias, "on which TensorFlow Lite Micro crashes"),
        (DEPTHWISE, setting(depthMultiplier=2), "8 input channels and a multiplier of 2"),
        (PLAIN, typed(3, schema.TensorType.FLOAT32), "a bias of type FLOAT32"),
        (PLAIN, typed(0, schema.TensorType.INT16), "INT16 input"),
        (PLAIN, shaped(0, [5, 6, 4]), "makes [1, 5, 6, 8] of [5, 6, 4]"),
        (PLAIN, shaped(0, [1, 5, 8, 3]), "for 3 input channels"),
        (PLAIN, shaped(1, [1, 5, 6, 7]), "for 8 channels"),
        (PLAIN, with_scale(2, -1.0), "negative or not finite"),
        (PLAIN, with_scale(2, 1e30), "overflows"),
        (replace(PLAIN, shape=(1, 1, 1, 2050), outputs=1025, groups=1025), setting(), "1025 groups"),
        (TRANSPOSED, setting(strideH=1025), "a stride of 1025x2"),
        (TRANSPOSED, shaped(0, [1, 4, 1, 12]), "for 12 input channels"),
    ],
)
def test_what_does_not_fit_is_refused(
    convolution: Convolution, edit: Callable[[Any], object], says: str
) -> None:
    assert says in reasons_of(edited(convolution, edit))[0]
