"""`boardproof inspect`: sizes, MACs and, for each engine, why not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boardproof_export.commands import inspect
from boardproof_export.shared.model import parse_graph
from model_builder import FLOAT32, INT8, ModelBuilder, random_model, schema, tiny_model

_FLOAT16 = schema.TensorType.FLOAT16
_INT16 = schema.TensorType.INT16


def record_of(content: bytes) -> dict[str, Any]:
    return inspect.record(parse_graph(content, Path("model.tflite")))


def reasons(content: bytes, engine: str) -> list[str]:
    (answer,) = (entry for entry in record_of(content)["engines"] if entry["name"] == engine)
    assert answer["runs"] == (not answer["reasons"])
    return [reason["text"] for reason in answer["reasons"]]


def dense_of_types(source: int, weights: int, output: int) -> bytes:
    """One FULLY_CONNECTED of the given types, 4 to 2."""
    builder = ModelBuilder()
    sizes = {INT8: np.int8, FLOAT32: np.float32, _FLOAT16: np.float16, _INT16: np.int16}
    tensors = [
        builder.tensor((1, 4), 0.5, dtype=source),
        builder.tensor((2, 4), 0.5, dtype=weights, data=np.zeros((2, 4), sizes[weights])),
    ]
    result = builder.tensor((1, 2), 0.5, dtype=output)
    builder.fully_connected(tensors, result)
    return builder.build([tensors[0]], [result])


def test_counts_of_a_chain() -> None:
    record = record_of(random_model(5, depths=(20, 12, 5), batch=3))
    assert record["schema"] == "boardproof.inspect/1"
    assert [op["macs"] for op in record["ops"]] == [3 * 20 * 12, 3 * 12 * 5]
    assert record["macs"] == 3 * (20 * 12 + 12 * 5)
    assert [op["constant_bytes"] for op in record["ops"]] == [20 * 12 + 4 * 12, 12 * 5 + 4 * 5]
    assert record["constants_bytes"] == 20 * 12 + 4 * 12 + 12 * 5 + 4 * 5
    weights = record["tensors"][record["ops"][0]["inputs"][1]]
    assert (weights["quantization"]["kind"], weights["quantization"]["axis"]) == ("per-channel", 0)
    source = record["tensors"][record["inputs"][0]]
    assert source["quantization"] == {
        "kind": "per-tensor",
        "axis": None,
        "scales": [float(np.float32(0.02))],
        "zero_points": [-128],
    }
    assert all(engine["runs"] for engine in record["engines"])


@pytest.mark.parametrize(
    ("types", "aot", "tflm"),
    [
        ((FLOAT32, FLOAT32, FLOAT32), "input is FLOAT32, not INT8", None),
        (
            (FLOAT32, INT8, FLOAT32),
            "operator 0 (FULLY_CONNECTED) is hybrid",
            "operator 0 (FULLY_CONNECTED) is hybrid",
        ),
        ((_INT16, INT8, _INT16), "operator 0 (FULLY_CONNECTED) has INT16 input", None),
    ],
)
def test_types_that_do_not_run(types: tuple[int, int, int], aot: str, tflm: str | None) -> None:
    content = dense_of_types(*types)
    assert any(aot in reason for reason in reasons(content, "aot"))
    said = reasons(content, "tflm")
    assert said == [] if tflm is None else tflm in said[0]


def test_float16_weights_run_nowhere() -> None:
    builder = ModelBuilder()
    half = builder.tensor((2, 4), dtype=_FLOAT16, data=np.zeros((2, 4), np.float16))
    whole = builder.tensor((2, 4), dtype=FLOAT32)
    builder.op(schema.BuiltinOperator.DEQUANTIZE, [half], [whole])
    content = builder.build([half], [whole])
    assert "operator 0 (DEQUANTIZE) reads FLOAT16" in reasons(content, "tflm")[0]
    assert any(
        "operator 0 (DEQUANTIZE) is not an operator that the aot engine has" in r
        for r in reasons(content, "aot")
    )


def test_custom_and_unknown_operators_are_named() -> None:
    builder = ModelBuilder()
    source, middle, result = (builder.tensor((1, 4), 0.5) for _ in range(3))
    builder.reshape(source, middle)
    builder.op(schema.BuiltinOperator.CUSTOM, [middle], [result], custom="MyOp")
    builder.op(schema.BuiltinOperator.HASHTABLE, [middle], [result])
    said = reasons(builder.build([source], [result]), "tflm")
    assert said[0].startswith("operator 1 (MyOp) is a custom operator")
    assert said[1].startswith("operator 2 (HASHTABLE) is not an operator")


def test_open_batch_is_a_reason_for_aot() -> None:
    builder = ModelBuilder()
    source = builder.tensor((-1, 4), 0.5)
    result = builder.tensor((2, 2), 0.5)
    builder.reshape(source, result)
    said = reasons(builder.build([source], [result]), "aot")
    assert any("open batch" in reason for reason in said)


def test_table_shows_what_a_reader_looks_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    assert inspect.run(model=path, as_json=False) == 0
    shown = capsys.readouterr().out
    for text in (
        "FULLY_CONNECTED + RELU",
        "1x3",
        "6 MACs",
        "14 bytes of constants",
        "aot: runs it",
        "tflm: runs it",
    ):
        assert text in shown


def test_json_is_the_whole_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    assert inspect.run(model=path, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["model"]["bytes"] == len(tiny_model())


def test_scales_that_json_cannot_hold() -> None:
    builder = ModelBuilder()
    source, result = builder.tensor((1, 2), float("inf")), builder.tensor((2, 1), float("nan"))
    builder.reshape(source, result)
    record = record_of(builder.build([source], [result]))
    json.dumps(record, allow_nan=False)
    assert record["tensors"][0]["quantization"]["scales"] == [None]
    assert any("scale that is not positive and finite" in limit for limit in record["firmware_limits"])


def test_needs_no_heavy_module(tmp_path: Path) -> None:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    code = (
        "import sys; from pathlib import Path; from boardproof_export.commands import inspect\n"
        f"inspect.run(model=Path({str(path)!r}), as_json=False)\n"
        "heavy = {'tensorflow', 'ai_edge_litert', 'tflite_micro', 'jinja2', 'keras'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
