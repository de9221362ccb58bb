"""Compiles the firmware's C for the host, with sanitizers, and talks to the programs made of it."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware" / "src"
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"]
SANITIZE = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def compile_host(
    output: Path, sources: Sequence[Path], flags: Sequence[str] = (), sanitize: bool = True
) -> Path:
    """Compiles and links sources against the firmware's headers; fails on any warning."""
    command = ["gcc", *STRICT, *(SANITIZE if sanitize else ["-O2"]), f"-I{FIRMWARE}", *flags]
    done = subprocess.run(
        [*command, *map(str, sources), "-o", str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return output


class LineTool:
    """A program that answers every line on its standard input with one line."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line: str) -> str:
        """Sends a line and returns the answer; fails when the program died (a sanitizer's finding)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer.endswith("\n"), f"the program died on: {line[:200]}"
        return answer.rstrip("\n")

    def close(self) -> None:
        """Ends the program and expects it to have found nothing wrong."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=10) == 0
