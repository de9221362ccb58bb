"""The ahead-of-time engine, rendered and compiled for this machine.

The stand-in oracle and the target aot_host are made of it. Both need a checkout and a C compiler.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from boardproof_export import shared
from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_export.shared.project import find_project

CORE = "portable"  # the core profile that every C compiler takes
BUILD_SECONDS = 300.0  # for rendering, and for compiling a file
# Floats as a board without fused multiply-add computes them.
FLAGS = ("-std=c11", "-O2", "-ffp-contract=off")


def firmware_folder(what: str) -> Path:
    """The firmware's sources.

    Raises:
        InputError: there is no checkout.
    """
    try:
        return find_project().firmware / "src"
    except InputError as error:
        raise InputError(
            f"{what} is compiled from a checkout of boardproof, and there is none here",
            hint="clone boardproof, and set BOARDPROOF_PROJECT to its folder",
        ) from error


def engine_units(firmware: Path) -> list[Path]:
    """The engine's C files that every compiler takes."""
    return [path for path in sorted((firmware / "engine" / "aot").rglob("*.c")) if "cores" not in path.parts]


def digest(folders: Iterable[Path]) -> str:
    """SHA-256, lower-case hex, of what renders, and of the C below `folders`.

    The version of boardproof does not tell: in a checkout, kernels change without it.
    """
    exporter = Path(shared.__file__).parents[1]
    found = hashlib.sha256()
    for folder, kinds in ((exporter, (".py", ".j2")), *((folder, (".c", ".h")) for folder in folders)):
        for path in sorted(folder.rglob("*")):
            if path.suffix in kinds:
                found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def find_compiler(what: str) -> str:
    """The C compiler of this machine.

    Raises:
        ToolMissingError: there is none.
    """
    for name in ("cc", "gcc", "clang"):
        if (path := shutil.which(name)) is not None:
            return path
    raise ToolMissingError(f"{what} needs a C compiler", hint="install one (gcc or clang)")


def render(model: Path, folder: Path, what: str) -> Path:
    """Renders a .tflite file below `folder`; returns where.

    Raises:
        InputError: the engine cannot run the model.
        ToolMissingError: it could not be rendered.
    """
    command = [sys.executable, "-m", "boardproof_host", "export", str(model), "--out", str(folder)]
    done = _run([*command, "--kernels", CORE], f"{what} could not render the model")
    if done.returncode == 0:
        return folder / CORE
    said = dict(line.partition(": ")[::2] for line in done.stderr.splitlines())
    if "error" in said:
        raise InputError(
            said["error"].strip(),
            hint=said.get("next", f"boardproof inspect {shlex.quote(str(model))}").strip(),
        )
    raise _failed(f"{what} could not render the model", done.stderr)


def compile_units(compiler: str, flags: Sequence[str], units: Sequence[Path], out: Path, what: str) -> None:
    """Compiles C files side by side and links them to `out`.

    Raises:
        ToolMissingError: the compiler refuses them.
    """
    why = f"{what} could not compile the model"
    objects = [out.with_name(f"{out.name}-{number}.o") for number, _ in enumerate(units)]

    def one(unit: Path, place: Path) -> None:
        done = _run([compiler, *FLAGS, *flags, "-c", str(unit), "-o", str(place)], why)
        if done.returncode != 0:
            raise _failed(why, done.stderr)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, units, objects))
    done = _run([compiler, *FLAGS, *flags, *map(str, objects), "-o", str(out)], why)
    for place in objects:
        place.unlink()
    if done.returncode != 0:
        raise _failed(why, done.stderr)


def _run(command: list[str], why: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ToolMissingError(
            f"{why} within {BUILD_SECONDS:.0f} s",
            hint="try a smaller model, or prove it on an x86-64 Linux machine",
        ) from error


def _failed(why: str, said: str) -> ToolMissingError:
    return ToolMissingError(
        f"{why}: {said.strip()[-400:]}", hint="see which tools are missing: boardproof doctor"
    )
