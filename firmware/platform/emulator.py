"""Starts, serves and stops an emulated board behind a pseudo-terminal that looks like a board's serial port.

    emulator.py serve --build .pio/build/ENV    for programs: one JSON line, then until stdin ends
    emulator.py start --build .pio/build/ENV    for people: in the background, prints the port
    emulator.py stop  --state .pio/emulators/ENV.json    or a folder: all whose state lies there

It needs nothing beyond Python's standard library, because PlatformIO runs it in its own environment.
`emulator_link.py` says how bytes get into and out of QEMU, and why so; `emulator_simavr.py` is the AVR boards' part.

Exit codes: 0 ended as asked, 2 nothing was built, 3 the emulator died, 4 the emulator is not installed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import emulator_link
from emulator_error import EXIT_DIED, EXIT_MISSING, EXIT_USAGE, EmulatorError
from emulator_simavr import SimavrMachine

RECORD_NAME = "build.json"
STATES = "emulators"  # folder beside the build folders: those, PlatformIO empties when the project changes
START_SECONDS = 20.0  # until the port must be there
GONE_SECONDS = 1.0  # between looks whether a build folder is still there
STOP_SECONDS = 5.0  # until SIGKILL follows SIGTERM


@dataclass(frozen=True)
class QemuMachine:
    """What to emulate: the `emulator` section of the board's JSON, and the program to run."""

    program: str  # executable, found on PATH
    name: str  # QEMU's machine
    icount_shift: int  # one instruction takes 2^shift ns of virtual time
    elf: Path

    @property
    def title(self) -> str:
        """What runs, in words."""
        return f"{self.program} -machine {self.name}"

    @property
    def known_to_work(self) -> str:
        """The version to compare with."""
        return f"{self.program} --version (7.2 is known to work)"

    def prepare(self) -> None:
        """Checks that QEMU is there.

        Raises:
            EmulatorError: it is not.
        """
        if shutil.which(self.program) is None:
            raise EmulatorError(
                f"{self.program} is not installed",
                hint=f"apt-get install {self.program} (Debian, Ubuntu), brew install qemu (macOS)",
                code=EXIT_MISSING,
            )

    def open_link(self) -> emulator_link.Link:
        """The link that `command` takes."""
        return emulator_link.Link()

    def choose_core(self) -> int | None:
        """The core of this machine to run on; None: any."""
        return emulator_link.idlest_core(self.program)

    def settle(self, pid: int) -> None:
        """To be done once when it runs."""
        emulator_link.prefer_core_thread(pid)

    def command(self, link: emulator_link.Link) -> list[str]:
        """The emulator's command line. The first serial port is `link`; nothing else is attached."""
        # Without -echr 256 a multiplexed chardev takes byte 0x01 for its escape character.
        return [
            *(self.program, "-machine", self.name, "-kernel", str(self.elf)),
            *("-icount", f"shift={self.icount_shift}"),
            *("-nodefaults", "-display", "none", "-monitor", "none", "-nic", "none"),
            *("-chardev", link.chardev("u0"), "-serial", "chardev:u0", "-echr", "256"),
        ]


Machine = Union[QemuMachine, SimavrMachine]  # evaluated, so not with the bar of Python 3.10


def read_build(build: Path) -> Machine:
    """Reads what `build_record.py` wrote after linking.

    Raises:
        EmulatorError: nothing was built there, or the target is not an emulated one.
    """
    path = build / RECORD_NAME
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        elf, emulator, env = build / record["elf"], record["emulator"], record["env"]
    except (OSError, ValueError, KeyError) as error:
        raise EmulatorError(
            f"nothing was built in {build}: {error}", hint=f"pio run -e {build.name}", code=EXIT_USAGE
        ) from error
    if emulator is None:
        raise EmulatorError(
            f"target {env} is no emulated board", hint=f"pio run -e {env} -t upload", code=EXIT_USAGE
        )
    if not elf.is_file():
        raise EmulatorError(f"{elf} is missing", hint=f"pio run -e {env}", code=EXIT_USAGE)
    if emulator["program"] == "simavr":
        return SimavrMachine(emulator["machine"], int(emulator["frequency"]), elf)
    return QemuMachine(emulator["program"], emulator["machine"], int(emulator["icount_shift"]), elf)


