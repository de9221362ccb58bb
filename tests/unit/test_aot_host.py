"""The stand-in oracle computes what TensorFlow Lite Micro computes, says its name, and is known by its sources."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_host import oracles
from boardproof_host.oracles import AOT_HOST, TFLM, OracleSet
from boardproof_host.oracles.oracle import oracle_version
from boardproof_host.oracles.stand_in import sources_digest
from model_builder import tiny_model
from support.host_c import ROOT

MODEL = ROOT / "models" / "fashion_mnist_int8.tflite"


def test_it_stands_in_where_there_is_no_wheel() -> None:
    chosen = oracles.default_oracles(AOT_HOST, tflm_wheel=False)
    assert chosen.stand_in
    assert chosen.reference.name == "aot-host"


def test_it_equals_tensorflow_lite_micro(tmp_path: Path) -> None:
    images = dataset.load("test").images[:200]
    inputs = dataset.quantize(images, 1 / 255, -128)
    random = np.random.default_rng(7).integers(-128, 128, (50, inputs.shape[1]), dtype=np.int8)
    inputs = np.concatenate([inputs, random])
    pair = OracleSet((TFLM, AOT_HOST), stand_in=False)
    with oracles.start(MODEL, inputs.view(np.uint8), tmp_path, pair) as run:
        outputs = run.result()
        assert not run.failed
    assert np.array_equal(outputs["tflm"].outputs, outputs["aot-host"].outputs)
    assert len(np.unique(outputs["tflm"].outputs)) > 50


def test_without_a_checkout_the_hint_says_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOARDPROOF_PROJECT", str(tmp_path))
    sources_digest.cache_clear()
    with pytest.raises(InputError, match="compiled from a checkout") as caught:
        oracle_version(AOT_HOST)
    assert "clone boardproof" in caught.value.hint


def test_other_kernels_are_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel changes and boardproof's version does not: nothing that the old one computed may be compared with."""
    for name in ("firmware", "platformio.ini"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("generated", "platform"))
        else:
            shutil.copy(source, tmp_path / name)
    model = tmp_path / "tiny.tflite"
    model.write_bytes(tiny_model())
    monkeypatch.setenv("BOARDPROOF_PROJECT", str(tmp_path))
    alone = OracleSet((AOT_HOST,), stand_in=True)

    def computed() -> tuple[bool, str]:
        sources_digest.cache_clear()
        with oracles.start(model, np.zeros((4, 3), np.uint8), tmp_path / "cache", alone) as run:
            got = run.result()["aot-host"]
        assert got.version == oracle_version(AOT_HOST)
        return got.cached, got.version

    _, before = computed()
    assert computed() == (True, before)
    kernel = next((tmp_path / "firmware" / "src" / "engine" / "aot").rglob("requantize.c"))
    kernel.write_text(kernel.read_text() + "\n/* another */\n")
    cached, after = computed()
    assert not cached
    assert after != before
    sources_digest.cache_clear()
