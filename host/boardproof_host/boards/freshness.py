"""Whether a build is current without asking PlatformIO, which takes 2 s to find that nothing is to be done.

Only builds of the project's own emulated platforms are judged: of these all that goes in is known. In doubt, it is
built.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from boardproof_export import shared
from boardproof_export.shared.project import Project
from boardproof_host.boards.targets import Target

_STAMP = "current.json"
_COMPILERS = ("arm-none-eabi-gcc", "avr-gcc", "gcc")
_NOT_READ = ("generated", "__pycache__")


def inputs(project: Project, target: Target, model: Path) -> str | None:
    """A digest of all that a build would read; None where not all of it is known."""
    if target.emulator is None:
        return None
    digest = hashlib.sha256()
    for line in (*_settings(), *_files(project, model), *_libraries()):
        digest.update(os.fsencode(line) + b"\n")
    return digest.hexdigest()


def _settings() -> Iterator[str]:
    yield f"{sys.executable} {sys.version} platformio {version('platformio')}"
    for name, value in sorted(os.environ.items()):
        if name.startswith("PLATFORMIO_") or name in (
            "CPATH",
            "C_INCLUDE_PATH",
            "LIBRARY_PATH",
            "SOURCE_DATE_EPOCH",
        ):
            yield f"{name}={value}"
    for compiler in _COMPILERS:
        yield f"{compiler} {_stat(Path(shutil.which(compiler) or compiler).resolve())}"


def _files(project: Project, model: Path) -> Iterator[str]:
    yield hashlib.sha256(model.read_bytes()).hexdigest()
    yield _stat(project.platformio_ini)
    exporter = Path(shared.__file__).parents[1]
    for folder in (project.firmware, exporter):
        yield from _tree(folder)


def _libraries() -> Iterator[str]:
    for folder in os.environ.get("PLATFORMIO_LIB_EXTRA_DIRS", "").replace(",", os.pathsep).split(os.pathsep):
        if folder.strip():
            yield from _tree(Path(folder.strip()))
    core = os.environ.get("PLATFORMIO_CORE_DIR")
    yield _stat((Path(core) if core else Path.home() / ".platformio") / "packages" / "tool-scons")


def _tree(folder: Path) -> Iterator[str]:
    """Names, sizes and times of all files below, in a fixed order."""
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_READ)
        for name in sorted(names):
            if not name.endswith(".pyc"):
                yield _stat(Path(base) / name)


def _stat(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return f"{path} -"
    return f"{path} {found.st_size} {found.st_mtime_ns}"


def _outputs(folder: Path) -> list[str]:
    """What the build left: it is not current where that was changed or removed."""
    record = folder / "build.json"
    try:
        elf = folder / json.loads(record.read_text(encoding="utf-8"))["elf"]
    except (OSError, ValueError, KeyError):
        return []
    return [_stat(record), _stat(elf)]


def is_current(folder: Path, digest: str) -> bool:
    """Was the folder built from just these inputs, and left alone since?"""
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    outputs = _outputs(folder)
    return bool(outputs) and stamp == {"inputs": digest, "outputs": outputs}


def remember(folder: Path, digest: str) -> None:
    """Notes that the folder was built from these inputs."""
    (folder / _STAMP).write_text(
        json.dumps({"inputs": digest, "outputs": _outputs(folder)}), encoding="utf-8"
    )


def forget(folder: Path) -> None:
    """To be called before building."""
    (folder / _STAMP).unlink(missing_ok=True)
