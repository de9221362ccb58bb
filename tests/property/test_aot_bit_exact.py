"""Random FULLY_CONNECTED models: all kernels, compiled for the host with sanitizers, against TensorFlow Lite Micro.

Every output must be equal. A missing `tflite-micro` fails at the import below: an absent oracle proves nothing.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from boardproof_export.model.fixed_point import per_channel_multiplier, per_tensor_multiplier
from boardproof_export.operators.dense import can_pair, piecewise
from boardproof_export.operators.fully_connected import resolve
from boardproof_export.shared.model import Op, parse_graph
from boardproof_export.tflm.engines import support
from model_builder import DenseLayer, dense_model
from support.exactness import Case, prove

_INT32 = np.iinfo(np.int32)
_INPUTS = 6

extents = st.one_of(st.integers(1, 9), st.integers(1, 70), st.sampled_from([8, 16, 64, 65]))
zero_points = st.one_of(st.sampled_from([-128, 127, 0]), st.integers(-128, 127))
# What the requantization multiplies by: from almost nothing to left shifts that wrap.
multipliers = st.one_of(
    st.floats(-3.5, -0.5).map(lambda exponent: 10**exponent),
    st.floats(-12, 8).map(lambda exponent: 10**exponent),
    st.sampled_from([1.0, 0.5, 2.0, 2.0**-31, 2.0**-32]),
)
magnitudes = st.floats(-6, 3).map(lambda exponent: 10**exponent)


@st.composite
def layers(draw: st.DrawFn, depth: int, source_scale: float) -> DenseLayer:
    """A layer of every kind that the aot engine takes."""
    outputs = draw(extents)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    per_channel = outputs > 1 and draw(st.booleans())
    weight_scale = draw(magnitudes)
    spread = rng.uniform(0.1, 1.0, outputs if per_channel else 1)
    kind = draw(st.sampled_from(["uniform", "extreme", "sparse", "small"]))
    weights = {
        "uniform": rng.integers(-128, 128, (outputs, depth)),
        "extreme": rng.choice([-128, -127, 127], (outputs, depth)),
        "sparse": rng.integers(-128, 128, (outputs, depth)) * (rng.random((outputs, depth)) < 0.2),
        "small": rng.integers(-3, 4, (outputs, depth)),
    }[kind]
    bias = None
    if draw(st.booleans()):
        limit = 2 ** draw(st.integers(0, 31))
        bias = rng.integers(max(-limit, _INT32.min), min(limit, _INT32.max) + 1, outputs).astype(np.int32)
    return DenseLayer(
        weights=weights.astype(np.int8),
        weight_scales=(weight_scale * spread).astype(np.float32),
        bias=bias,
        output_scale=float(np.float32(source_scale * weight_scale / draw(multipliers))),
        output_zero_point=draw(zero_points),
        activation=draw(st.sampled_from([0, 1, 2, 3])),
        weights_zero_point=0 if per_channel else draw(st.one_of(st.just(0), zero_points)),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A chain of one to three layers, with a batch, and inputs from dense to almost all background."""
    depth, batch = draw(extents), draw(st.integers(1, 3))
    input_scale, input_zero = float(np.float32(draw(magnitudes))), draw(zero_points)
    chain: list[DenseLayer] = []
    scale, width = input_scale, depth
    for _ in range(draw(st.integers(1, 3))):
        layer = draw(layers(width, scale))
        chain.append(layer)
        scale, width = layer.output_scale, len(layer.weights)
    shape = (depth, 1) if draw(st.booleans()) else None
    content = dense_model(
        chain, input_scale=input_scale, input_zero_point=input_zero, batch=batch, image_shape=shape
    )
    return Case(content, _inputs(draw(st.integers(0, 2**32)), batch * depth, input_zero))


def _inputs(seed: int, count: int, zero_point: int) -> NDArray[np.int8]:
    rng = np.random.default_rng(seed)
    dense = rng.integers(-128, 128, (_INPUTS, count))
    dense[0], dense[1] = -128, 127
    dense[2] = rng.choice([-128, 127], count)
    dense[3][rng.random(count) < 0.5] = zero_point
    dense[4] = zero_point
    return dense.astype(np.int8)


def oracle_accepts(content: bytes) -> bool:
    """Whether TensorFlow Lite Micro allocates the model."""
    try:
        runtime.Interpreter.from_bytes(content, arena_size=200_000)
    except RuntimeError:
        return False
    return True


def runs(case: Case) -> bool:
    """Whether the aot engine takes the model."""
    return support(parse_graph(case.content, Path("case.tflite")))[0].runs


