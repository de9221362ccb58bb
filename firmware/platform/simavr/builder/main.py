"""How firmware for a simulated AVR board is compiled, linked and started (a PlatformIO platform's build script).

Compiler and linker get what PlatformIO's atmelavr platform gives them for a real board, so that what runs in the
simulator is what would be flashed; HAL_EMULATED alone differs.
"""

from __future__ import annotations

import shutil
import sys

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()
launcher = "$PROJECT_DIR/firmware/platform/emulator.py"
folders = '--build "$BUILD_DIR" --state "$PROJECT_DIR/.pio/emulators/${PIOENV}.json"'
core_flags = ["-mmcu=" + board.get("build.mcu"), "-flto"]

if shutil.which("avr-gcc") is None:
    sys.stderr.write(
        "Error: avr-gcc is missing\napt-get install gcc-avr avr-libc arduino-core-avr (Debian, Ubuntu)\n"
    )
    env.Exit(1)

env.Replace(
    AR="avr-gcc-ar",
    AS="avr-as",
    CC="avr-gcc",
    CXX="avr-g++",
    OBJCOPY="avr-objcopy",
    RANLIB="avr-gcc-ranlib",
    SIZETOOL="avr-size",
    ARFLAGS=["rc"],
    PROGSUFFIX=".elf",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPROGREGEXP=r"^(?:\.text|\.data|\.bootloader)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.noinit)\s+(\d+).*",
)
env.Append(
    CPPDEFINES=[("F_CPU", "$BOARD_F_CPU"), "HAL_EMULATED"],
    ASFLAGS=["-mmcu=" + board.get("build.mcu")],
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    CFLAGS=["-std=gnu11", "-fno-fat-lto-objects"],
    CCFLAGS=[*core_flags, "-ffunction-sections", "-fdata-sections"],
    # avr-libc takes DECIMAL_DIG from the compiler, and avr-gcc 5.4 does not give it to C++.
    CXXFLAGS=[
        *("-std=gnu++11", "-fno-exceptions", "-fno-threadsafe-statics"),
        *("-fpermissive", "-Wno-error=narrowing"),
        "-DDECIMAL_DIG=__DECIMAL_DIG__",
    ],
    LINKFLAGS=["-O2", *core_flags, "-Wl,--gc-sections", "-fuse-linker-plugin"],
    LIBS=["m"],
)

program = env.BuildProgram()
AlwaysBuild(env.Alias("buildprog", program))
Default(program)

for name, action, doing, title in (
    ("upload", "start", "Starting", "Start the simulated board"),
    ("emulator-stop", "stop", "Stopping", "Stop the simulated board"),
):
    command = f'"$PYTHONEXE" "{launcher}" {action} {folders}'
    env.AddPlatformTarget(
        name,
        program if name == "upload" else None,
        [env.VerboseAction(command, f"{doing} the simulated board")],
        title,
    )