def _die_with_parent(parent: int) -> None:
    """Linux: has the kernel end this process when its parent is gone, however that ended."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it went before the call
            os._exit(EXIT_DIED)


def launch(machine: Machine, link: Any) -> subprocess.Popen[bytes]:
    """Starts the emulator on `link` and waits until it listens.

    Raises:
        EmulatorError: it ended at once, or did not listen in time.
    """
    parent = os.getpid()
    core = machine.choose_core()

    def prepare() -> None:
        _die_with_parent(parent)
        emulator_link.stay_on(core)

    process = subprocess.Popen(
        machine.command(link),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=link.inherited(),
        preexec_fn=prepare,
        start_new_session=True,  # Ctrl-C is the host's to handle: it ends us, and we end the emulator
    )
    link.opened_by_emulator()
    deadline = time.monotonic() + START_SECONDS
    while not link.emulator_listens(process.pid):
        if process.poll() is not None:
            raise _died(machine, process)
        if time.monotonic() > deadline:
            end(process)
            raise _died(machine, process)
        time.sleep(0.01)
    machine.settle(process.pid)
    return process


def _died(machine: Machine, process: subprocess.Popen[bytes]) -> EmulatorError:
    """To be called when the process has ended: reads its last words."""
    assert process.stderr is not None
    words = " ".join(process.stderr.read().decode(errors="replace").split())
    return EmulatorError(
        f"{machine.title} ended with code {process.returncode}: {words or 'no message'}",
        hint=machine.known_to_work,
        code=EXIT_DIED,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends the emulator, gently at first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def serve(build: Path, *, until_signal: bool) -> int:
    """Runs the board of `build` until stdin ends (unless `until_signal`), a signal arrives, or the emulator dies.

    Prints one JSON line when the port is there: port (a device path), pid (this process), emulator_pid, machine.
    """
    machine = read_build(build)
    stop_reader, stop_writer = os.pipe()  # a signal closes the writing end

    def stop(_signal: int, _frame: object) -> None:
        with contextlib.suppress(OSError):
            os.close(stop_writer)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    if until_signal:
        threading.Thread(target=_end_with, args=(build, stop_writer), daemon=True).start()
    machine.prepare()
    with machine.open_link() as link:
        process = launch(machine, link)
        try:
            record = {
                "port": link.port,
                "pid": os.getpid(),
                "emulator_pid": process.pid,
                "machine": machine.name,
            }
            print(json.dumps(record), flush=True)
            stops = [stop_reader] if until_signal else [stop_reader, sys.stdin.fileno()]
            link.pump(until_readable=stops)
            if not link.broken:
                return 0
            process.wait(STOP_SECONDS)
            raise _died(machine, process)
        finally:
            end(process)


def _end_with(build: Path, stop_writer: int) -> None:
    """Ends a board in the background when its build folder is gone: nobody could stop it by that any more."""
    while build.is_dir():
        time.sleep(GONE_SECONDS)
    with contextlib.suppress(OSError):
        os.close(stop_writer)


def _is_ours(pid: int, build: Path) -> bool:
    """Whether `pid` is a server of this build, and not a later process that got the number."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    except OSError:
        listing = subprocess.run(
            ["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False
        )
        words = listing.stdout
    return "emulator.py serve" in words and str(build) in words


def stop(state: Path) -> bool:
    """Stops the board that `state` names, or all boards of a folder of states; returns whether one was running."""
    if state.is_dir():
        stopped = [stop(path) for path in sorted(state.glob("*.json"))]
        return any(stopped)
    try:
        record = json.loads(state.read_text(encoding="utf-8"))
        pid, build = int(record["pid"]), Path(record["build"])
    except (OSError, ValueError, KeyError):
        return False
    state.unlink(missing_ok=True)
    if not _is_ours(pid, build):
        return False
    deadline = time.monotonic() + 2 * STOP_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while _is_ours(pid, build):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)  # the emulator goes with it
                break
            time.sleep(0.02)
    return True


def start(build: Path, state: Path) -> dict[str, Any]:
    """Starts the board of `build` in the background, in place of one that runs; returns and writes its state.

    Raises:
        EmulatorError: as `serve` does; the log beside the state file has the words.
    """
    stop(state)
    log = state.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as words:
        server = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "serve", "--build", str(build), "--until-signal"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            start_new_session=True,
        )
    assert server.stdout is not None
    line = b""
    if select.select([server.stdout], [], [], 2 * START_SECONDS)[0]:
        line = server.stdout.readline()
    if not line:
        server.terminate()
        code = server.wait()
        message, _, hint = log.read_text(encoding="utf-8").strip().partition("\n")
        raise EmulatorError(
            message or "the emulated board did not start", hint=hint, code=code if code > 0 else EXIT_DIED
        )
    record: dict[str, Any] = {**json.loads(line), "build": str(build), "log": str(log)}
    state.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="emulator.py", description="Runs an emulated board.")
    parser.add_argument("action", choices=["start", "serve", "stop"])
    parser.add_argument("--build", type=Path, help="PlatformIO's build folder of the target")
    parser.add_argument(
        "--state", type=Path, help=f"state of start and stop (default: BUILD/../../{STATES}/TARGET.json)"
    )
    parser.add_argument("--until-signal", action="store_true", help="serve: stay when stdin ends")
    args = parser.parse_args(arguments)
    if args.action == "stop" and args.state is not None:
        print("stopped" if stop(args.state) else "no emulated board was running")
        return 0
    if args.build is None:
        parser.error("name the build folder with --build")
    build = args.build.resolve()
    state = (args.state or build.parent.parent / STATES / f"{build.name}.json").resolve()
    try:
        if args.action == "serve":
            return serve(build, until_signal=args.until_signal)
        if args.action == "stop":
            print("stopped" if stop(state) else "no emulated board was running")
            return 0
        port = start(build, state)["port"]
        print(f"The emulated board listens on {port}")
        print(f"  talk to it:  boardproof run --port {port}")
        print(f"  stop it:     pio run -e {build.name} -t emulator-stop")
        return 0
    except EmulatorError as error:
        print(error, file=sys.stderr)
        return error.code


if __name__ == "__main__":
    sys.exit(main())
