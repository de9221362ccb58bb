"""How firmware for an emulated Arm board is compiled, linked and started (a PlatformIO platform's build script)."""

from __future__ import annotations

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()
emulator = board.get("emulator")
core_flags = ["-mcpu=" + board.get("build.cpu"), "-mthumb", "-mfloat-abi=soft"]
memory = {
    "FLASH_BYTES": board.get("upload.maximum_size"),
    "RAM_BYTES": board.get("upload.maximum_ram_size"),
    "STACK_BYTES": board.get("build.stack_bytes"),
}
launcher = "$PROJECT_DIR/firmware/platform/emulator.py"
folders = '--build "$BUILD_DIR" --state "$PROJECT_DIR/.pio/emulators/${PIOENV}.json"'

env.Replace(
    AR="arm-none-eabi-gcc-ar",
    AS="arm-none-eabi-as",
    CC="arm-none-eabi-gcc",
    CXX="arm-none-eabi-g++",
    OBJCOPY="arm-none-eabi-objcopy",
    RANLIB="arm-none-eabi-gcc-ranlib",
    SIZETOOL="arm-none-eabi-size",
    ARFLAGS=["rc"],
    PROGSUFFIX=".elf",
    # Flash holds the initial values of .data too. The reserved stack (.stack) is not counted as used RAM.
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPROGREGEXP=r"^(?:\.text|\.ARM\.exidx|\.data)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss)\s+(\d+).*",
    LDSCRIPT_PATH="$PROJECT_DIR/" + board.get("build.ldscript"),
)
env.Append(
    CPPDEFINES=[("HAL_ICOUNT_NS", 1 << emulator["icount_shift"])],
    CCFLAGS=[*core_flags, "-ffunction-sections", "-fdata-sections"],
    CXXFLAGS=["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-use-cxa-atexit"],
    LINKFLAGS=[
        *core_flags,
        "-nostartfiles",
        "--specs=nano.specs",
        "-Wl,--gc-sections,--fatal-warnings",
        *(f"-Wl,--defsym={name}={value}" for name, value in memory.items()),
    ],
    LIBS=["c", "m", "gcc"],
)

program = env.BuildProgram()
env.Depends(program, "$LDSCRIPT_PATH")
AlwaysBuild(env.Alias("buildprog", program))
Default(program)

env.AddPlatformTarget(
    "upload",
    program,
    [
        env.VerboseAction(
            f'"$PYTHONEXE" "{launcher}" start {folders}',
            "Starting the emulated board",
        )
    ],
    "Start the emulated board",
    "Runs the firmware in the background and prints the port to talk to",
)
env.AddPlatformTarget(
    "emulator-stop",
    None,
    [
        env.VerboseAction(
            f'"$PYTHONEXE" "{launcher}" stop {folders}',
            "Stopping the emulated board",
        )
    ],
    "Stop the emulated board",
    "Ends what upload has started",
)
