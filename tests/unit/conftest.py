"""What several unit tests need and nobody should pay for twice: one short training, one ladder."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from model_builder import tiny_model

# The command line as `boardproof` runs it, without the host's side of it.
_COMMAND = """
import argparse, sys
from boardproof_export.commands.main import register
parser = argparse.ArgumentParser()
register(parser.add_subparsers(required=True))
args = parser.parse_args()
sys.exit(args.handler(args))
"""


@dataclass(frozen=True)
class Outcome:
    """A command that ended with 0."""

    folder: Path  # of its files
    record: dict[str, Any]  # its stdout
    log: str  # its stderr


def run_command(folder: Path, *arguments: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments, "--json"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return Outcome(folder, json.loads(done.stdout), done.stderr)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Outcome]) -> Outcome:
    """What `make` makes in a folder of its own: once for all processes that share the tests."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = folder.with_suffix(".json")
        if not kept.exists():
            folder.mkdir()
            outcome = make(folder)
            kept.write_text(json.dumps({"record": outcome.record, "log": outcome.log}), encoding="utf-8")
        return Outcome(folder, **json.loads(kept.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """`boardproof train --epochs 1` on the real data."""
    line = ("train", "--epochs", "1", "--seed", "7", "--out")
    return once(tmp_path_factory, "trained", lambda folder: run_command(folder, *line, str(folder)))


@pytest.fixture(scope="session")
def converted(trained: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """`boardproof convert` of the trained .keras file."""
    line = ("convert", str(trained.folder / "fashion_mnist.keras"), "--out")
    return once(tmp_path_factory, "converted", lambda folder: run_command(folder, *line, str(folder)))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The file of a network of a few values."""
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    return path


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal with nobody behind it: its master, and the name of its device."""
    master, slave = os.openpty()
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)
