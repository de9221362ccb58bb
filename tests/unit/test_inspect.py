"""`boardproof inspect`: sizes, MACs and, for each engine, why not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boardproof_export.commands import inspect, inspect_table
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
        ((FLOAT32, FLOAT32, FLOAT32), "input is FLOAT32, and nothing in it is INT8", None),
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
    assert any("operator 0 (DEQUANTIZE) reads FLOAT16" in reason for reason in reasons(content, "tflm"))
    assert any("operator 0 (DEQUANTIZE) makes FLOAT32 of FLOAT16" in r for r in reasons(content, "aot"))


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


def test_sixty_columns_split_no_word() -> None:
    record = record_of(random_model(5, depths=(20, 12, 5)))
    long_name = "sequential/dense/MatMul;sequential/dense/Relu;sequential/dense/BiasAdd;and/so/on"
    record["tensors"][0]["name"] = long_name
    record["ops"][0] |= {
        "code": "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "inputs": list(range(24)),
        "macs": 12_501_632,
    }
    shown = list(inspect_table.lines(record, Path("m.tflite"), 60))
    assert max(map(len, shown)) <= 60
    words = {word for line in inspect_table.lines(record, Path("m.tflite"), 10_000) for word in line.split()}
    shortened = {word for line in shown for word in line.split() if word not in words}
    assert {"..." in word for word in shortened} == {True}, shortened  # the SHA-256 and the long name
    assert long_name in " ".join(inspect_table.lines(record, Path("m.tflite"), 10_000))


def test_a_pipe_gets_plain_lines_and_a_command_that_can_be_copied(tmp_path: Path) -> None:
    path = tmp_path / "my model.tflite"
    path.write_bytes(tiny_model())
    code = "import sys; from boardproof_host.commands.main import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-c", code, "inspect", path],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.isascii()
    assert all(line == line.rstrip() for line in done.stdout.splitlines())
    assert done.stdout.splitlines()[-1] == f"next: boardproof export '{path}'"


def test_what_a_file_calls_its_operators_cannot_speak_to_a_terminal() -> None:
    builder = ModelBuilder()
    source, result = builder.tensor((1, 4), 0.5), builder.tensor((1, 4), 0.5)
    builder.op(schema.BuiltinOperator.CUSTOM, [source], [result], custom="\x1b]0;title\x07\u202eevil")
    record = record_of(builder.build([source], [result]))
    record["model"]["name"] = "\x1b[31m"
    shown = "\n".join(inspect_table.lines(record, Path("m.tflite"), 80))
    assert "evil" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_an_engine_is_asked_what_export_would_ask() -> None:
    """State that nobody puts back, an input whose scale cannot be told: `export` refuses them."""
    builder = ModelBuilder()
    source, result = builder.tensor((1, 4), 0.1, 0), builder.tensor((1, 4), 0.1, 0)
    builder.op(schema.BuiltinOperator.CUSTOM, [source], [result], custom="CIRCULAR_BUFFER")
    assert "keeps state" in reasons(builder.build([source], [result]), "tflm")[0]
    builder = ModelBuilder()
    source, result = builder.tensor((1, 2), float("inf")), builder.tensor((2, 1), 0.5)
    builder.reshape(source, result)
    assert "scale that is not positive" in reasons(builder.build([source], [result]), "tflm")[0]


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


def test_kernels_are_told_by_core_profile() -> None:
    builder = ModelBuilder()
    source, flat = builder.tensor((1, 4), 0.5), builder.tensor((2, 2), 0.5)
    result = builder.tensor((2, 2), 1 / 256, -128)
    builder.reshape(source, flat)
    builder.softmax(flat, result)
    ops = inspect.record(parse_graph(builder.build([source], [result]), Path("m.tflite")))["ops"]
    assert [op["kernels"] for op in ops] == [
        dict.fromkeys(("portable", "dsp", "avr")),
        dict.fromkeys(("portable", "dsp", "avr"), "aot_softmax"),
    ]
