"""A checkout of its own for the end-to-end tests, so that they touch neither the user's build nor the user's model."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.host_c import ROOT

TARGET = "qemu_cortex_m4"


def heed_ctrl_c() -> None:
    """A shell that runs the tests in the background has them ignore Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Checkout:
    """A copy of the project, and the command line that works in it."""

    root: Path

    def environment(self, **changes: str) -> dict[str, str]:
        return os.environ | {"BOARDPROOF_PROJECT": str(self.root)} | changes

    def start(self, *arguments: str, **changes: str) -> "subprocess.Popen[str]":
        """Starts `boardproof ARGUMENTS` in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "boardproof_host", *arguments],
            env=self.environment(**changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=heed_ctrl_c,
        )

    def boardproof(self, *arguments: str, timeout: float = 240, **changes: str) -> Done:
        """Runs `boardproof ARGUMENTS` to its end."""
        process = self.start(*arguments, **changes)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(f"boardproof {' '.join(arguments)} did not end within {timeout} s")
        return Done(process.returncode, out, err)

    def report(self, folder: Path) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        return record

    def emulators(self) -> list[int]:
        """Processes that run firmware of this checkout."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if "qemu-system" in command.split("\0")[0] and str(self.root) in command:
                    found.append(int(entry.name))
        return found


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The project's files, with the firmware of the reference model built for TARGET."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("export", "firmware", "models", "platformio.ini"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("generated", "__pycache__"))
        else:
            shutil.copy(source, root / name)
    made = Checkout(root)
    done = made.boardproof("build", "--target", TARGET)
    assert done.code == 0, done.err
    return made


@pytest.fixture
def no_emulator_left(checkout: Checkout) -> Iterator[Callable[[], None]]:
    """Fails the test when an emulator of the checkout outlives it."""

    def check() -> None:
        deadline = time.monotonic() + 5
        while checkout.emulators() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not checkout.emulators()

    yield check
    check()
