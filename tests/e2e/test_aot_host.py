"""The firmware compiled for this machine: no cross-compiler, no emulator; what cannot run is said first."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boardproof_host.boards.virtual import native as native_process
from boardproof_host.commands import main as cli
from model_builder import ModelBuilder, random_model, schema
from support.host_c import ROOT
from support.linked_checkout import boardproof, linked_checkout

pytestmark = pytest.mark.e2e
MODEL = ROOT / "models" / "fashion_mnist_int8.tflite"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked_checkout(tmp_path_factory.mktemp("checkout"))


def programs(project: Path) -> list[Path]:
    return sorted((project / ".boardproof" / "native").glob("*/program"))


def test_run(project: Path) -> None:
    done = boardproof(project, "run", "--target", "aot_host", "--limit", "300", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    measured, target = record["measured"], record["target"]
    assert (record["outcome"], measured["verdict"], measured["images"]) == ("proven", "exact", 300)
    assert not measured["reference"]["own_oracle"]
    assert (target["name"], target["engine"], target["kernels"]) == ("aot_host", "aot", "portable")
    assert measured["cost"]["unit"] is None  # this machine's time is none of a board
    assert [path.parent.name for path in programs(project)] == [target["build_id"]]
    text = (project / ".boardproof" / "reports" / "aot_host" / "latest" / "report.md").read_text()
    assert "The firmware, compiled for this machine, computed exactly what Python computes" in text


def test_what_was_compiled_is_taken_again_and_another_model_beside_it(project: Path, tmp_path: Path) -> None:
    assert boardproof(project, "run", "--target", "aot_host", "--limit", "5").returncode == 0
    before = {path: path.stat().st_mtime_ns for path in programs(project)}
    assert boardproof(project, "run", "--target", "aot_host", "--limit", "5", "--boards", "2").returncode == 0
    other = tmp_path / "an other mödel.tflite"
    other.write_bytes(random_model(3, depths=(784, 10)))
    done = boardproof(project, "run", "--target", "aot_host", "--model", str(other), "--limit", "5")
    assert done.returncode == 0, done.stderr
    assert before.items() <= {path: path.stat().st_mtime_ns for path in programs(project)}.items()
    assert len(programs(project)) == len(before) + 1


def test_a_program_that_is_not_the_one_that_was_built_is_refused(project: Path, tmp_path: Path) -> None:
    """It would be measured, and its verdict said of another one."""
    models = [tmp_path / "one.tflite", tmp_path / "two.tflite"]
    before = set(programs(project))
    for seed, model in enumerate(models):
        model.write_bytes(random_model(20 + seed, depths=(784, 10)))
        done = boardproof(project, "run", "--target", "aot_host", "--model", str(model), "--limit", "5")
        assert done.returncode == 0, done.stderr
    one, two = set(programs(project)) - before
    one.write_bytes(two.read_bytes())
    codes = []
    for model in models:
        done = boardproof(project, "run", "--target", "aot_host", "--model", str(model), "--limit", "5")
        codes.append(done.returncode)
        if done.returncode:
            assert "another program was started" in done.stderr and f"delete {one.parent}" in done.stderr
    assert sorted(codes) == [0, 3]
    one.unlink()


def test_trace(project: Path) -> None:
    done = boardproof(project, "trace", "--target", "aot_host", "--image", "3")
    assert done.returncode == 0, done.stderr
    assert "every operator's output is TensorFlow Lite Micro's in this image" in done.stdout


def test_a_model_that_the_engine_lacks_is_refused_by_operator(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(unknown_operator())
    done = boardproof(project, "run", "--target", "aot_host", "--model", str(path), "--limit", "5")
    assert done.returncode == 2
    assert "operator 0 (EXP) is not an operator that the aot engine has" in done.stderr


def unknown_operator() -> bytes:
    builder = ModelBuilder()
    source, output = builder.tensor((1, 784), 0.5), builder.tensor((1, 784), 0.5)
    builder.op(schema.BuiltinOperator.EXP, [source], [output])
    return builder.build([source], [output])


def test_without_a_compiler(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOARDPROOF_PROJECT", str(project))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["run", "--target", "aot_host", "--limit", "5"]) == 4
    assert "the target aot_host needs a C compiler\n  next: install one" in capsys.readouterr().err


@pytest.mark.parametrize(("script", "code", "says"), [("exit 3", 3, ""), ("kill -SEGV $$", 11, "SIGSEGV")])
def test_a_firmware_that_ends_ends_its_board(tmp_path: Path, script: str, code: int, says: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", native_process.__name__, str(program)],
        stdin=os.pipe()[0],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, says in done.stderr) == (code, True)
    assert "port" in json.loads(done.stdout)
