"""Rendering for TensorFlow Lite Micro: the resolver, the arena's size, what is refused. No library source is needed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from boardproof_export.commands import export
from boardproof_export.model.config import TflmConfig, render_config
from boardproof_export.operators.registry import total_macs
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.manifest import read_manifest
from boardproof_export.shared.model import Graph, Op, parse_graph
from boardproof_export.tflm import arena as tflm_arena
from boardproof_export.tflm import render as tflm_render
from boardproof_export.tflm import resolver as tflm_ops
from boardproof_export.tflm.limits import _TFLM_CUSTOM_OPS, _TFLM_OPS, firmware_reasons
from model_builder import FLOAT32, INT8, INT32, ModelBuilder, random_model, schema, tiny_model
from support.host_c import FIRMWARE, ROOT

GOLDEN = ROOT / "tests" / "golden" / "tflm"
OPS = schema.BuiltinOperator
INT4 = schema.TensorType.INT4
FILES = {"model_data.c", "model_data.h", "model_config.h", "model_ops.h", "manifest.json"}
needs_tflm = pytest.mark.skipif(
    importlib.util.find_spec("tflite_micro") is None, reason="PyPI's tflite-micro has no wheel here"
)


def graph_of(content: bytes) -> Graph:
    return parse_graph(content, Path("model.tflite"))


def softmax_model(builtin: int = OPS.SOFTMAX, dtype: int = INT8) -> bytes:
    """One operator, int8 to int8 (or `dtype` in between), that the ahead-of-time engine does not have."""
    builder = ModelBuilder()
    source = builder.tensor((1, 4), 0.1, 0)
    output = builder.tensor((1, 4), 1 / 256, -128, dtype=dtype)
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    builder.op(builtin, [source], [output], options, schema.BuiltinOptions.SoftmaxOptions)
    return builder.build([source], [output])


def conv_model(weight_type: int = INT8) -> bytes:
    """CONV_2D twice, weights of type INT8 or INT4, then PAD: 4 x 4 x 3 to 6 x 6 x 2."""
    builder = ModelBuilder()
    source = builder.tensor((1, 4, 4, 3), 0.1, 0)
    current = source
    for depth in (3, 5):
        outputs = 5 if depth == 3 else 2
        weights = builder.tensor(
            (outputs, 1, 1, depth),
            np.full(outputs, 0.1, np.float32),
            dtype=weight_type,
            data=np.ones(outputs * depth if weight_type == INT8 else (outputs * depth + 1) // 2, np.int8),
        )
        bias = builder.tensor((outputs,), 0.01, dtype=INT32, data=np.zeros(outputs, np.int32))
        output = builder.tensor((1, 4, 4, outputs), 0.1, 0)
        options = schema.Conv2DOptionsT()
        options.strideW = options.strideH = options.dilationWFactor = options.dilationHFactor = 1
        kind = schema.BuiltinOptions.Conv2DOptions
        builder.op(OPS.CONV_2D, [current, weights, bias], [output], options, kind)
        current = output
    paddings = builder.tensor((4, 2), dtype=INT32, data=np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    padded = builder.tensor((1, 6, 6, 2), 0.1, 0)
    builder.op(OPS.PAD, [current, paddings], [padded], schema.PadOptionsT(), schema.BuiltinOptions.PadOptions)
    return builder.build([source], [padded])


def test_golden() -> None:
    """BOARDPROOF_UPDATE_GOLDEN=1 writes the files anew; read the difference before you commit it."""
    graph = parse_graph(tiny_model(), Path("tiny.tflite"))
    files = render_config(graph, macs=total_macs(graph), tflm=TflmConfig(2048, 512))
    files |= tflm_render.render_resolver(graph)
    if os.environ.get("BOARDPROOF_UPDATE_GOLDEN"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (GOLDEN / name).write_text(text)
    for name, text in files.items():
        assert text == (GOLDEN / name).read_text(), name


def test_every_operator_has_its_method() -> None:
    """The list was held against micro_mutable_op_resolver.h of August 2026, which CI does not have."""
    ops = [
        Op(0, code, 0, custom, 1, (), (), None)
        for codes, custom in ((_TFLM_OPS, False), (_TFLM_CUSTOM_OPS, True))
        for code in sorted(codes)
    ]
    text = "".join(f"{op.code} {tflm_ops.registration(op).method}\n" for op in ops)
    if os.environ.get("BOARDPROOF_UPDATE_GOLDEN"):
        (GOLDEN / "methods.txt").write_text(text)
    assert text == (GOLDEN / "methods.txt").read_text()


def test_an_operator_is_registered_once_and_for_int8() -> None:
    resolver = tflm_ops.resolver(graph_of(conv_model()))
    assert resolver.calls == (
        "AddConv2D(tflite::Register_CONV_2D_INT8())",
        "AddPad(tflite::Register_PAD_INT8())",
    )
    assert resolver.headers == ("tensorflow/lite/micro/kernels/pad.h",)


def test_other_types_get_the_general_registration() -> None:
    assert tflm_ops.resolver(graph_of(conv_model(INT4))).calls[0] == "AddConv2D()"
    assert tflm_ops.resolver(graph_of(softmax_model(dtype=FLOAT32))).calls == ("AddSoftmax()",)
    assert tflm_ops.resolver(graph_of(softmax_model(OPS.LOGISTIC))).calls == ("AddLogistic()",)


@needs_tflm
@pytest.mark.parametrize(
    "content",
    [tiny_model(), random_model(1), random_model(2, depths=(784, 128, 10)), softmax_model(), conv_model()],
    ids=["tiny", "dense", "wide", "softmax", "conv"],
)
def test_the_estimate_is_no_less_than_the_measurement(content: bytes) -> None:
    graph = graph_of(content)
    measured, estimated = tflm_arena.measured(graph, Path("m")), tflm_arena.estimated(graph)
    assert measured is not None
    assert 0 < measured.head <= estimated.head
    assert 0 < measured.tail <= estimated.tail
    assert 0 < measured.pointers <= estimated.pointers
    assert tflm_arena.arena_bytes(graph, Path("m")) >= measured.head + measured.tail - measured.pointers // 2


@needs_tflm
def test_the_measurement_is_the_interpreters_own() -> None:
    """The reference model: two images of 784 bytes at the bottom (RESHAPE copies)."""
    model = ROOT / "models" / "fashion_mnist_int8.tflite"
    measured = tflm_arena.measured(graph_of(model.read_bytes()), model)
    assert measured is not None
    assert measured.head == 2 * 784
    assert 1500 < measured.tail < 3000


@needs_tflm
def test_the_rule_holds_where_planning_decides() -> None:
    """A long chain of narrow layers: the lists of the planner are larger than its tensors. The rule's terms, with the
    widths of a 64-bit host, are what the interpreter starts with, and 2 % less is not enough."""
    graph = graph_of(random_model(3, depths=(8,) * 61))
    measured = tflm_arena.measured(graph, Path("m"))
    assert measured is not None
    planned = sum(tensor.data is None for tensor in graph.tensors)
    wide = measured.tail + 192 + 32 * len(graph.tensors) + 44 * planned
    assert starts(graph, wide) and not starts(graph, wide - wide // 50)
    narrow = tflm_arena.arena_bytes(graph, Path("m"))
    assert narrow < measured.tail - measured.pointers // 2 + 68 * len(graph.tensors)


def starts(graph: Graph, arena: int) -> bool:
    command = [sys.executable, "-c", tflm_arena._PROBE, str(arena)]
    return subprocess.run(command, input=graph.content, capture_output=True, check=False).returncode == 0


def test_cores_with_mve_get_the_scratch_of_their_dense_layers() -> None:
    graph = graph_of(random_model(1, depths=(9, 300, 3)))
    assert tflm_arena.mve_scratch(graph) == 4 * 300
    (config,) = render_config(graph, tflm=TflmConfig(1024, tflm_arena.mve_scratch(graph))).values()
    lines = config.splitlines()
    at = next(number for number, line in enumerate(lines) if "__ARM_FEATURE_MVE" in line)
    assert [line.split()[-1] for line in (lines[at + 1], lines[at + 3])] == ["2224", "1024"]


def test_without_tflite_micro_the_arena_is_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tflite_micro.py").write_text("raise ImportError('no wheel for this machine')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    graph = graph_of(random_model(1))
    assert tflm_arena.measured(graph, Path("m")) is None
    estimated = tflm_arena.estimated(graph)
    needed = estimated.head + estimated.tail - estimated.pointers // 2
    assert tflm_arena.arena_bytes(graph, Path("m")) >= needed


def test_renders_what_the_other_engine_cannot_run(tmp_path: Path) -> None:
    path = tmp_path / "sin.tflite"
    path.write_bytes(softmax_model(OPS.SIN))
    (manifest,) = export.render(path, tmp_path / "out", [])
    assert {file.name for file in (tmp_path / "out" / "tflm").iterdir()} == FILES
    assert read_manifest(tmp_path / "out" / "tflm") == manifest
    assert (manifest.engine, manifest.core, manifest.constants_bytes) == ("tflm", "tflm", path.stat().st_size)
    assert [op.name for op in manifest.ops] == ["SIN"]
    config = (tmp_path / "out" / "tflm" / "model_config.h").read_text()
    assert f"#define MODEL_TFLM_ARENA_NEEDED {manifest.arena_bytes}\n" in config
    assert "MVE" not in config  # no dense layer
    with pytest.raises(InputError, match=r"operator 0 \(SIN\) is not an operator that the aot engine has"):
        export.render(path, tmp_path / "out", ["tflm", "portable"])


def test_no_kernels_named_means_all_that_run(tmp_path: Path) -> None:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    folders = [manifest.core for manifest in export.render(path, tmp_path / "out", [])]
    assert set(folders) > {"tflm", "portable", "dsp"}


def test_same_file_gives_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    for out in ("one", "two"):
        export.render(path, tmp_path / out, ["tflm"])
    for name in FILES:
        assert (tmp_path / "one" / "tflm" / name).read_bytes() == (
            tmp_path / "two" / "tflm" / name
        ).read_bytes()


def test_refuses_an_operator_that_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(softmax_model(OPS.SEGMENT_SUM))
    with pytest.raises(
        InputError, match=r"operator 0 \(SEGMENT_SUM\) is not an operator of TensorFlow Lite Micro"
    ):
        export.render(path, tmp_path / "out", ["tflm"])
    assert not (tmp_path / "out").exists()


def test_state_that_the_engine_puts_back_is_taken_and_other_state_refused() -> None:
    builder = ModelBuilder()
    source, state, output = (builder.tensor((1, 4), 0.1, 0) for _ in range(3))
    builder.tensors[state].isVariable = True
    builder.op(OPS.ADD, [source, state], [output], schema.AddOptionsT(), schema.BuiltinOptions.AddOptions)
    graph = graph_of(builder.build([source], [output]))
    assert list(firmware_reasons(graph)) == []
    (config,) = render_config(graph).values()
    assert "#define MODEL_HAS_VARIABLES 1" in config
    builder = ModelBuilder()
    source, output = builder.tensor((1, 4), 0.1, 0), builder.tensor((1, 4), 0.1, 0)
    builder.op(OPS.CUSTOM, [source], [output], custom="CIRCULAR_BUFFER")
    (reason,) = firmware_reasons(graph_of(builder.build([source], [output])))
    assert str(reason).startswith("operator 0 (CIRCULAR_BUFFER) keeps state")


@needs_tflm
def test_a_model_that_the_interpreter_refuses_is_refused_with_its_words(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(softmax_model(OPS.ADD))  # one input instead of two
    with pytest.raises(InputError, match=r"TensorFlow Lite Micro cannot prepare .*m\.tflite: .+"):
        export.render(path, tmp_path / "out", ["tflm"])
    assert not (tmp_path / "out").exists()


FORMAT_PROGRAM = r"""
#include <cstdio>
#include "engine/tflm/format.h"
static void put(void *, char character) { std::putchar(character); }
static void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::printf(" %zu\n", boardproof::Format(put, nullptr, format, arguments));
  va_end(arguments);
}
int main() {
  say("Requested: %u, missing: %d %s", 12u, -3, "words");
  say("%5d|%-4u|%02x|%lld|%zu|%ld", 7, 8u, 255u, -9223372036854775807LL - 1, sizeof(char), -5L);
  say("%c%%%p %f %s", 'c', reinterpret_cast<void *>(0xabc), 3.9, static_cast<const char *>(nullptr));
  say("100%");
}
"""


def test_messages_are_formatted(tmp_path: Path) -> None:
    """The board's little printf, compiled for the host with sanitizers."""
    (tmp_path / "program.cc").write_text(FORMAT_PROGRAM)
    sources = [tmp_path / "program.cc", FIRMWARE / "engine" / "tflm" / "format.cc"]
    flags = [
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wconversion",
        "-Wshadow",
        "-fno-exceptions",
        "-fno-rtti",
    ]
    sanitize = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{FIRMWARE}"]
    subprocess.run(
        ["g++", *flags, *sanitize, *map(str, sources), "-o", str(tmp_path / "program")], check=True
    )
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "Requested: 12, missing: -3 words 32",
        "7|8|ff|-9223372036854775808|1|-5 32",
        "c%abc 3 (null) 14",
        "100 3",
    ]
