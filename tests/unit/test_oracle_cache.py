"""What the oracles computed is kept: taken again for the same content and version, and for no other."""

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

from boardproof_host import oracles
from boardproof_host.oracles import TFLM, OracleOutputs, OracleSet
from boardproof_host.oracles.edges import Bytes
from boardproof_host.oracles.oracle import LITERT
from model_builder import random_model
from support.small_models import random_bytes


def run_once(model: Path, inputs: Bytes, cache: Path) -> dict[str, OracleOutputs]:
    with oracles.start(model, inputs, cache, OracleSet((TFLM, LITERT), stand_in=False)) as run:
        return run.result()


def test_outputs_come_from_the_cache_the_second_time(tiny: Path, tmp_path: Path) -> None:
    inputs = random_bytes(30, 3)
    first = run_once(tiny, inputs, tmp_path / "cache")
    with oracles.start(tiny, inputs, tmp_path / "cache", OracleSet((TFLM, LITERT), stand_in=False)) as run:
        assert run.poll() == {"tflm": 30, "litert": 30}
        second = run.result()
    for name, got in second.items():
        assert got.cached and got.seconds == 0
        assert np.array_equal(got.outputs, first[name].outputs)


@pytest.mark.parametrize("change", ["model", "inputs", "order", "selection"])
def test_another_content_is_computed_anew(change: str, tiny: Path, tmp_path: Path) -> None:
    inputs, cache = random_bytes(30, 3), tmp_path / "cache"
    run_once(tiny, inputs, cache)
    if change == "model":
        tiny.write_bytes(random_model(3, depths=(3, 2)))
    elif change == "inputs":
        inputs[29, 2] ^= 1
    elif change == "order":
        inputs = inputs[::-1]
    else:
        inputs = inputs[:20]
    assert not any(got.cached for got in run_once(tiny, inputs, cache).values())


def test_another_version_is_computed_anew(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = random_bytes(5, 3)
    run_once(tiny, inputs, tmp_path / "cache")
    real = importlib.metadata.version

    def newer(name: str) -> str:
        return "99.0" if name == "tflite-micro" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", newer)
    result = run_once(tiny, inputs, tmp_path / "cache")
    assert not result["tflm"].cached and result["tflm"].version == "99.0"
    assert result["litert"].cached


@pytest.mark.parametrize("damage", ["bit", "short", "empty", "text"])
def test_a_damaged_cache_file_is_computed_anew(damage: str, tiny: Path, tmp_path: Path) -> None:
    inputs, cache = random_bytes(30, 3), tmp_path / "cache"
    expected = run_once(tiny, inputs, cache)["tflm"].outputs
    (path,) = cache.glob("tflm-*.npy")
    whole = path.read_bytes()
    flipped = whole[:150] + bytes([whole[150] ^ 1]) + whole[151:]
    path.write_bytes({"bit": flipped, "short": whole[:-1], "empty": b"", "text": b"no array" * 9}[damage])
    result = run_once(tiny, inputs, cache)
    assert not result["tflm"].cached and result["litert"].cached
    assert np.array_equal(result["tflm"].outputs, expected)
    assert path.read_bytes() == whole
    assert sorted(file.suffix for file in cache.iterdir()) == [".npy", ".npy"]


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = run_once(tiny, random_bytes(5, 3), tmp_path / "file")
    assert len(result) == 2
    assert "not cached" in caplog.text
