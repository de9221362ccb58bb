"""The stand-in oracle computes what TensorFlow Lite Micro computes, and says its name."""

from pathlib import Path

import numpy as np

from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_host.oracles import oracle
from boardproof_host.oracles.stand_in import AOT_HOST
from support.host_c import ROOT

MODEL = ROOT / "models" / "fashion_mnist_int8.tflite"


def test_it_stands_in_where_there_is_no_wheel() -> None:
    chosen = oracle.default_oracles(AOT_HOST, tflm_wheel=False)
    assert chosen.stand_in
    assert chosen.reference.name == "aot-host"


def test_it_equals_tensorflow_lite_micro(tmp_path: Path) -> None:
    images = dataset.load("test").images[:200]
    inputs = dataset.quantize(images, 1 / 255, -128)
    random = np.random.default_rng(7).integers(-128, 128, (50, inputs.shape[1]), dtype=np.int8)
    inputs = np.concatenate([inputs, random])
    pair = oracle.OracleSet((oracle.TFLM, AOT_HOST), stand_in=False)
    with oracle.start(MODEL, inputs, tmp_path, pair) as run:
        outputs = run.result()
    assert np.array_equal(outputs["tflm"].outputs, outputs["aot-host"].outputs)
    assert len(np.unique(outputs["tflm"].outputs)) > 50
