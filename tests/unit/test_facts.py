"""What the host asks `export` of a model, and what is kept of the answer."""

from pathlib import Path

import pytest

from boardproof_export.commands import facts
from boardproof_export.commands.facts import facts_of
from boardproof_export.shared.memory import TflmArena
from support.host_c import ROOT

REFERENCE = ROOT / "models" / "fashion_mnist_int8.tflite"


def test_the_engine_aot(tmp_path: Path) -> None:
    found = facts_of(REFERENCE, "aot", "dsp", tmp_path)
    kernel = "aot_fully_connected_dsp"
    assert [(op.name, op.kernel) for op in found.ops] == [
        ("RESHAPE", None),
        ("FULLY_CONNECTED", kernel),
        ("FULLY_CONNECTED", kernel),
    ]
    assert [op.macs for op in found.ops] == [0, 784 * 128, 1280]
    assert found.memory is not None and found.memory.core == "dsp" and found.memory.ops == 3


@pytest.mark.parametrize("kernels", ["cmsis-nn", "reference", "kernels of a later version"])
def test_the_engine_tflm_plans_on_the_board(kernels: str, tmp_path: Path) -> None:
    found = facts_of(REFERENCE, "tflm", kernels, tmp_path)
    assert found.memory is None and [op.kernel for op in found.ops] == [None] * 3
    assert found.ops[1].macs == 784 * 128
    assert facts_of(REFERENCE, "aot", kernels, tmp_path).memory is None


def test_tensorflow_lite_micro_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def arena(*_: object) -> TflmArena:
        asked.append(1)
        return TflmArena(16 * len(asked), 32, measured=True)

    monkeypatch.setattr(facts, "tflm_arena", arena)
    kept = tmp_path / "kept"
    answers = [facts_of(REFERENCE, "aot", "dsp", kept).memory for _ in range(3)]
    assert len(asked) == 1 and answers[0] == answers[1] == answers[2]
    (place,) = kept.iterdir()
    place.write_text("{")
    again = facts_of(REFERENCE, "aot", "dsp", kept).memory
    assert again is not None and again.tflm is not None and again.tflm.tensors == 32 and len(asked) == 2
    unwritable = tmp_path / "file"
    unwritable.write_text("")
    assert facts_of(REFERENCE, "aot", "dsp", unwritable).memory is not None
    monkeypatch.setattr(facts, "tflm_arena", lambda *_: None)
    for _ in range(2):
        refused = facts_of(REFERENCE, "aot", "portable", tmp_path / "none").memory
        assert refused is not None and refused.tflm is None
