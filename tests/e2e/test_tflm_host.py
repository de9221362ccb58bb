"""The virtual board through the command line, with the reference model and the real images: no toolchain needed."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ai_edge_litert import schema_py_generated as schema

from boardproof_host.boards.virtual.board import VirtualBoard, build
from boardproof_host.commands import main as cli
from boardproof_host.protocol import messages
from boardproof_host.protocol.messages import ErrorCode
from boardproof_host.runs import run as run_command
from model_builder import ModelBuilder
from support.host_c import ROOT
from support.linked_checkout import boardproof, linked_checkout
from support.served_board import on_terminal

pytestmark = pytest.mark.e2e
MODEL = ROOT / "models" / "fashion_mnist_int8.tflite"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return linked_checkout(tmp_path)


def check_record(record: dict[str, Any], images: int) -> None:
    measured = record["measured"]
    assert (record["outcome"], measured["verdict"], measured["images"]) == ("proven", "exact", images)
    assert measured["reference"]["own_oracle"]
    target = record["target"]
    assert (target["name"], target["engine"], target["kernels"]) == ("tflm_host", "tflm", "reference")
    assert target["emulated"]
    assert target["clock_hz"] is None
    # An interpreter's time under Python is no cost of a board: none is shown.
    assert measured["cost"]["unit"] is None
    assert measured["cost"]["microseconds"] is None
    assert measured["cost"]["arena_bytes"] > 784
    assert measured["link"]["crc_errors"] == measured["link"]["retransmits"] == 0


def test_run(project: Path) -> None:
    done = boardproof(project, "run", "--target", "tflm_host", "--limit", "300", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    check_record(record, 300)
    assert record["measured"]["parity"]["tflm"]["mismatched_values"] == 0
    assert not record["measured"]["not_run"]
    report = (project / ".boardproof" / "reports" / "tflm_host" / "latest" / "report.md").read_text()
    assert "microseconds per inference" not in report


def test_two_boards_share_the_images(project: Path) -> None:
    done = boardproof(project, "run", "--target", "tflm_host", "--boards", "2", "--limit", "200", "--json")
    assert done.returncode == 0, done.stderr
    check_record(json.loads(done.stdout), 200)


def test_a_run_without_a_report_can_be_gone_on_with(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C after the last image and before the report: nothing is streamed again."""
    monkeypatch.setenv("BOARDPROOF_PROJECT", str(project))
    arguments = ["run", "--target", "tflm_host", "--limit", "50", "--out", str(tmp_path / "out"), "--json"]

    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_command, "build_record", interrupted)
        assert cli.main(arguments) == 130
    journal = tmp_path / "out" / "journal.bin"
    assert journal.exists()
    capsys.readouterr()
    assert cli.main([*arguments, "--resume"]) == 0
    record = json.loads(capsys.readouterr().out)
    check_record(record, 50)
    assert (record["measured"]["resumed"], record["measured"]["legs"]) == (50, 2)
    assert not journal.exists()


class AnotherDigest(VirtualBoard):
    """A board whose digest is not that over the answers that it gave."""

    def _send(self, kind: int, seq: int, payload: bytes) -> None:
        if kind == messages.StatusAnswer.TYPE:
            status = messages.StatusAnswer.unpack(payload)
            payload = dataclasses.replace(status, digest=status.digest ^ 1).pack()
        super()._send(kind, seq, payload)


def test_a_run_that_cannot_be_trusted_is_not_gone_on_with(project: Path, tmp_path: Path) -> None:
    """The digest over all answers is not the board's: no answer of this run may be taken over into another."""
    out = tmp_path / "out"
    with on_terminal(build(MODEL.read_bytes()), AnotherDigest) as port:
        done = boardproof(project, "run", "--port", port, "--limit", "20", "--out", str(out))
    assert done.returncode == 3
    assert "cannot be trusted: the board's digest over its answers is" in done.stdout
    assert " exact " not in done.stdout.splitlines()[-2]
    assert "--resume" not in done.stdout + done.stderr
    assert json.loads((out / "report.json").read_text())["outcome"] == "failed"
    assert not (out / "journal.bin").exists()