def _weights(case: Case) -> NDArray[np.int8]:
    graph = parse_graph(case.content, Path("case.tflite"))
    return resolve(graph, graph.ops[0]).weights


def _zero_point(case: Case) -> int:
    graph = parse_graph(case.content, Path("case.tflite"))
    return resolve(graph, graph.ops[0]).input_zero_point


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(st.lists(cases(), min_size=1, max_size=10))
def test_all_packs_equal_the_oracle(batch: list[Case]) -> None:
    """Many models a compilation: the compiler takes most of the time."""
    prove([case for case in batch if runs(case)])


def test_where_paired_sums_would_not_fit() -> None:
    """Layers on both sides of the bound of paired weights, with the inputs that reach it (can_pair)."""
    batch = []
    for depth in (256, 257, 258, 900):
        weights = np.full((10, depth), 127, np.int8)
        weights[1::4] = -128
        for weight, point in ((weights, -128), (weights, 127), (-weights, 0)):
            layer = DenseLayer(weight.astype(np.int8), np.ones(1, np.float32), None, depth * 300.0, 0)
            batch.append(Case(dense_model([layer], input_zero_point=point), _inputs(depth, depth, point)))
    paired = [can_pair(_weights(case), _zero_point(case)) for case in batch]
    assert set(paired) == {True, False}
    prove(batch)


def test_layers_whose_inputs_are_listed_a_piece_at_a_time() -> None:
    """Depths on both sides of the bound and of whole pieces; batches, single outputs, weights with a zero point."""
    batch, kinds = [], set()
    rng = np.random.default_rng(7)
    for depth, outputs in ((800, 3), (801, 1), (1024, 8), (1537, 17), (1000, 400), (2050, 9), (4001, 4)):
        for weights_zero_point in (0, 5):
            weights = rng.integers(-128, 128, (outputs, depth)).astype(np.int8)
            scales = np.array([0.01], np.float32)
            layer = DenseLayer(weights, scales, None, 8.0, 3, weights_zero_point=weights_zero_point)
            content = dense_model([layer], input_scale=0.1, input_zero_point=-7, batch=2)
            batch.append(Case(content, _inputs(depth, 2 * depth, -7)))
            kinds.add(piecewise(resolve(parse_graph(content, Path("case.tflite")), _op(content))))
    assert kinds == {True, False}
    prove(batch)


def _op(content: bytes) -> Op:
    return parse_graph(content, Path("case.tflite")).ops[0]


def test_where_float32_and_double_products_of_scales_round_apart() -> None:
    """A per-tensor layer multiplies scales in float32: biases at which a product of doubles gives another output."""
    source, weight, output = np.float32(0.1), np.float32(0.3), np.float32(12345.0)
    exact = per_channel_multiplier(source, weight, output)
    rounded = per_tensor_multiplier(source, weight, output)
    ties = [round((step + 0.5) / exact) for step in range(20, 120)]
    biases = [tie + near for tie in ties for near in range(-3, 4) if tie < _INT32.max - 3]
    apart = [bias for bias in biases if round(bias * exact) != round(bias * rounded)]
    assert len(apart) > 10
    layer = DenseLayer(
        weights=np.zeros((len(apart), 1), np.int8),
        weight_scales=np.array([weight], np.float32),
        bias=np.array(apart, np.int32),
        output_scale=float(output),
        output_zero_point=0,
    )
    prove([Case(dense_model([layer], input_scale=float(source)), _inputs(1, 1, 0))])


@pytest.mark.parametrize("right_shift", [0, 1, 2, 15, 30, 31])
def test_ties_at_every_kind_of_shift(right_shift: int) -> None:
    """Accumulators at and beside ties and at the ends of int32, scaled by powers of two."""
    half = 1 << max(right_shift - 1, 0)
    near = [sign * (odd * half + off) for sign in (1, -1) for odd in (1, 3, 5, 255) for off in (-1, 0, 1)]
    ends = [_INT32.min, _INT32.min + 1, _INT32.max - 1, _INT32.max, 0]
    biases = [value for value in near if _INT32.min <= value <= _INT32.max] + ends
    layer = DenseLayer(
        weights=np.zeros((len(biases), 1), np.int8),
        weight_scales=np.full(len(biases), 2.0**-right_shift, np.float32),
        bias=np.array(biases, np.int32),
        output_scale=1.0,
        output_zero_point=-1,
    )
    prove([Case(dense_model([layer], input_scale=1.0), _inputs(1, 1, 0))])


@settings(max_examples=300)
@given(cases())
def test_what_the_oracle_refuses_is_refused(case: Case) -> None:
    if not oracle_accepts(case.content):
        assert not runs(case)
