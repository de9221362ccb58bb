"""Firmware with one mistake in one operator: planted in the rendered C; a rounding in the kernels, by a switch."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.board_library import render_model
from support.host_c import FIRMWARE
from support.native_board import on_terminal

# By a C file's name: a text, and what computes wrongly while the switch is on.
_SWITCHED = {
    "requantize.c": ("aot_divide(high, (both & 31) + 1)", "high >> ((both & 31) + 1)"),
    "pool_2d.c": ("(sum > 0 ? sum + count / 2 : sum - count / 2) / count", "sum / count"),
}
_SWITCH = "planted_rounding"


@dataclass(frozen=True)
class Fault:
    """A mistake in an operator's rendering.

    `kind`: weight: one value of its weights; shift: one channel's is less by one; bias: one channel's; rounding: down
    where the reference rounds to nearest; member: one of its descriptor's members, `.NAME = VALUE`.
    """

    op: int
    kind: str
    place: int = 0  # of the weight, or the channel
    member: str = ""


class Workshop:
    """Builds boards of one model: everything but the rendering is compiled once."""

    def __init__(self, folder: Path, model: bytes) -> None:
        self._folder, self._generated = folder, render_model(folder, model)
        self.model = folder / "model.tflite"
        self._rendered = (self._generated / "model_aot.c").read_text(encoding="utf-8")
        aot = FIRMWARE / "engine" / "aot"
        sources = [
            FIRMWARE / "main.c",
            FIRMWARE / "hal" / "native" / "hal.c",
            *(FIRMWARE / "app").rglob("*.c"),
            *(FIRMWARE / "protocol").glob("*.c"),
            *(path for path in aot.rglob("*.c") if "cores" not in path.parts),
        ]
        self._objects = [self._compiled(self._switched(path)) for path in sorted(sources)]

    @contextmanager
    def board(self, fault: Fault | None) -> Iterator[str]:
        """The port of a board with the fault, or of a sound one."""
        text = f"extern int {_SWITCH};\nint {_SWITCH};\n{self._rendered}"
        source = self._folder / "model_aot.c"
        source.write_text(text if fault is None else planted(text, fault), encoding="utf-8")
        program = self._folder / "board"
        _gcc([*map(str, self._objects), str(self._compiled(source)), "-o", str(program)])
        with on_terminal(program) as port:
            yield port

    def _switched(self, path: Path) -> Path:
        if path.name not in _SWITCHED:
            return path
        right, wrong = _SWITCHED[path.name]
        text = path.read_text(encoding="utf-8")
        assert text.count(right) == 1, f"{path.name} no longer has {right!r} once"
        switched = self._folder / path.name
        changed = text.replace(right, f"({_SWITCH} ? {wrong} : {right})")
        switched.write_text(f"extern int {_SWITCH};\n{changed}", encoding="utf-8")
        return switched

    def _compiled(self, source: Path) -> Path:
        place = self._folder / f"{source.stem}.o"
        folders = [
            FIRMWARE,
            self._generated,
            *(FIRMWARE / "engine" / "aot" / name for name in ("arithmetic", "operators")),
        ]
        _gcc(["-c", str(source), "-o", str(place), *(f"-I{folder}" for folder in folders)])
        return place


def planted(text: str, fault: Fault) -> str:
    """A rendering with the fault."""
    if fault.kind == "rounding":
        call = re.compile(rf"^  aot_\w+\(&op{fault.op}(_call0)?, .*;$", re.MULTILINE)
        return _once(call, text, lambda found: f"  {_SWITCH} = 1;\n{found[0]}\n  {_SWITCH} = 0;")
    if fault.kind == "member":
        name, value = fault.member.split("=")
        member = re.compile(rf"( op{fault.op}(?:_call0)? = {{\n(?: .*\n)*? +\.{re.escape(name)} = )(-?\d+)")
        return _once(member, text, lambda found: f"{found[1]}{value}")
    what = "(?:weights|blocks)" if fault.kind == "weight" else "channels"
    array = re.compile(rf"(op{fault.op}(?:_call0)?_{what}\[\d*\] = {{)(.*?)(\n}};)", re.DOTALL)

    def changed(found: "re.Match[str]") -> str:
        entries = re.findall(r"\{[^}]*\}|-?\d+", found[2])
        number = int(re.findall(r"-?\d+", entries[fault.place])[0])
        if fault.kind == "weight":
            entries[fault.place] = str(number - 100 if number > 0 else number + 100)
        else:
            other = number - 1 if fault.kind == "shift" else number + 32 * 4000
            entries[fault.place] = entries[fault.place].replace(str(number), str(other), 1)
        return found[1] + ", ".join(entries) + found[3]

    return _once(array, text, changed)


def _once(pattern: "re.Pattern[str]", text: str, change: Callable[["re.Match[str]"], str]) -> str:
    changed, count = pattern.subn(change, text)
    assert count == 1 and changed != text, f"{pattern.pattern} is there {count} times"
    return changed


def _gcc(arguments: list[str]) -> None:
    done = subprocess.run(["gcc", "-std=c11", "-O0", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
