"""PlatformIO, as a program: boardproof builds and flashes with it and adds nothing but where, and whether it must.

A build is kept by target, model and flags, so that several models live side by side and nothing
is global to a checkout.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
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
from boardproof_export.shared.files import prepare_folder, read_model, sha256_file
from boardproof_export.shared.project import Project
from boardproof_host.boards import freshness, tools
from boardproof_host.boards.overflow import SMALLER, overflow
from boardproof_host.boards.targets import Target
from boardproof_host.boards.which_model import check_runs, default_model

RECORD_NAME = "build.json"
# Variables of PlatformIO that are ours to set, or that change no build.
_OURS = ("PLATFORMIO_BUILD_DIR", "PLATFORMIO_DISABLE_UPGRADE_CHECK", "PLATFORMIO_SETTING_ENABLE_TELEMETRY")


class BuildError(BoardproofError):
    """PlatformIO failed; its own message stands above."""

    exit_code = ExitCode.ENVIRONMENT


class FlashError(LinkError):
    """The firmware was built and did not get onto the board; PlatformIO's own message stands above."""


@dataclass(frozen=True)
class Build:
    """Firmware that lies there as it was linked."""

    folder: Path
    model: Path  # the .tflite file that it was rendered from
    build_id: str  # lower-case hex; the board says the same in hello
    model_sha256: str
    flash_bytes: int | None
    ram_bytes: int | None


def build(project: Project, target: Target, model: Path | None = None, *, verbose: bool = False) -> Build:
    """Builds a target's firmware of a model, as far as it is not current.

    Args:
        model: None: what `default_model` says.
        verbose: show PlatformIO's output as it comes; otherwise only that of a build that fails.

    Raises:
        InputError: the model cannot be used, or what was rendered for a build was edited.
        BuildError: PlatformIO failed.
        ToolMissingError: PlatformIO is not installed.
    """
    path = default_model(project, target) if model is None else model
    folder = _folder(project, target, path)
    with only_one(folder):
        return _build(project, target, path, folder, verbose=verbose)


def _build(project: Project, target: Target, model: Path, folder: Path, *, verbose: bool) -> Build:
    inputs = freshness.inputs(project, target, model)
    if inputs is not None and freshness.is_current(folder, inputs):
        return _read(folder, model)
    check_runs(target, model)
    freshness.forget(folder)
    _pio(project, ["-e", target.name], model, folder, verbose=verbose, target=target)
    if inputs is not None and freshness.inputs(project, target, model) == inputs:
        freshness.remember(folder, inputs)
    return _read(folder, model)


def flash(
    project: Project, target: Target, port: str | None, model: Path | None = None, *, verbose: bool
) -> Build:
    """Builds a target's firmware and writes it to the board (an emulated board is started).

    Args:
        port: the board's serial port; None leaves the choice to PlatformIO.

    Raises:
        InputError, BuildError: the firmware could not be built.
        FlashError: the board did not take it.
        ToolMissingError: PlatformIO or the emulator is not installed.
    """
    require_emulator(target)
    path = default_model(project, target) if model is None else model
    folder = _folder(project, target, path)
    with only_one(folder):
        built = _build(project, target, path, folder, verbose=verbose)
        upload = ["-e", target.name, "-t", "upload", *(["--upload-port", port] if port else [])]
        code = _run(project, upload, path, folder, verbose=True)[0]
    if code != 0:
        raise FlashError(
            f"{target.name} was built and not flashed: PlatformIO ended with exit code {code}",
            hint="its message is above; boardproof ports lists the boards that are there, --port names one",
        )
    return built


def require_emulator(target: Target) -> None:
    """Makes sure, before anything is built, that the target's emulator is there.

    Raises:
        ToolMissingError: it is not.
    """
    program = (target.emulator or {}).get("program")
    if program is not None and shutil.which(program) is None:
        raise ToolMissingError(f"{program} is not installed", hint="boardproof doctor says how to get it")


def find_build(project: Project, target: str, build_id: str) -> Build | None:
    """The build of a board's build id, where one lies here; of `pio run` by hand, too."""
    for record in sorted([*project.builds.glob(f"*/{target}/{RECORD_NAME}"), *_by_hand(project, target)]):
        with contextlib.suppress(InputError):
            found = _read(record.parent, Path())
            if found.build_id == build_id:
                return found
    return None


