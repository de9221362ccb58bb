"""Which tools are there, their versions, and how to get what is missing."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from boardproof_export.shared.errors import BoardproofError, ExitCode
from boardproof_export.shared.sources import fashion_mnist as dataset


@dataclass(frozen=True)
class Finding:
    """One tool: `found` is its version or place, None when missing."""

    name: str
    purpose: str
    found: str | None
    required: bool  # for `boardproof prove` on an emulated board
    remedy: str


PACKAGES = [
    # distribution, purpose, required, remedy
    ("numpy", "arrays", True, "pip install ."),
    ("jinja2", "templates", True, "pip install ."),
    ("tflite", "reading .tflite files", True, "pip install ."),
    ("pyserial", "serial ports", True, "pip install ."),
    ("platformio", "building and flashing", True, "pip install ."),
    (
        "tflite-micro",
        "the oracle of the verdict",
        True,
        "pip install .   (x86-64 Linux, CPython 3.10 to 3.13)",
    ),
    ("ai-edge-litert", "the LiteRT oracles", True, "pip install ."),
    ("tensorflow", "train and convert", False, "pip install '.[export]'"),
]
COMPILER = "compiler for Arm boards"
AVR_COMPILER = "compiler for 8-bit AVR boards"
PROGRAMS = [
    # program, purpose, required, Debian package
    ("qemu-system-arm", "emulated Arm boards", True, "qemu-system-arm"),
    (
        "arm-none-eabi-gcc",
        COMPILER,
        True,
        "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
    ),
    ("gcc", "the tests compile the firmware for the host", False, "gcc libc6-dev"),
    ("avr-gcc", AVR_COMPILER, False, "gcc-avr avr-libc arduino-core-avr"),
    ("simavr", "emulated AVR boards", False, "simavr libsimavr-dev"),
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


def _data() -> Finding:
    remedy = "apt-get install dataset-fashion-mnist, or let TensorFlow download it: boardproof train"
    try:
        folder: Path | None = dataset.find_folder()
    except BoardproofError as error:
        return Finding("Fashion-MNIST", "the test images", None, True, f"{error.message}; {error.hint}")
    return Finding("Fashion-MNIST", "the test images", str(folder) if folder else None, True, remedy)


def examine() -> list[Finding]:
    """Looks for every tool; runs nothing but `--version`."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    findings = [Finding("python", "3.11 or newer", python, True, "apt-get install python3")]
    findings += [Finding(n, p, _package(n), required, remedy) for n, p, required, remedy in PACKAGES]
    findings += [
        Finding(n, p, _program(n), required, f"apt-get install {remedy}")
        for n, p, required, remedy in PROGRAMS
    ]
    return [*findings, _data()]


def run(*, as_json: bool) -> int:
    """Prints the findings; exit code 4 when something required is missing."""
    findings = examine()
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = "ok" if finding.found else "MISSING" if finding.required else "absent"
            tail = finding.found or f"get it: {finding.remedy}"
            print(f"{mark:<8} {finding.name:<18} {finding.purpose:<44} {tail}")
    missing = [finding.name for finding in findings if finding.required and not finding.found]
    return ExitCode.ENVIRONMENT if missing else ExitCode.PROVEN
