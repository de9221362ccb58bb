"""`bench/corpus.py`: a folder of files, one by one; nothing that a file does ends it."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ai_edge_litert import schema_py_generated as schema

from model_builder import ModelBuilder, random_model
from support.host_c import ROOT


@pytest.fixture(scope="module")
def corpus() -> ModuleType:
    spec = importlib.util.spec_from_file_location("corpus", ROOT / "bench" / "corpus.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["corpus"] = module
    spec.loader.exec_module(module)
    return module


def cosine() -> bytes:
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 4), 0.5), builder.tensor((1, 4), 0.5)
    builder.op(schema.BuiltinOperator.COS, [source], [sink])
    return builder.build([source], [sink])


def test_a_folder(
    corpus: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, record = tmp_path / "models", tmp_path / "record.jsonl"
    (folder / "someone").mkdir(parents=True)
    (folder / "someone" / "dense.tflite").write_bytes(random_model(1))
    (folder / "cosine.tflite").write_bytes(cosine())
    (folder / "damaged.tflite").write_bytes(random_model(1)[:100])
    command = ["corpus.py", str(folder), "--out", str(record), "--target", "aot_host", "--table"]
    monkeypatch.setattr(sys, "argv", command)
    assert corpus.main() == 0
    said = capsys.readouterr()
    assert "3 files, 1 exported, 0 of them not exact" in said.err
    rows = {row.name: row for row in corpus.load(record).values()}
    dense = rows["someone/dense.tflite"]
    assert dense.runs["aot_host"].verdict == "exact"
    assert dense.operators == ("FULLY_CONNECTED",)
    assert 0 < dense.arena < dense.tflm_arena
    assert dense.tflm is None
    assert rows["cosine.tflite"].refusal == "operator 0 (COS) is not an operator that the aot engine has"
    assert "not a usable .tflite file" in rows["damaged.tflite"].refusal
    assert rows["damaged.tflite"].tflm is not None
    assert "| someone/dense.tflite |" in said.out
    # What stands in the record is not measured again; what is wrong there is told.
    entry = json.loads(record.read_text().splitlines()[-1])
    entry["runs"]["aot_host"]["verdict"] = "diverged"
    record.write_text(record.read_text() + json.dumps(entry) + "\n")
    assert corpus.main() == 1
    assert "wrong: someone/dense.tflite" in capsys.readouterr().err