def _by_hand(project: Project, target: str) -> Iterator[Path]:
    yield project.root / ".pio" / "build" / target / RECORD_NAME


def _folder(project: Project, target: Target, model: Path) -> Path:
    """Where a build is kept: by the model's content, and by what changes PlatformIO's mind."""
    content = hashlib.sha256(read_model(model))
    content.update(os.fsencode(model.stem))  # the name is in the firmware's sources
    settings = {k: v for k, v in sorted(os.environ.items()) if k.startswith("PLATFORMIO_") and k not in _OURS}
    if settings:
        content.update(json.dumps(settings).encode())
    return project.builds / content.hexdigest()[:12] / target.name


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Builds of one folder wait for each other, in this process and in others."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"waiting for another build of {folder.name}", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pio(
    project: Project, arguments: list[str], model: Path, folder: Path, *, verbose: bool, target: Target
) -> None:
    code, log = _run(project, arguments, model, folder, verbose=verbose)
    if code == 0:
        return
    refusal = folder / "refusal.json"  # written by firmware/scripts/render_model.py
    if refusal.is_file():
        said = json.loads(refusal.read_text(encoding="utf-8"))
        refusal.unlink()
        raise InputError(said["message"], hint=said["hint"])
    if missing := overflow(log):
        raise InputError(f"{model.name} does not fit {target.name}: {missing}", hint=SMALLER)
    if not verbose:
        sys.stderr.write(log)
    raise BuildError(
        f"PlatformIO failed (exit code {code}): pio run -e {target.name}",
        hint=f"its message is above; {tools.remedy(target)}",
    )


def _run(
    project: Project, arguments: list[str], model: Path, folder: Path, *, verbose: bool
) -> tuple[int, str]:
    """Runs `pio run` in the checkout; returns its exit code, and its output where that was not shown."""
    if find_spec("platformio") is None:
        raise ToolMissingError(
            "PlatformIO is not installed", hint=f"{sys.executable} -m pip install platformio"
        )
    offline = project.firmware / "platform" / "offline.py"
    environment = os.environ | {
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        "PLATFORMIO_BUILD_DIR": str(folder.parent),
        "PLATFORMIO_CORE_DIR": str(_core_folder(project)),
        "BOARDPROOF_MODEL": str(model.resolve()),
    }
    log = ""
    commands = [[sys.executable, "-m", "platformio", "run", "-d", str(project.root), *arguments]]
    if offline.is_file():
        commands.insert(0, [sys.executable, str(offline)])
    code = 0
    for command in commands:
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr if verbose else subprocess.PIPE,
            stderr=None if verbose else subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        code, log = done.returncode, log + (done.stdout or "")
        if code != 0:
            break
    return code, log


def _core_folder(project: Project) -> Path:
    """Where PlatformIO keeps its packages: as ever, or in the checkout where the home cannot be written."""
    named = os.environ.get("PLATFORMIO_CORE_DIR")
    if named:
        return Path(named).expanduser()
    try:
        folder = Path("~/.platformio").expanduser()
        prepare_folder(folder)
    except (RuntimeError, BoardproofError):  # there is no home, or none that takes a file
        return project.state / "platformio"
    return folder


def _read(folder: Path, model: Path) -> Build:
    """What the build said of itself, held to the program that lies there.

    Raises:
        InputError: nothing was built there, or another program lies there.
    """
    path = folder / RECORD_NAME
    hint = f"boardproof build --target {folder.name}"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        elf = folder / record["elf"]
        if sha256_file(elf) != record["elf_sha256"]:
            raise InputError(
                f"{elf} is not what was built: its hash differs from {path}", hint=f"delete {folder}"
            )
        return Build(
            folder=folder,
            model=model,
            build_id=record["build_id"],
            model_sha256=record["model_sha256"],
            flash_bytes=record.get("flash_bytes"),
            ram_bytes=record.get("ram_bytes"),
        )
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"no firmware was built for {folder.name}: {error}", hint=hint) from error
