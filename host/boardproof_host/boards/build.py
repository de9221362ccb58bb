"""PlatformIO, as a program: boardproof builds and flashes with it and adds nothing."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from boardproof_export.shared.errors import (
    BoardproofError,
    ExitCode,
    InputError,
    LinkError,
    ToolMissingError,
)
from boardproof_export.shared.project import Project
from boardproof_host.boards.targets import Target
from boardproof_host.commands import doctor


class BuildError(BoardproofError):
    """PlatformIO failed; its own message stands above."""

    exit_code = ExitCode.ENVIRONMENT


class FlashError(LinkError):
    """The firmware was built and did not get onto the board; PlatformIO's own message stands above."""


def _run(project: Project, arguments: list[str]) -> int:
    """Runs `pio run` in the checkout, its output going to standard error as it comes; returns its exit code."""
    if find_spec("platformio") is None:
        raise ToolMissingError(
            "PlatformIO is not installed", hint=f"{sys.executable} -m pip install platformio"
        )
    offline = project.firmware / "platform" / "offline.py"
    environment = os.environ | {
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    }
    if offline.is_file():
        subprocess.run([sys.executable, str(offline)], check=False, stdout=sys.stderr, env=environment)
    command = [sys.executable, "-m", "platformio", "run", "-d", str(project.root), *arguments]
    return subprocess.run(command, check=False, stdout=sys.stderr, env=environment).returncode


def _remedy(target: Target) -> str:
    """What may be missing; PlatformIO's own message names a download at best."""
    if not target.emulated:
        return "PlatformIO fetches a board's platform, compiler and libraries: is its registry in reach?"
    compiler = doctor.AVR_COMPILER if target.pack == "avr" else doctor.COMPILER
    remedies = [f.remedy for f in doctor.examine() if f.purpose == compiler and not f.found]
    return f"a compiler is missing here: {remedies[0]}" if remedies else "boardproof doctor lists the tools"


def build(project: Project, target: Target) -> None:
    """Builds a target's firmware, as far as it is not current.

    Raises:
        BuildError: PlatformIO's exit code was not 0.
        ToolMissingError: PlatformIO is not installed.
    """
    code = _run(project, ["-e", target.name])
    if code != 0:
        raise BuildError(
            f"PlatformIO failed (exit code {code}): pio run -e {target.name}",
            hint=f"its message is above; {_remedy(target)}",
        )


def flash(project: Project, target: Target, port: str | None) -> None:
    """Builds a target's firmware and writes it to the board (an emulated board is started).

    Args:
        port: the board's serial port; None leaves the choice to PlatformIO.

    Raises:
        BuildError: the firmware could not be built.
        FlashError: the board did not take it.
        ToolMissingError: PlatformIO or the emulator is not installed.
    """
    program = (target.emulator or {}).get("program")
    if program is not None and shutil.which(program) is None:
        raise ToolMissingError(f"{program} is not installed", hint="boardproof doctor says how to get it")
    build(project, target)
    arguments = ["-e", target.name, "-t", "upload", *(["--upload-port", port] if port else [])]
    code = _run(project, arguments)
    if code != 0:
        raise FlashError(
            f"{target.name} was built and not flashed: PlatformIO ended with exit code {code}",
            hint="its message is above; boardproof ports lists the boards that are there, --port names one",
        )


def build_folder(project: Project, target: str) -> Path:
    """Where PlatformIO leaves a target's firmware."""
    return project.build / target


def build_record(folder: Path) -> dict[str, Any]:
    """What the build said of itself (build.json).

    Raises:
        InputError: nothing was built there.
    """
    path = folder / "build.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"no firmware was built for {folder.name}: {error}",
            hint=f"boardproof build --target {folder.name}",
        ) from error
    return record
