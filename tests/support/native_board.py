"""The whole firmware as a process of this machine, on a pseudo-terminal, with mistakes where a test wants them."""

import os
import subprocess
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.board_library import render_model
from support.host_c import FIRMWARE, compile_host

# Rounds ties upward: LiteRT's mistake on x86, off by one now and then.
TIES_UPWARD = {"requantize.c": ("aot_divide(high, (both & 31) + 1)", "(((high >> (both & 31)) + 1) >> 1)")}


def build_native(folder: Path, model: bytes, mistakes: Mapping[str, tuple[str, str]] | None = None) -> Path:
    """Compiles the firmware with the engine aot. `mistakes`: by a C file's name, a text and what replaces it."""
    generated = render_model(folder, model)
    engine = [path for path in (FIRMWARE / "engine" / "aot").rglob("*.c") if "cores" not in path.parts]
    sources = [
        FIRMWARE / "main.c",
        FIRMWARE / "hal" / "native" / "hal.c",
        *(FIRMWARE / "app").rglob("*.c"),
        *(FIRMWARE / "protocol").glob("*.c"),
        *engine,
        *generated.glob("model_aot.c"),
    ]
    for name, (right, wrong) in (mistakes or {}).items():
        (sound,) = (path for path in sources if path.name == name)
        text = sound.read_text(encoding="utf-8")
        assert text.count(right) == 1, f"{name} no longer has {right!r} once"
        broken = folder / name
        broken.write_text(text.replace(right, wrong), encoding="utf-8")
        sources[sources.index(sound)] = broken
    flags = [f"-I{generated}", f"-I{FIRMWARE / 'engine' / 'aot' / 'arithmetic'}"]
    return compile_host(folder / "board", sorted(sources), flags, sanitize=False)


@contextmanager
def on_terminal(program: Path) -> Iterator[str]:
    """The board at work; yields the device's name."""
    master, slave = os.openpty()
    tty.setraw(slave)  # kept open, so that it stays raw
    process = subprocess.Popen([program], stdin=master, stdout=master)
    try:
        yield os.ttyname(slave)
    finally:
        process.terminate()
        process.wait(10)
        os.close(master)
        os.close(slave)
