"""The HAL of the emulated boards and the emulator's launcher, on the emulators themselves."""

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.emulated_probe import (
    LAUNCHER,
    Port,
    announcement,
    build_probe,
    is_running,
    serve,
    wait_for_end,
)

pytestmark = pytest.mark.e2e
BOARDS = ["mps2_an385", "mps2_an386", "mps2_an500"]
FAULT = b"\r\nboardproof: fault, restarting\r\nprobe"


@pytest.fixture(scope="module", params=BOARDS)
def probe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Port]:
    """The probe on each of the boards."""
    with serve(build_probe(tmp_path_factory.mktemp(request.param), request.param)) as process:
        port = Port(announcement(process)["port"])
        assert port.read(5) == b"probe"
        yield port
        port.close()


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the probe, built for the Cortex-M4."""
    return build_probe(tmp_path_factory.mktemp("probe"), "mps2_an386")


class TestHal:
    def test_every_byte_passes_unchanged_both_ways(self, probe: Port) -> None:
        # 0x01 would be a multiplexer's escape; 0x03, 0x11, 0x13, CR, LF and 0x7f mean something to a terminal.
        data = (
            bytes(range(256)) + b"\x01x\x01c\x01b\r\n\r\n\x03\x04\x11\x13\x7f" + bytes(reversed(range(256)))
        )
        probe.write(b"e" + struct.pack("<I", len(data)) + data)
        assert probe.read(len(data)) == data

    def test_instructions_are_counted_exactly(self, probe: Port) -> None:
        assert probe.ask("z") == 0
        assert [probe.ask("n", count) for count in (1, 7, 100)] == [1, 7, 100]
        assert probe.ask("l", 123_457) == 2 * 123_457

    def test_traffic_does_not_change_a_count(self, probe: Port) -> None:
        chance = random.Random(1)
        for _ in range(10):
            count = chance.randrange(20_000, 200_000)
            # The bytes to be echoed arrive while the loop is measured.
            burst = chance.randbytes(chance.randrange(1, 3000))
            probe.write(b"l" + struct.pack("<I", count) + b"e" + struct.pack("<I", len(burst)))
            time.sleep(chance.random() / 200)
            probe.write(burst)
            assert int.from_bytes(probe.read(4), "little") == 2 * count
            assert probe.read(len(burst)) == burst

    def test_a_fault_is_said_and_the_board_starts_again(self, probe: Port) -> None:
        for cause in ("f", "s", "f"):
            probe.write(cause.encode() + bytes(4))
            assert probe.read(len(FAULT)) == FAULT
            assert probe.ask("n", 7) == 7

    def test_a_reset_restarts_the_firmware(self, probe: Port) -> None:
        before = probe.ask("m")
        probe.write(b"r" + bytes(4))
        assert probe.read(5) == b"probe"
        assert probe.ask("m") <= before + 50  # the clock began anew; a busy machine reads it a little later


def test_a_count_goes_beyond_the_timers_32_bits(build: Path) -> None:
    loops = 360_000_000  # 184 s of virtual time; the timer wraps after 172
    with serve(build) as process:
        port = Port(announcement(process)["port"])
        port.read(5)
        assert port.ask("l", loops) == 2 * loops
        port.close()


def test_a_flood_loses_nothing_on_its_way_to_the_uart(build: Path) -> None:
    data = random.Random(2).randbytes(200_000)
    total = 0
    for byte in data:
        total = (total * 31 + byte) % 2**32
    with serve(build) as process:
        port = Port(announcement(process)["port"])
        port.read(5)
        assert port.ask("d", len(data), data) == total
        assert port.read(4) == bytes(4), "overruns"
        # Written in tiny pieces, each of which is a datagram of its own.
        port.write(b"d" + struct.pack("<I", 3000))
        for start in range(3000):
            port.write(data[start : start + 1])
        assert len(port.read(8)) == 8
        port.close()


def test_a_client_may_come_and_go(build: Path) -> None:
    with serve(build) as process:
        path = announcement(process)["port"]
        for _ in range(3):
            port = Port(path)
            port.read(5, seconds=0.2)
            assert port.ask("n", 100) == 100
            port.close()


class TestServe:
    def test_it_ends_with_its_input_and_takes_the_emulator_along(self, build: Path) -> None:
        with serve(build) as process:
            record = announcement(process)
            assert (record["pid"], record["machine"]) == (process.pid, "mps2-an386")
            assert is_running(record["emulator_pid"])
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(20) == 0
            assert not is_running(record["emulator_pid"])

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_ends_by_a_signal(self, build: Path, number: signal.Signals) -> None:
        with serve(build) as process:
            emulator = announcement(process)["emulator_pid"]
            process.send_signal(number)
            assert process.wait(20) == 0
            assert not is_running(emulator)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
    def test_no_emulator_outlives_a_killed_server(self, build: Path) -> None:
        with serve(build) as process:
            emulator = announcement(process)["emulator_pid"]
            process.kill()
            process.wait()
            assert wait_for_end(emulator)

    def test_an_emulator_that_dies_is_reported(self, build: Path) -> None:
        with serve(build) as process:
            os.kill(announcement(process)["emulator_pid"], signal.SIGKILL)
            assert process.wait(20) == 3
            assert process.stderr is not None
            assert b"qemu-system-arm -machine mps2-an386 ended with code -9" in process.stderr.read()

    def test_an_emulator_that_does_not_start_says_why(self, build: Path, tmp_path: Path) -> None:
        record = json.loads((build / "build.json").read_text())
        record["emulator"]["machine"] = "no-such-machine"
        assert "unsupported machine type" in _refused(tmp_path, record, 3)

    def test_a_missing_emulator_comes_with_the_way_to_get_it(self, build: Path, tmp_path: Path) -> None:
        record = json.loads((build / "build.json").read_text())
        record["emulator"]["program"] = "qemu-system-nothing"
        message, hint = _refused(tmp_path, record, 4).splitlines()
        assert message == "qemu-system-nothing is not installed"
        assert hint.startswith("apt-get install")

    def test_a_real_board_is_refused(self, tmp_path: Path) -> None:
        record = {"env": "real", "elf": "program.elf", "emulator": None}
        assert "target real is no emulated board" in _refused(tmp_path, record, 2)

    def test_a_folder_without_a_build_is_refused(self, tmp_path: Path) -> None:
        words = _run("serve", tmp_path, expected=2)
        assert "nothing was built" in words
        assert f"pio run -e {tmp_path.name}" in words


def _run(action: str, folder: Path, *more: str, expected: int = 0) -> str:
    """Runs the launcher to its end; returns what it said."""
    command = [sys.executable, str(LAUNCHER), action, "--build", str(folder), *more]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == expected, done.stderr
    return done.stdout if expected == 0 else done.stderr


def _refused(folder: Path, record: dict[str, object], expected: int) -> str:
    (folder / "program.elf").write_bytes(b"")
    (folder / "build.json").write_text(json.dumps(record))
    return _run("serve", folder, expected=expected)


class TestStart:
    def test_it_runs_in_the_background_until_it_is_stopped(self, build: Path, tmp_path: Path) -> None:
        state = tmp_path / "state.json"
        words = _run("start", build, "--state", str(state))
        first = json.loads(state.read_text())
        try:
            assert f"boardproof run --port {first['port']}" in words
            port = Port(first["port"])
            assert port.read(5) == b"probe"
            port.close()
            _run("start", build, "--state", str(state))  # in place of the first
            assert not is_running(first["pid"])
            assert not is_running(first["emulator_pid"])
        finally:
            second = json.loads(state.read_text())
            assert _run("stop", build, "--state", str(state)) == "stopped\n"
        assert not is_running(second["pid"])
        assert not is_running(second["emulator_pid"])
        assert not state.exists()
        assert "no emulated board" in _run("stop", build, "--state", str(state))

    def test_it_stops_nobody_else(self, build: Path, tmp_path: Path) -> None:
        state = tmp_path / "state.json"
        stranger = subprocess.Popen(["sleep", "60"])
        try:
            state.write_text(json.dumps({"pid": stranger.pid, "build": str(build)}))
            assert "no emulated board" in _run("stop", build, "--state", str(state))
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_a_failure_is_told_in_the_foreground(self, tmp_path: Path) -> None:
        assert "nothing was built" in _run("start", tmp_path, expected=2)


def test_a_board_in_the_background_ends_when_its_build_folder_is_gone(build: Path, tmp_path: Path) -> None:
    """Whoever started it was killed, and what it started from was deleted: nobody else would end it."""
    folder = Path(shutil.copytree(build, tmp_path / "build" / "copy"))
    command = [
        sys.executable,
        str(LAUNCHER),
        "start",
        "--build",
        str(folder),
        "--state",
        str(tmp_path / "s.json"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    record = json.loads((tmp_path / "s.json").read_text())
    assert is_running(record["pid"])
    shutil.rmtree(folder)
    assert wait_for_end(record["pid"])
    assert wait_for_end(record["emulator_pid"])