class FailingBoard(VirtualBoard):
    """A board whose second operator fails, whatever it is given."""

    def _send(self, kind: int, seq: int, payload: bytes) -> None:
        if kind == messages.InferAnswer.TYPE:
            kind, payload = messages.Error.TYPE, messages.Error(ErrorCode.ENGINE_INVOKE, 0, 1).pack()
        super()._send(kind, seq, payload)


def test_an_operator_that_fails_on_the_board_is_named(project: Path, tmp_path: Path) -> None:
    with on_terminal(build(MODEL.read_bytes()), FailingBoard) as port:
        done = boardproof(project, "run", "--port", port, "--limit", "5", "--model", str(MODEL))
    assert done.returncode == 3
    assert f"operator 1 (FULLY_CONNECTED) of {MODEL} failed on the board" in done.stderr
    assert f"next: see what it is given: boardproof inspect {MODEL}" in done.stderr


def test_a_real_board_is_not_proved_without_a_port(project: Path) -> None:
    done = boardproof(project, "prove", "--target", "nucleo_f446re")
    assert done.returncode == 2
    assert "== " not in done.stderr  # no step was begun


def test_prove_builds_nothing(project: Path) -> None:
    done = boardproof(
        project, "prove", "--target", "tflm_host", "--model", str(MODEL), "--limit", "100", "--json"
    )
    assert done.returncode == 0, done.stderr
    check_record(json.loads(done.stdout), 100)
    assert "== build" not in done.stderr
    assert not (project / ".pio").exists()


def test_it_is_a_target_without_a_build(project: Path) -> None:
    listed = boardproof(project, "targets", "--json")
    found = {target["name"]: target for target in json.loads(listed.stdout)}
    assert found["tflm_host"]["virtual"]
    assert not found["qemu_cortex_m4"]["virtual"]
    refused = boardproof(project, "build", "--target", "tflm_host")
    assert refused.returncode == 2
    assert "nothing to build" in refused.stderr


