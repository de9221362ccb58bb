"""The Arduino core for AVR, from the folder where Debian's package arduino-core-avr installs it."""

from __future__ import annotations

import sys
from pathlib import Path

from SCons.Script import DefaultEnvironment

PACKAGE = Path("/usr/share/arduino/hardware/arduino/avr")
VERSION = 10808  # of the Arduino IDE that the core says it is of

env = DefaultEnvironment()
board = env.BoardConfig()
core = PACKAGE / "cores" / board.get("build.core")

if not core.is_dir():
    sys.stderr.write(f"Error: {core} is missing\napt-get install arduino-core-avr (Debian, Ubuntu)\n")
    env.Exit(1)

env.Append(
    CPPDEFINES=[("ARDUINO", VERSION), "ARDUINO_ARCH_AVR", "ARDUINO_" + board.get("build.arduino_board")],
    CPPPATH=[str(core), str(PACKAGE / "variants" / board.get("build.variant"))],
)
env.Prepend(LIBS=[env.BuildLibrary("$BUILD_DIR/FrameworkArduino", str(core))])
