"""`boardproof export`: golden files, the same bytes every time, whole renderings or none, and C that compiles."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, resolve
from boardproof_export.commands import export
from boardproof_export.model.rendering import from_template
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.manifest import Manifest, read_manifest
from boardproof_export.shared.model import parse_graph
from host_engine import FIRMWARE, RenderedModel, compile_engine, run_compiler
from model_builder import (
    DenseLayer,
    ModelBuilder,
    add_dense,
    dense_model,
    random_model,
    schema,
    tiny_model,
)

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "export"
FILES = {"model_config.h", "model_aot.c", "manifest.json"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kernels", CORES)
def test_golden(kernels: str) -> None:
    """BOARDPROOF_UPDATE_GOLDEN=1 writes the files anew; read the difference before you commit it."""
    graph = parse_graph(tiny_model(), Path("tiny.tflite"))
    network = resolve(graph)
    assert isinstance(network, Network)
    manifest, files = export.render_aot(network, CORES[kernels])
    folder = GOLDEN / kernels
    if os.environ.get("BOARDPROOF_UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        replace(manifest, exporter="-").write(folder)
    assert {path.name for path in folder.iterdir()} == FILES
    for name, text in files.items():
        assert text == (folder / name).read_text(), name
    assert replace(manifest, exporter="-") == read_manifest(folder)


def test_the_command_keeps_the_model(tiny: Path, tmp_path: Path) -> None:
    """For the builds to come; rendering alone, which every build does, does not: it would look like an export."""
    export.run(model=tiny, out=tmp_path / "out", kernels=["portable"], as_json=True)
    assert (tmp_path / "out" / "model" / tiny.name).read_bytes() == tiny_model()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"portable", "model"}


def test_without_a_checkout_a_folder_has_to_be_named(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "project_if_any", lambda: None)
    with pytest.raises(InputError, match="no checkout") as caught:
        export.run(model=tiny, out=None, kernels=None, as_json=False)
    assert "--out" in caught.value.hint


def test_renders_for_all_kernels(tiny: Path, tmp_path: Path) -> None:
    manifests = export.render(tiny, tmp_path / "out", ["portable", "dsp"])
    assert [manifest.core for manifest in manifests] == ["portable", "dsp"]
    for manifest in manifests:
        folder = tmp_path / "out" / manifest.core
        assert {path.name for path in folder.iterdir()} == FILES
        assert read_manifest(folder) == manifest
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"portable", "dsp"}


def test_same_file_gives_same_bytes_and_is_not_written_again(tiny: Path, tmp_path: Path) -> None:
    export.render(tiny, tmp_path / "one", ["portable", "dsp"])
    export.render(tiny, tmp_path / "two", ["portable", "dsp"])
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*")}
    export.render(tiny, tmp_path / "one", ["portable", "dsp"])
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*")}


@pytest.mark.parametrize("moment", ["write", "rename"])
def test_a_crash_leaves_the_old_rendering(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    out = tmp_path / "out"
    export.render(tiny, out, ["portable"])
    before = contents(out)
    tiny.write_bytes(random_model(1))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    if moment == "write":
        monkeypatch.setattr(Manifest, "write", crash)
    else:
        original = Path.rename
        monkeypatch.setattr(
            Path,
            "rename",
            lambda path, to: crash() if path.name.startswith(".rendering") else original(path, to),
        )
    with pytest.raises(KeyboardInterrupt):
        export.render(tiny, out, ["portable"])
    assert contents(out) == before


def test_a_kill_between_the_two_renames_is_recovered(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export.render(tiny, out, ["portable"])
    before = contents(out)
    (out / "portable").rename(out / ".portable.old")
    export.render(tiny, out, ["portable"])
    assert contents(out) == before


def test_several_may_render_to_one_folder(tmp_path: Path) -> None:
    """Two models in turn, so that every rendering replaces what another process may be replacing."""
    code = (
        "import sys; from pathlib import Path; from boardproof_export.commands.export import render\n"
        "models = [Path(name) for name in sys.argv[2:]]\n"
        "for turn in range(30): render(models[turn % 2], Path(sys.argv[1]), ['portable', 'dsp'])"
    )
    names = [str(tmp_path / f"{number}.tflite") for number in range(2)]
    for number, name in enumerate(names):
        Path(name).write_bytes(random_model(number))
    out = tmp_path / "out"
    command = [sys.executable, "-c", code, str(out)]
    running = [
        subprocess.Popen([*command, *order], stderr=subprocess.PIPE, text=True)
        for order in (names, names[::-1], names)
    ]
    said = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert {path.name for path in out.iterdir()} == {"portable", "dsp"}


def test_a_large_model_is_rendered_in_little_memory(tmp_path: Path) -> None:
    """8 MB of weights; 100 bytes of memory for each of them are too many.

    On Linux not by getrusage: that hands a child its parent's peak.
    """
    path = tmp_path / "large.tflite"
    path.write_bytes(random_model(1, depths=(2000, 4000)))
    code = (
        "import re, resource, sys; from pathlib import Path\n"
        "from boardproof_export.commands.export import render\n"
        "render(Path(sys.argv[1]), Path(sys.argv[2]), ['portable'])\n"
        "status = Path('/proc/self/status')\n"
        "peak = re.search(r'VmHWM:\\s*(\\d+)', status.read_text()) if status.exists() else None\n"
        "print(peak[1] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 400e6


def refusal(path: Path, content: bytes, kernels: tuple[str, ...] = ("portable",)) -> str:
    path.write_bytes(content)
    out = path.parent / "out"
    with pytest.raises(InputError) as caught:
        export.render(path, out, kernels)
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert not out.exists()
    return caught.value.message


def test_an_operator_that_the_engine_lacks_is_named_with_its_index(tmp_path: Path) -> None:
    builder = ModelBuilder()
    source, flat, result = (
        builder.tensor((1, 2, 2), 0.5),
        builder.tensor((1, 4), 0.5),
        builder.tensor((1, 4), 0.5),
    )
    builder.reshape(source, flat)
    builder.op(schema.BuiltinOperator.EXP, [flat], [result])
    message = refusal(tmp_path / "soft.tflite", builder.build([source], [result]))
    assert message.endswith("cannot be exported: operator 1 (EXP) is not an operator that the aot engine has")
    assert "soft.tflite" in message


def test_a_float_model_is_refused(tmp_path: Path) -> None:
    builder = ModelBuilder()
    source, result = (builder.tensor(shape, dtype=schema.TensorType.FLOAT32) for shape in ((1, 4), (1, 2)))
    weights = builder.tensor((2, 4), dtype=schema.TensorType.FLOAT32, data=np.ones((2, 4), np.float32))
    builder.fully_connected([source, weights], result)
    message = refusal(tmp_path / "m.tflite", builder.build([source], [result]))
    assert "the model's input is FLOAT32, and nothing in it is INT8" in message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weight_scales": np.array([0.5, -0.25], np.float32)}, "weights with a scale that is not positive"),
        (
            {"weight_scales": np.array([0.5, 0.25, 1.0], np.float32)},
            "3 weight scales along axis 0 for 2 outputs",
        ),
        ({"activation": 4}, "fused TANH"),
        ({"output_scale": 1e-12}, "overflows TensorFlow Lite Micro's shift"),
        ({"output_zero_point": 200}, "zero point outside int8"),
        (
            {"activation": 3, "output_scale": 1e-9, "weight_scales": np.full(2, 1e-9, np.float32)},
            "activation bound",
        ),
    ],
)
def test_layers_that_the_oracle_refuses_or_leaves_undefined(tmp_path: Path, change: dict, says: str) -> None:  # type: ignore[type-arg]
    layer = DenseLayer(
        weights=np.ones((2, 3), np.int8),
        weight_scales=np.array([0.5, 0.25], np.float32),
        bias=np.zeros(2, np.int32),
        output_scale=1.0,
        output_zero_point=0,
    )
    message = refusal(tmp_path / "m.tflite", dense_model([replace(layer, **change)]))
    assert "operator 0 (FULLY_CONNECTED)" in message or "the model has output" in message
    assert says in message


def test_a_bias_scale_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    builder = ModelBuilder()
    source = builder.tensor((1, 2), 0.5)
    weights = builder.tensor((2, 2), 0.5, data=np.ones((2, 2), np.int8))
    bias = builder.tensor((2,), 0.5, dtype=schema.TensorType.INT32, data=np.zeros(2, np.int32))
    result = builder.tensor((1, 2), 1.0)
    builder.fully_connected([source, weights, bias], result)
    assert "has a bias scale of 0.5" in refusal(tmp_path / "m.tflite", builder.build([source], [result]))


def test_unknown_pack_and_unwritable_folder(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no kernels 'neon'"):
        export.render(tiny, tmp_path / "out", ["neon"])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write"):
        export.render(tiny, tmp_path / "file", ["portable"])


def test_templates_are_strict() -> None:
    with pytest.raises(UndefinedError):
        from_template("boardproof_export.aot", "model_aot.c.j2", {})


def test_render_needs_neither_tensorflow_nor_rich(tiny: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from boardproof_export.commands.export import render\n"
        f"render(Path({str(tiny)!r}), Path({str(tmp_path / 'out')!r}), ['portable', 'dsp'])\n"
        "heavy = {'tensorflow', 'rich', 'ai_edge_litert', 'tflite_micro'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def branching_model() -> bytes:
    """RESHAPE, then three layers that all read it, one of them through another: buffers must outlive each other."""
    rng = np.random.default_rng(4)

    def layer(outputs: int, depth: int) -> DenseLayer:
        weights = rng.integers(-127, 128, (outputs, depth)).astype(np.int8)
        return DenseLayer(weights, np.full(outputs, 0.01, np.float32), None, 0.2, -3)

    builder = ModelBuilder()
    source, flat = builder.tensor((1, 3, 5), 0.5, 7), builder.tensor((1, 15), 0.5, 7)
    builder.reshape(source, flat)
    add_dense(builder, flat, layer(40, 15), 1)  # nobody reads it
    first = add_dense(builder, flat, layer(9, 15), 1)
    square = builder.tensor((3, 3), 0.2, -3)
    builder.reshape(first, square)
    last = add_dense(builder, square, layer(11, 3), 3)
    add_dense(builder, flat, layer(8, 15), 1)  # the input is needed to the end
    return builder.build([source], [last])


@pytest.mark.parametrize("kernels", CORES)
def test_the_hook_sees_every_operator_in_place(tmp_path: Path, kernels: str) -> None:
    from tflite_micro.python.tflite_micro import runtime

    path = tmp_path / "branching.tflite"
    path.write_bytes(branching_model())
    (manifest,) = export.render(path, tmp_path / "out", [kernels])
    model = RenderedModel.of(manifest, tmp_path / "out" / kernels)
    engine = compile_engine(tmp_path / "build", [model])
    inputs = np.random.default_rng(5).integers(-128, 128, (1, 15)).astype(np.int8)
    preserve = runtime.InterpreterConfig.kPreserveAllTensors
    oracle = runtime.Interpreter.from_bytes(path.read_bytes(), arena_size=100000, intrepreter_config=preserve)
    oracle.set_input(inputs.reshape(1, 3, 5), 0)
    oracle.invoke()
    graph = parse_graph(path.read_bytes(), path)
    seen = engine.trace(0, inputs)
    assert [index for index, _ in seen] == [op.index for op in graph.ops]
    for (_, output), op in zip(seen, graph.ops, strict=True):
        assert output == oracle.GetTensor(op.outputs[0], 0)["tensor_data"].tobytes(), op
    assert engine.run(0, inputs).tobytes() == seen[4][1]


@pytest.mark.parametrize(
    ("kernels", "core"),
    [("portable", "cortex-m0"), ("portable", "cortex-m3"), ("dsp", "cortex-m4"), ("dsp", "cortex-m7")],
)
def test_compiles_for_the_board_without_warnings(tiny: Path, tmp_path: Path, kernels: str, core: str) -> None:
    export.render(tiny, tmp_path / "out", [kernels])
    folder = tmp_path / "out" / kernels
    sources = [
        folder / "model_aot.c",
        *sorted((FIRMWARE / "engine" / "aot").rglob("*.c")),
    ]
    for source in sources:
        flags = [f"-mcpu={core}", "-mthumb", "-O2", f"-I{FIRMWARE}", f"-I{folder}", "-c", str(source)]
        run_compiler([*flags, "-o", str(tmp_path / "out.o")], compiler="arm-none-eabi-gcc")


def test_the_dsp_pack_refuses_a_core_without_dsp(tiny: Path, tmp_path: Path) -> None:
    export.render(tiny, tmp_path / "out", ["dsp"])
    folder = tmp_path / "out" / "dsp"
    flags = ["-mcpu=cortex-m3", "-mthumb", f"-I{FIRMWARE}", f"-I{folder}", "-c", str(folder / "model_aot.c")]
    with pytest.raises(AssertionError, match="no DSP instructions"):
        run_compiler([*flags, "-o", str(tmp_path / "out.o")], compiler="arm-none-eabi-gcc")
