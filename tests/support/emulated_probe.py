"""The probe firmware (board_probe.c) in an emulated board: builds it, serves it, talks to it."""

import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.host_c import FIRMWARE, ROOT, STRICT

LAUNCHER = ROOT / "firmware" / "platform" / "emulator.py"
MPS2 = FIRMWARE / "hal" / "mps2"
PATIENCE = 30.0


def board(name: str) -> dict[str, Any]:
    """A board definition of the project."""
    definition: dict[str, Any] = json.loads((ROOT / "firmware" / "boards" / f"{name}.json").read_text())
    return definition


def build_probe(folder: Path, name: str) -> Path:
    """Compiles the probe for a board into `folder`, with the record that PlatformIO leaves; returns `folder`."""
    definition = board(name)
    memory = {
        "FLASH_BYTES": definition["upload"]["maximum_size"],
        "RAM_BYTES": definition["upload"]["maximum_ram_size"],
        "STACK_BYTES": definition["build"]["stack_bytes"],
    }
    sources = [ROOT / "tests" / "support" / "board_probe.c", MPS2 / "hal.c", MPS2 / "startup.c"]
    command = [
        *("arm-none-eabi-gcc", f"-mcpu={definition['build']['cpu']}", "-mthumb", "-O2", *STRICT),
        *("-Wno-infinite-recursion", f"-I{FIRMWARE}"),
        f"-DHAL_ICOUNT_NS={1 << definition['emulator']['icount_shift']}",
        *("-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections,--fatal-warnings"),
        *(f"-Wl,--defsym={symbol}={value}" for symbol, value in memory.items()),
        *("-T", str(MPS2 / "mps2.ld"), *map(str, sources), "-o", str(folder / "program.elf")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = {"env": folder.name, "elf": "program.elf", "emulator": definition["emulator"]}
    (folder / "build.json").write_text(json.dumps(record))
    return folder


class Port:
    """A client of a serial device, which it takes as it is: making it raw is the launcher's part."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def write(self, data: bytes) -> None:
        while data:
            select.select([], [self._descriptor], [], PATIENCE)
            data = data[os.write(self._descriptor, data) :]

    def read(self, count: int, seconds: float = PATIENCE) -> bytes:
        """Up to `count` bytes: fewer when they do not come in time."""
        data = b""
        deadline = time.monotonic() + seconds
        while len(data) < count and (left := deadline - time.monotonic()) > 0:
            if select.select([self._descriptor], [], [], left)[0]:
                data += os.read(self._descriptor, count - len(data))
        return data

    def ask(self, request: str, argument: int = 0, data: bytes = b"") -> int:
        """Sends a request and returns the u32 that the probe answers."""
        self.write(request.encode() + struct.pack("<I", argument) + data)
        answer = self.read(4)
        assert len(answer) == 4, f"no answer to {request} {argument}"
        return int.from_bytes(answer, "little")

    def close(self) -> None:
        os.close(self._descriptor)


@contextmanager
def serve(build: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`emulator.py serve` as a child; ended at the end, whatever happened."""
    command = [sys.executable, str(LAUNCHER), "serve", "--build", str(build)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
    )
    try:
        yield process
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def announcement(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The JSON line that `serve` prints when the port is there."""
    assert process.stdout is not None
    record: dict[str, Any] = json.loads(process.stdout.readline())
    return record


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for_end(pid: int) -> bool:
    """Whether a process ends within our patience."""
    deadline = time.monotonic() + PATIENCE
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)
