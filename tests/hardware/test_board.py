"""On a real board: `pytest --hardware PORT tests/hardware`, with the firmware of the exported model flashed."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.hardware


def run(port: str, out: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "boardproof_host", "run", "--port", port, "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [(), ("--plain",), ("--baud", "safe")], ids=["packed", "plain", "safe"])
def test_the_board_is_exact(
    request: pytest.FixtureRequest, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run(request.config.getoption("--hardware"), tmp_path, "--limit", "200", *arguments)
    assert done.returncode == 0, done.stderr


def test_faults_change_nothing(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    port = request.config.getoption("--hardware")
    done = run(port, tmp_path, "--limit", "50", "--fault", "flip:0.0003", "--seed", "1")
    assert done.returncode == 0, done.stderr
