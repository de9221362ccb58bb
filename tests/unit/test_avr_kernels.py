"""The avr kernels: arrays that avr-gcc takes, and the same outputs as the portable kernels where the layout is cut."""

import re
from pathlib import Path

import numpy as np

from boardproof_export.commands import export
from boardproof_export.operators.dense import AVR_ROWS, pack_avr
from boardproof_export.operators.fully_connected import resolve
from boardproof_export.shared.model import parse_graph
from host_engine import RenderedModel, compile_engine
from model_builder import DenseLayer, dense_model

LARGEST_ARRAY = 32767  # bytes, of avr-gcc


def test_the_last_block_is_filled_up_and_every_weight_has_128_added() -> None:
    weights = np.array([[-128, 127], [1, 2], [3, 4], [5, 6], [7, 8]], dtype=np.int8)
    layer = DenseLayer(weights, np.ones(1, np.float32), None, 1.0, 0)
    graph = parse_graph(dense_model([layer]), Path("m.tflite"))
    packed = pack_avr(resolve(graph, graph.ops[0])).arrays[0]
    assert packed.values.dtype == np.uint8
    blocks = [array.tolist() for array in packed.pieces]
    assert blocks == [
        [0, 129, 131, 133, 255, 130, 132, 134],
        [135, 128, 128, 128, 136, 128, 128, 128],
    ]


def test_more_inputs_than_an_array_holds(tmp_path: Path) -> None:
    """Two layers of weights cut at 8,000 inputs, against the portable kernel, which cuts nothing."""
    depth, outputs = AVR_ROWS + 3, 6
    rng = np.random.default_rng(11)
    layer = DenseLayer(
        weights=rng.integers(-128, 128, (outputs, depth)).astype(np.int8),
        weight_scales=rng.uniform(0.001, 0.002, outputs).astype(np.float32),
        bias=rng.integers(-99999, 99999, outputs).astype(np.int32),
        output_scale=3.0,
        output_zero_point=4,
    )
    path = tmp_path / "wide.tflite"
    path.write_bytes(dense_model([layer], input_zero_point=9))
    export.render(path, tmp_path / "out", ["portable", "avr"])
    source = (tmp_path / "out" / "avr" / "model_aot.c").read_text(encoding="utf-8")
    sizes = [int(size) for size in re.findall(r"_weights_\d+\[(\d+)\]", source)]
    assert sizes == [4 * AVR_ROWS, 4 * 3] * 2
    assert max(sizes) <= LARGEST_ARRAY
    models = [
        RenderedModel(tmp_path / "out" / kernels, (depth,), (outputs,)) for kernels in ("portable", "avr")
    ]
    engine = compile_engine(tmp_path / "build", models)
    inputs = rng.integers(-128, 128, (4, depth)).astype(np.int8)
    expected = engine.run(0, inputs)
    assert len(np.unique(expected)) > outputs
    np.testing.assert_array_equal(engine.run(1, inputs), expected)
