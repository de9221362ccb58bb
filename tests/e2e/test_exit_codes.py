"""The exit codes, as a table: a command line as a user types it, how it ends, and what it proposes.

0 proven; 1 diverged or a missed gate; 2 usage or an unusable file; 3 link or board; 4 environment, no room, or our own
fault; 130 interrupted.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from boardproof_host.commands.main import build_parser
from model_builder import ModelBuilder, random_model, schema
from support.host_c import ROOT
from support.linked_checkout import linked_checkout
from support.native_board import TIES_UPWARD, build_native, on_terminal

pytestmark = pytest.mark.e2e
MODEL = ROOT / "models" / "fashion_mnist_int8.tflite"
COMMAND = [sys.executable, "-m", "boardproof_host"]
QUICK = "run --target tflm_host --limit 5"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout without state, with files to be used wrongly."""
    folder = linked_checkout(tmp_path_factory.mktemp("checkout"))
    (folder / "cut.tflite").write_bytes(MODEL.read_bytes()[:5000])
    (folder / "report.json").write_text("{}")
    (folder / "odd.tflite").write_bytes(unknown_operator())
    (folder / "other.tflite").write_bytes(random_model(1, depths=(784, 10)))
    np.savez(folder / "nan.npz", x=np.full((3, 784), np.nan))
    np.savez(folder / "labels.npz", x=np.zeros((3, 784), np.uint8), y=np.array([1, 10, 0]))
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A board that rounds ties upward."""
    program = build_native(tmp_path_factory.mktemp("wrong"), MODEL.read_bytes(), TIES_UPWARD)
    with on_terminal(program) as port:
        yield port


def unknown_operator() -> bytes:
    builder = ModelBuilder()
    source, output = builder.tensor((1, 784), 0.5), builder.tensor((1, 784), 0.5)
    builder.op(schema.BuiltinOperator.EXP, [source], [output])
    return builder.build([source], [output])


def ended(place: Path, line: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m boardproof_host {line}"],
        cwd=place,
        env=os.environ | {"BOARDPROOF_PROJECT": str(place)} | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def check(done: "subprocess.CompletedProcess[str]", code: int, proposes: str | None) -> None:
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    if proposes is not None:
        (following,) = (line for line in said.splitlines() if line.strip().startswith("next: "))
        assert proposes in following
        check_proposal(following)


def check_proposal(following: str) -> None:
    """What is proposed is a command that there is, with options that it has."""
    actions = build_parser()._subparsers._group_actions[0]  # type: ignore[union-attr]
    for command, rest in re.findall(r"boardproof ([a-z]+)([^;,)]*)", following):
        assert command in actions.choices, following  # type: ignore[operator]
        known = actions.choices[command]._option_string_actions  # type: ignore[index, call-overload]
        assert set(re.findall(r"(?<= )--[a-z-]+", rest)) <= set(known), following


@pytest.mark.parametrize(
    ("line", "code", "proposes"),
    [
        ("--help", 0, None),
        ("--version", 0, None),
        ("targets", 0, None),
        ("targets | head -1", 0, None),
        ("ports --no-probe", 0, None),
        (f"inspect {MODEL}", 0, None),
        ("inspect odd.tflite", 0, None),
        (QUICK, 0, None),
        (f"{QUICK} --json >/dev/null", 0, None),
        (f"{QUICK} 2>/dev/full", 0, None),
        (f"{QUICK} >&- 2>&-", 0, None),
        ("trace --target tflm_host --image 1", 0, None),
        (f"{QUICK} --min-accuracy 1.0 --images 0:100 --limit 100", 1, None),
        ("", 2, None),
        ("frobnicate", 2, None),
        ("run", 2, None),
        ("run --target qemu_cortexm4", 2, "boardproof targets"),
        ("run --target nano33ble", 2, "boardproof run --port"),
        (f"{QUICK} --model absent.tflite", 2, "boardproof convert"),
        (f"{QUICK} --model cut.tflite", 2, "copy it again"),
        ("run --target aot_host --model odd.tflite", 2, "boardproof run --target tflm_host"),
        ("export odd.tflite", 2, "boardproof inspect"),
        (f"{QUICK} --data absent", 2, "--data takes"),
        (f"{QUICK} --data empty", 2, "--data takes"),
        (f"{QUICK} --data nan.npz", 2, "clean the data"),
        (f"{QUICK} --data labels.npz", 2, "labels from 0 to 9"),
        (f"{QUICK} --images 9:3", 2, "10000 test images"),
        (f"{QUICK} --throttle 0", 2, "give a rate"),
        (f"{QUICK} --patience 0", 2, "give seconds"),
        (f"{QUICK} --min-accuracy 87", 2, "write 0.87"),
        (f"{QUICK} --fault flip:2", 2, "flip:0.001"),
        (f"{QUICK} --out report.json", 2, "--out"),
        ("run --target tflm_host --resume", 2, "without --resume"),
        ("report absent.json", 2, "boardproof run"),
        ("report report.json", 2, "boardproof run"),
        ("report qemu_cortex_m7", 2, "boardproof run --target qemu_cortex_m7"),
        ("trace --target tflm_host --image 10000", 2, "count from 0"),
        ("run --port /dev/ttyNOSUCH0 --model other.tflite", 3, "boardproof ports"),
        ("run --port socket://127.0.0.1:9 --model other.tflite", 3, "port"),
        ("targets >/dev/full", 4, "free some"),
        ("--help >/dev/full", 4, "free some"),
        (f"{QUICK} --json >/dev/full", 4, "free some"),
    ],
)  # fmt: skip
def test_how_a_command_ends(place: Path, line: str, code: int, proposes: str | None) -> None:
    check(ended(place, line), code, proposes)


@pytest.mark.parametrize(
    ("line", "proposes"),
    [
        ("run --target aot_host --model other.tflite", "install one"),
        ("run --target qemu_cortex_m4", "boardproof doctor"),
        ("doctor", None),
    ],
)
def test_a_missing_tool_is_4(place: Path, line: str, proposes: str | None) -> None:
    check(ended(place, line, PATH=str(place / "empty")), 4, proposes)


def test_a_divergence_is_1_and_proposes_a_trace(place: Path, wrong: str) -> None:
    done = ended(place, f"run --port {wrong} --limit 300")
    check(done, 1, "boardproof trace --port")
    check(ended(place, f"run --port {wrong} --limit 300 --gate equivalent"), 0, None)
    check(ended(place, f"trace --port {wrong} --worst 1"), 1, None)


def test_another_model_than_the_board_s_is_3(place: Path, wrong: str) -> None:
    check(ended(place, f"run --port {wrong} --model other.tflite"), 3, "flash")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_130_and_can_be_gone_on_with(place: Path, number: int) -> None:
    out = place / f"interrupted{number}"
    line = [*COMMAND, "run", "--target", "tflm_host", "--throttle", "230400", "--out", str(out)]
    process = subprocess.Popen(
        line,
        cwd=place,
        env=os.environ | {"BOARDPROOF_PROJECT": str(place)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not ((out / "journal.bin").is_file() and (out / "journal.bin").stat().st_size > 2000):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    record = json.loads((out / "report.json").read_text())
    assert (record["outcome"], record["exit_code"]) == ("interrupted", 130)
    assert record["measured"]["images"] > 0