def test_port_auto_finds_it(project: Path) -> None:
    """A running board that left its state file, as `pio run -t upload` does, is found without naming its port."""
    command = [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(MODEL)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as board:
        assert board.stdout is not None
        folder = project / ".pio" / "emulators"
        folder.mkdir(parents=True)
        (folder / "some_emulator.json").write_bytes(board.stdout.readline())
        done = boardproof(project, "run", "--port", "auto", "--limit", "50", "--json")
    assert done.returncode == 0, done.stderr
    check_record(json.loads(done.stdout), 50)


@pytest.mark.parametrize("model", sorted((ROOT / "models").glob("*.tflite")), ids=lambda path: path.stem)
def test_a_committed_model_is_known_by_its_hash(project: Path, model: Path) -> None:
    command = [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as board:
        assert board.stdout is not None
        port = json.loads(board.stdout.readline())["port"]
        done = boardproof(project, "run", "--port", port, "--limit", "50", "--json")
        traced = boardproof(project, "trace", "--port", port)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    check_record(record, 50)
    assert record["model"]["name"] == model.name
    assert traced.returncode == 0, traced.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "tflm_host", "--baud", "-1"), "is no rate"),
        (("--target", "tflm_host", "--baud", "99999999999"), "is no rate"),
        (("--port", "/dev/ttyNOSUCH0", "--port", "/dev/ttyNOSUCH0"), "named twice"),
    ],
)
def test_arguments_that_cannot_be_meant(project: Path, arguments: tuple[str, ...], said: str) -> None:
    done = boardproof(project, "run", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_rate_that_the_board_cannot_have_is_told(project: Path) -> None:
    command = [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(MODEL)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as board:
        assert board.stdout is not None
        port = json.loads(board.stdout.readline())["port"]
        done = boardproof(project, "run", "--port", port, "--baud", "500000", "--limit", "20")
    assert done.returncode == 0, done.stderr
    assert "--baud 500000 was not possible" in done.stderr


def test_two_boards_with_different_firmware(project: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for path in sorted((ROOT / "models").glob("*.tflite"))
    ]
    names = [json.loads(board.stdout.readline())["port"] for board in started if board.stdout]
    done = boardproof(project, "run", *(word for name in names for word in ("--port", name)))
    for board in started:
        board.communicate()
    assert done.returncode == 3
    assert f"{names[1]}, next to {names[0]}, has another model_sha256" in done.stderr


def test_another_model_is_refused_by_name(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(MODEL.read_bytes() + b"\0")  # the same model in another file
    command = [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(other)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as board:
        assert board.stdout is not None
        port = json.loads(board.stdout.readline())["port"]
        done = boardproof(project, "run", "--port", port, "--model", str(MODEL))
    assert done.returncode == 3
    assert "the board runs another model" in done.stderr


def test_a_model_that_no_board_takes_is_refused(project: Path, tmp_path: Path) -> None:
    """Exit code 2 and the reason."""
    builder = ModelBuilder()
    first, last = (builder.tensor((1, 784), dtype=schema.TensorType.FLOAT64) for _ in range(2))
    builder.reshape(first, last)
    path = tmp_path / "float64.tflite"
    path.write_bytes(builder.build([first], [last]))
    done = boardproof(project, "run", "--target", "tflm_host", "--model", str(path))
    assert done.returncode == 2
    assert "FLOAT64" in done.stderr


def test_a_model_that_crashes_the_interpreter_is_named(project: Path, tmp_path: Path) -> None:
    """A convolution whose filters have no channels: well-formed to a reader, a division by zero in the interpreter."""
    builder = ModelBuilder()
    first = builder.tensor((1, 28, 28, 1), 0.5)
    filters = builder.tensor((2, 3, 3, 0), 0.5)
    last = builder.tensor((1, 28, 28, 2), 0.5)
    builder.op(schema.BuiltinOperator.CONV_2D, [first, filters], [last])
    path = tmp_path / "no channels.tflite"
    path.write_bytes(builder.build([first], [last]))
    done = boardproof(project, "run", "--target", "tflm_host", "--model", str(path))
    assert done.returncode == 2
    assert f"{path} crashes TensorFlow Lite Micro (SIGFPE)" in done.stderr
    assert f"inspect '{path}'" in done.stderr


def test_an_output_that_is_a_picture_has_no_confusion_matrix(project: Path, tmp_path: Path) -> None:
    """784 x 784 cells, or 7,840 x 7,840: a page that takes minutes to draw and that no one could read."""
    builder = ModelBuilder()
    first, last = builder.tensor((1, 784), 1 / 255, -128), builder.tensor((1, 28, 28), 1 / 255, -128)
    builder.reshape(first, last)
    path = tmp_path / "picture.tflite"
    path.write_bytes(builder.build([first], [last]))
    done = boardproof(project, "run", "--target", "tflm_host", "--model", str(path), "--limit", "3", "--json")
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)["measured"]
    assert measured["verdict"] == "exact" and measured["confusion"] is None
    assert set(measured["accuracy"].values()) == {None}


def test_int16_inputs_are_quantized_with_the_model_s_scale(project: Path, tmp_path: Path) -> None:
    builder = ModelBuilder()
    int16 = schema.TensorType.INT16
    first, last = (
        builder.tensor((1, 784), 1 / 32767, dtype=int16),
        builder.tensor((784, 1), 1 / 32767, dtype=int16),
    )
    builder.reshape(first, last)
    path = tmp_path / "int16.tflite"
    path.write_bytes(builder.build([first], [last]))
    done = boardproof(project, "run", "--target", "tflm_host", "--model", str(path), "--limit", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["measured"]["verdict"] == "exact"


@pytest.mark.parametrize("patience", ["0", "-1", "nan", "inf", "1e9"])
def test_a_patience_that_is_no_time_is_refused(project: Path, patience: str) -> None:
    done = boardproof(project, "run", "--target", "tflm_host", f"--patience={patience}")
    assert done.returncode == 2, done.stderr
    assert f"--patience {float(patience):g} is not a time" in done.stderr
