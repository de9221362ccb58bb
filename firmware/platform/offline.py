"""Makes PlatformIO usable where its package registry is out of reach.

PlatformIO asks its registry for SCons, its build tool. Here SCons comes from PyPI (the `scons` distribution, a
dependency of boardproof) and is put where PlatformIO looks: a package that calls it. When the registry answers, or a
fitting package is there, nothing is done.

    python firmware/platform/offline.py

Exit codes: 0 PlatformIO can build; 4 neither the registry nor the `scons` distribution is there, or PlatformIO's folder
cannot be written.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from platformio import __registry_mirror_hosts__
from platformio.dependencies import get_core_dependencies
from platformio.package.manager.core import get_core_package_dir
from platformio.package.manager.tool import ToolPackageManager

PACKAGE = "tool-scons"
FOLDER = "tool-scons-from-pypi"  # a name of its own: PlatformIO's own package is never touched
CONNECT_SECONDS = 3.0
EXIT_MISSING = 4
SCRIPT = "import SCons.Script\n\nSCons.Script.main()\n"


def registry_answers() -> bool:
    """Whether a connection to one of PlatformIO's registry hosts opens."""
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return (
            False  # what the proxy lets through cannot be known in time; SCons from PyPI does in either case
        )
    for host in __registry_mirror_hosts__:
        try:
            with socket.create_connection((f"api.{host}", 443), timeout=CONNECT_SECONDS):
                return True
        except OSError:
            continue
    return False


def wanted_version() -> str:
    """The oldest version that this PlatformIO takes: its requirement, "~4.41101.0", names it."""
    match = re.search(r"\d+\.\d+\.\d+", get_core_dependencies()[PACKAGE])
    assert match, "PlatformIO's requirement names a version"
    return match.group()


def write_package(folder: Path, version: str) -> None:
    """Puts the package at `folder`, whole or not at all: another build may be looking."""
    spec = {"owner": "platformio", "id": None, "name": PACKAGE, "requirements": None, "uri": None}
    manifest = {
        "name": PACKAGE,
        "version": version,
        "description": "SCons of the Python that runs PlatformIO",
    }
    metadata = {"type": "tool", "name": PACKAGE, "version": version, "spec": spec}
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".scons-", dir=folder.parent))
    try:
        (scratch / "scons.py").write_text(SCRIPT, encoding="utf-8")
        (scratch / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        (scratch / ".piopm").write_text(json.dumps(metadata), encoding="utf-8")
        scratch.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)  # ours, for an older PlatformIO
        scratch.rename(folder)
    except OSError:
        if not (folder / "scons.py").is_file():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def drop_broken_links(workspace: Path) -> None:
    """Removes links to development platforms that name a folder in bytes instead of letters.

    PlatformIO leaves one where it ran in a locale without UTF-8 and the checkout's path is not ASCII, and fails on it
    for ever after; without one it makes it anew.
    """
    for link in (workspace / "platforms").glob("*.pio-link"):
        if b"\\udc" in link.read_bytes():  # JSON for a byte that is no letter
            link.unlink(missing_ok=True)


def main() -> int:
    """Prepares what is needed; returns the exit code."""
    drop_broken_links(Path(os.environ.get("PLATFORMIO_WORKSPACE_DIR") or Path(__file__).parents[2] / ".pio"))
    try:
        return prepare_scons()
    except OSError as error:
        print(
            f"PlatformIO's folder cannot be written: {error}\n"
            "set PLATFORMIO_CORE_DIR to a folder that can be, or HOME",
            file=sys.stderr,
        )
        return EXIT_MISSING


def prepare_scons() -> int:
    """Puts SCons where PlatformIO looks, where it is needed; returns the exit code."""
    if get_core_package_dir(PACKAGE, auto_install=False) or registry_answers():
        return 0
    if importlib.util.find_spec("SCons") is None:
        print(
            f"PlatformIO's registry is out of reach, and SCons is not installed\n{sys.executable} -m pip install scons",
            file=sys.stderr,
        )
        return EXIT_MISSING
    folder = Path(ToolPackageManager().package_dir) / FOLDER
    write_package(folder, wanted_version())
    print(f"PlatformIO's registry is out of reach: SCons comes from PyPI ({folder})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
