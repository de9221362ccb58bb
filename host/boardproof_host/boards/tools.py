"""Which tools are on this machine, their versions, and how to get what is missing."""

import contextlib
import getpass
import grp
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from boardproof_export.shared.errors import BoardproofError
from boardproof_export.shared.project import Project
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_host.boards.targets import Target


@dataclass(frozen=True)
class Finding:
    """One tool: `found` is its version or place, None when missing."""

    name: str
    purpose: str
    found: str | None
    required: bool  # for `boardproof prove` on an emulated board; outside of a checkout, beside a board
    remedy: str


ALWAYS = [
    # distribution, purpose, remedy
    ("numpy", "arrays", "pip install ."),
    ("tflite", "reading .tflite files", "pip install ."),
    ("pyserial", "serial ports", "pip install ."),
    ("ai-edge-litert", "the LiteRT oracles", "pip install ."),
    ("tflite-micro", "the oracle of the verdict", "pip install .   (x86-64 Linux, CPython 3.10 to 3.13)"),
]
IN_A_CHECKOUT = [
    ("jinja2", "templates", "pip install ."),
    ("platformio", "building and flashing", "pip install ."),
]
COMPILER = "compiler for Arm boards"
AVR = "simulated AVR boards"
SIMAVR = "gcc-avr avr-libc arduino-core-avr simavr libsimavr-dev libelf-dev gcc libc6-dev"
PROGRAMS = [
    # program, purpose, required, Debian packages
    ("qemu-system-arm", "emulated Arm boards", True, "qemu-system-arm"),
    (
        "arm-none-eabi-gcc",
        COMPILER,
        True,
        "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
    ),
    ("gcc", "simulated AVR boards, the stand-in oracle, the tests", False, "gcc libc6-dev"),
    ("avr-gcc", AVR, False, SIMAVR),
]
FILES = [
    # what a simulated AVR board is made of: it is compiled against the simulator's library
    ("libsimavr", Path("/usr/include/simavr/sim_avr.h")),
    ("libelf", Path("/usr/include/libelf.h")),
    ("Arduino core for AVR", Path("/usr/share/arduino/hardware/arduino/avr/cores/arduino/Arduino.h")),
]


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _program(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\d+\.\d+(\.\d+)?", said.partition("\n")[0])
    return match.group(0) if match else path


def _data(required: bool) -> Finding:
    remedy = "apt-get install dataset-fashion-mnist, or let TensorFlow download it: boardproof train"
    try:
        folder: Path | None = dataset.find_folder()
    except BoardproofError as error:
        return Finding("Fashion-MNIST", "the test images", None, required, f"{error.message}; {error.hint}")
    return Finding("Fashion-MNIST", "the test images", str(folder) if folder else None, required, remedy)


def _ports() -> Finding:
    """May this user open serial ports? On Debian and Ubuntu, the group dialout may."""
    found: str | None = "as root" if os.name == "posix" and os.geteuid() == 0 else None
    with contextlib.suppress(KeyError, OSError):
        dialout = grp.getgrnam("dialout")
        if found is None and dialout.gr_gid in os.getgroups():
            found = "by the group dialout"
    remedy = f"sudo usermod -aG dialout {getpass.getuser()}, then log out and in again"
    return Finding("serial ports", "boards on USB", found, False, remedy)


def _checkout(project: Project | None) -> Finding:
    remedy = "needed to build firmware: clone the repository, work there, or set BOARDPROOF_PROJECT"
    return Finding(
        "checkout", "building firmware", None if project is None else str(project.root), False, remedy
    )


def examine(project: Project | None) -> list[Finding]:
    """Looks for every tool; runs nothing but `--version`."""
    return list(_examine(project))


def _examine(project: Project | None) -> Iterator[Finding]:
    builds = project is not None
    yield Finding(
        "python", "3.11 or newer", ".".join(map(str, sys.version_info[:3])), True, "apt-get install python3"
    )
    for name, purpose, remedy in ALWAYS:
        yield Finding(name, purpose, _package(name), True, remedy)
    for name, purpose, remedy in IN_A_CHECKOUT:
        yield Finding(name, purpose, _package(name), builds, remedy)
    yield Finding("tensorflow", "train and convert", _package("tensorflow"), False, "pip install '.[export]'")
    for name, purpose, required, packages in PROGRAMS:
        yield Finding(name, purpose, _program(name), required and builds, f"apt-get install {packages}")
    for name, path in FILES:
        yield Finding(name, AVR, str(path) if path.exists() else None, False, f"apt-get install {SIMAVR}")
    yield _ports()
    yield _checkout(project)
    yield _data(builds)


def remedy(target: Target) -> str:
    """What a build of the target may have missed; PlatformIO's own message names a download at best."""
    if not target.emulated:
        return "PlatformIO fetches a board's platform, compiler and libraries: is its registry in reach?"
    purpose = AVR if target.kernels == "avr" else COMPILER
    missing = [
        finding.remedy for finding in _examine(None) if finding.purpose == purpose and not finding.found
    ]
    if missing:
        return f"something is missing here: {missing[0]}"
    if target.engine == "tflm":
        return (
            "the engine tflm needs TensorFlow Lite Micro as a library: name the folder that holds it in "
            "PLATFORMIO_LIB_EXTRA_DIRS (docs/ENGINE_TFLM.md)"
        )
    return "boardproof doctor lists the tools"
