"""Ports: what is in use is not touched, what cannot be opened says what to do, and auto finds the board."""

import grp  # here, not when first needed: a test gives up the right to read it
import json
import os
import pwd
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from serial.tools import list_ports_common

from boardproof_export.shared import project
from boardproof_export.shared.errors import InputError, LinkError
from boardproof_export.shared.project import Project
from boardproof_host.boards.virtual import board as virtual_board
from boardproof_host.boards.virtual.board import Firmware
from boardproof_host.commands import main as cli
from boardproof_host.link.refusals import NoAnswerError, no_answer
from boardproof_host.link.session import Session
from boardproof_host.link.timeouts import Patience
from boardproof_host.ports import advice as port_errors
from boardproof_host.ports import find as ports
from boardproof_host.ports import holders as port_state
from boardproof_host.ports.advice import PortBusyError, PortDeniedError
from boardproof_host.ports.find import Port
from boardproof_host.ports.holders import Access
from boardproof_host.ports.serial_port import SerialTransport
from model_builder import random_model
from support.served_board import on_terminal

MODEL = random_model(9, depths=(20, 6))
NOBODY = 65534


@pytest.fixture(scope="module")
def firmware() -> Firmware:
    return virtual_board.build(MODEL)


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal with nobody behind it: its master, and the name of its device."""
    master, slave = os.openpty()
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


@contextmanager
def holder(device: str, program: str = sys.executable) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that has the device open, and nothing else of it."""
    descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY)
    words = [program, "60"] if program != sys.executable else [program, "-c", "import time; time.sleep(60)"]
    child = subprocess.Popen(words, stdin=descriptor)
    os.close(descriptor)
    try:
        deadline = time.monotonic() + 10
        while not (Path("/proc") / str(child.pid) / "fd" / "0").exists():  # not started yet
            assert time.monotonic() < deadline
        yield child
    finally:
        child.kill()
        child.wait()


@contextmanager
def on_hang_up() -> Iterator[str]:
    """A server that ends every connection at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"


def listed(device: str, **facts: Any) -> list_ports_common.ListPortInfo:
    info = list_ports_common.ListPortInfo(device)
    for name, value in facts.items():
        setattr(info, name, value)
    return info


# -- ports in use ----------------------------------------------------------------------------------------------


def test_a_port_in_use_is_refused_by_name_and_not_touched(terminal: tuple[int, str]) -> None:
    master, device = terminal
    with holder(device) as child:
        with pytest.raises(PortBusyError, match=rf"in use by python\S* \(process {child.pid}") as caught:
            SerialTransport(device)
        assert f"kill {child.pid}" in caught.value.hint
        (finding,) = ports.examine([Port(device)], seconds=0.2)
        assert finding.state == "busy"
        (unprobed,) = ports.examine([Port(device)], probe=False)
        assert (unprobed.state, str(child.pid) in unprobed.detail) == ("busy", True)
        assert not select.select([master], [], [], 0.1)[0]  # nobody wrote to it
    SerialTransport(device).close()  # free again


def test_spying_on_a_port_in_use_is_refused_as_well(terminal: tuple[int, str], tmp_path: Path) -> None:
    log = tmp_path / "bytes.log"
    with holder(terminal[1]) as child, pytest.raises(PortBusyError, match=f"process {child.pid}"):
        SerialTransport(f"spy://{terminal[1]}?file={log}")
    assert not log.exists()
    with pytest.raises(InputError, match=r"absent/bytes\.log cannot be written"):
        SerialTransport(f"spy://{terminal[1]}?file={tmp_path}/absent/bytes.log")


def test_a_lock_that_another_open_holds(terminal: tuple[int, str]) -> None:
    """The same port twice in one process: no other process is to be seen, but the port is locked."""
    first = SerialTransport(terminal[1])
    with pytest.raises(PortBusyError, match="in use by another program"):
        SerialTransport(terminal[1])
    first.close()
    SerialTransport(terminal[1]).close()


def test_a_lock_file_of_a_living_process(
    terminal: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_state, "LOCKS", (tmp_path / "absent", tmp_path))
    lock = tmp_path / f"LCK..{Path(terminal[1]).name}"
    lock.write_text(f"{os.getppid():>10}\n")
    assert [holder.pid for holder in port_state.holders(terminal[1])] == [os.getppid()]
    lock.write_text("     99999999\n")  # more than Linux has
    assert port_state.holders(terminal[1]) == []
    lock.write_text("nonsense")
    assert port_state.holders(terminal[1]) == []


def test_the_process_behind_a_terminal_does_not_use_it(tmp_path: Path) -> None:
    """A board that is a process holds both ends of its port: the port is free all the same."""
    model = tmp_path / "model.tflite"
    model.write_bytes(MODEL)
    command = [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        device = json.loads(child.stdout.readline())["port"]
        assert port_state.holders(device) == []
        assert port_state.serves_terminal(child.pid, device)
        assert not port_state.serves_terminal(os.getpid(), device)
        transport = SerialTransport(device)
        with pytest.raises(PortBusyError):
            SerialTransport(device)
        transport.close()


def test_a_link_to_a_device_is_that_device(terminal: tuple[int, str], tmp_path: Path) -> None:
    link = tmp_path / "usb-Arduino_Nano_33_BLE-if00"
    link.symlink_to(terminal[1])
    with holder(terminal[1]) as child:
        assert [found.pid for found in port_state.holders(str(link))] == [child.pid]


# -- permission, ModemManager, what is no port -----------------------------------------------------------------


def refusal_as_stranger(device: str) -> str:
    """Opens the device without any right to it; returns the error's message and hint."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            SerialTransport(device)
            said = "opened"
        except PortDeniedError as error:
            said = f"{error.message}\n{error.hint}"
        except BaseException as error:  # the child must not go on with the tests
            said = repr(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


def test_a_port_of_nobody(terminal: tuple[int, str]) -> None:
    Path(terminal[1]).chmod(0)
    said = refusal_as_stranger(terminal[1])
    assert said.startswith(f"no permission to open {terminal[1]} (c---------, group ")
    assert "udev rule" in said
    assert "chmod a+rw" in said


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a device to a group")
def test_a_port_of_a_group(terminal: tuple[int, str]) -> None:
    group = next(entry for entry in grp.getgrall() if entry.gr_name == "dialout")
    os.chown(terminal[1], 0, group.gr_gid)
    Path(terminal[1]).chmod(0o660)
    assert pwd.getpwuid(NOBODY).pw_name not in group.gr_mem
    said = refusal_as_stranger(terminal[1])
    assert "(crw-rw----, group dialout)" in said
    assert "sudo usermod -aG dialout $USER" in said


def test_a_member_of_the_group_has_to_log_in_again() -> None:
    error = port_errors.denied("/dev/ttyACM0", Access("plugdev", True, True, "crw-rw----"))
    assert "log out and in again" in error.hint
    assert "newgrp plugdev" in error.hint
    assert "usermod" not in error.hint


def test_modem_manager_in_the_way(terminal: tuple[int, str], tmp_path: Path) -> None:
    """A process of that name, for real: it is named where it holds the port, and where a new port is silent."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    program = shutil.copy(sleep, tmp_path / "ModemManager")
    with holder(terminal[1], program):
        with pytest.raises(PortBusyError, match="ModemManager") as caught:
            SerialTransport(terminal[1])
        assert "systemctl stop ModemManager" in caught.value.hint
        assert "ModemManager" in no_answer("/dev/ttyACM7", advice=port_errors.silence).hint
        assert "ModemManager" not in no_answer("/dev/ttyS0").hint
        assert "ModemManager" not in no_answer("socket://localhost:1").hint


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("/dev/ttyNOSUCH0", LinkError, "there is no port /dev/ttyNOSUCH0"),
        ("/", InputError, "/ is no serial port"),
        (__file__, InputError, "is no serial port"),
        ("carrier-pigeon://x", InputError, "is no port"),
        ("socket://localhost", InputError, "socket://localhost is no port"),
        ("socket://localhost:many", InputError, "is no port"),
        ("rfc2217://:4000", InputError, "is no port"),
        ("socket://localhost:1", LinkError, "cannot be opened.*refused"),
        ("rfc2217://localhost:1", LinkError, "cannot be opened.*refused"),
        ("spy:///dev/ttyNOSUCH0", LinkError, "there is no port /dev/ttyNOSUCH0"),
        ("spy:///dev/ttyNOSUCH0?colour=red", InputError, "is no port"),
        ("RFC2217://localhost", InputError, "is no port"),
        ("/dev/null", InputError, "/dev/null is no serial port"),
        ("spy:///dev/null", InputError, "/dev/null is no serial port"),
    ],
)
def test_what_is_no_port(url: str, kind: type[LinkError | InputError], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        SerialTransport(url)
    assert caught.value.hint


def test_silence_and_foreign_words(terminal: tuple[int, str]) -> None:
    master, device = terminal
    transport = SerialTransport(device)
    os.write(master, b"login: \0")
    with pytest.raises(NoAnswerError, match="it sent something else: b'login: '") as caught:
        Session(transport, Patience(hello=0.3)).hello()
    assert "press reset" in caught.value.hint
    transport.close()


# -- listing and choosing --------------------------------------------------------------------------------------


@pytest.fixture
def bench(
    firmware: Firmware, terminal: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., list[Port]]]:
    """A function from devices to the ports that the system is said to have; all of them on USB."""

    def has(*devices: str) -> list[Port]:
        infos = [
            listed(device, vid=0x2341, pid=0x805A, serial_number=f"SN{number}", location=f"1-{number}")
            for number, device in enumerate(devices)
        ]
        monkeypatch.setattr(ports.list_ports, "comports", lambda: infos)
        return ports.find_ports()

    yield has


def test_what_the_list_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    infos = [
        listed("/dev/ttyUSB1", vid=0x10C4, pid=0xEA60, description="CP2102 USB to UART", manufacturer="Silicon Labs"),
        listed("/dev/ttyACM0", vid=0x2341, pid=0x805A, serial_number="ABC", location="1-4.2"),
        listed("/dev/ttyAMA0"),
    ]  # fmt: skip
    monkeypatch.setattr(ports.list_ports, "comports", lambda: infos)
    by_name = {port.name: port for port in ports.find_ports()}
    assert by_name["/dev/ttyACM0"].usb == "2341:805a"
    assert (by_name["/dev/ttyACM0"].serial_number, by_name["/dev/ttyACM0"].location) == ("ABC", "1-4.2")
    assert by_name["/dev/ttyUSB1"].description == "CP2102 USB to UART"
    assert by_name["/dev/ttyUSB1"].manufacturer == "Silicon Labs"
    assert not by_name["/dev/ttyAMA0"].asked  # who knows what is wired to it
    (finding,) = ports.examine([by_name["/dev/ttyAMA0"]])
    assert finding.state == "not probed"


def test_examine_tells_boards_from_the_rest(
    firmware: Firmware, terminal: tuple[int, str], bench: Callable[..., list[Port]]
) -> None:
    small = virtual_board.build(MODEL, arena_bytes=10)
    with on_terminal(firmware) as good, on_terminal(small) as starved:
        started = time.monotonic()
        findings = ports.examine(bench(good, terminal[1], starved, "/dev/ttyNOSUCH0"), seconds=1.0)
        assert time.monotonic() - started < 3.0  # all at once
    with on_hang_up() as url:
        (gone,) = ports.examine([Port(url)], seconds=1.0)
    assert gone.state == "unusable"  # it never said that it is a board
    states = {finding.port.name: finding for finding in findings}
    assert [states[name].state for name in (good, terminal[1], starved, "/dev/ttyNOSUCH0")] == [
        *("board", "silent", "refused", "unusable")
    ]
    identity = states[good].identity
    assert identity is not None
    assert identity.model_sha256 in (firmware.model_sha256.hex(),)
    assert "given 10 bytes" in states[starved].detail


def test_auto_finds_the_one_board(
    firmware: Firmware, terminal: tuple[int, str], bench: Callable[..., list[Port]]
) -> None:
    with on_terminal(firmware) as device:
        bench(terminal[1], device)
        assert ports.find_board(seconds=0.5) == device


def test_auto_lists_the_candidates(
    firmware: Firmware, terminal: tuple[int, str], bench: Callable[..., list[Port]]
) -> None:
    with on_terminal(firmware) as first, on_terminal(firmware) as second:
        bench(first, second)
        with pytest.raises(LinkError, match="2 boards answered") as caught:
            ports.find_board(seconds=0.5)
        assert first in caught.value.message
        assert second in caught.value.message
        assert re.search(r"--port /dev/", caught.value.hint)
    bench(terminal[1])
    with pytest.raises(LinkError, match=f"no boardproof board answered .*{terminal[1]}: silent") as caught:
        ports.find_board(seconds=0.2)
    assert "pio run" in caught.value.hint
    with holder(terminal[1]), pytest.raises(LinkError, match="no boardproof board answered") as caught:
        ports.find_board(seconds=0.2)
    assert f"the one at {terminal[1]}, end the program" in caught.value.hint
    bench()
    with pytest.raises(LinkError, match="there is no serial port"):
        ports.find_board(seconds=0.2)


def test_emulators_that_run_are_ports(firmware: Firmware, tmp_path: Path) -> None:
    def state(target: str, record: object) -> None:
        (tmp_path / f"{target}.json").write_text(json.dumps(record))

    with on_terminal(firmware) as device:
        state("qemu_cortex_m4", {"port": device, "pid": os.getpid()})
        state("ended_since", {"port": device, "pid": 99999999})
        state("number_used_again", {"port": device, "pid": os.getppid()})
        state("gone", {"port": "/dev/pts/999999", "pid": os.getpid()})
        state("cut_short", ["nothing"])
        found = [port for port in ports.find_ports(tmp_path) if port.started]
        assert [(port.name, port.started) for port in found] == [(device, "qemu_cortex_m4")]


# -- the command -----------------------------------------------------------------------------------------------


def test_the_command_prints_a_record(
    firmware: Firmware, terminal: tuple[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with on_terminal(firmware) as device:
        assert cli.main(["ports", device, terminal[1], "--json", "--seconds", "0.5"]) == 0
        records = json.loads(capsys.readouterr().out)
        assert [record["state"] for record in records] == ["board", "silent"]
        assert records[0]["board"]["model_sha256"] == firmware.model_sha256.hex()
        assert records[0]["board"]["engine"] == "tflm"
        assert cli.main(["ports", device, "--seconds", "2"]) == 0
        said = capsys.readouterr().out
        assert device in said
        assert f"tflm_host, engine tflm (reference), model {firmware.model_sha256.hex()[:12]}" in said


def test_no_probe_opens_nothing(terminal: tuple[int, str], capsys: pytest.CaptureFixture[str]) -> None:
    master, device = terminal
    assert cli.main(["ports", device, "--no-probe", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == "not probed"
    assert not select.select([master], [], [], 0.1)[0]


def no_checkout(_: object = None) -> Project:
    raise InputError("no checkout", hint="")


def test_the_command_outside_of_a_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ports.list_ports, "comports", list)
    monkeypatch.setattr(project, "find_project", no_checkout)
    assert cli.main(["ports"]) == 0
    assert "there is no serial port" in capsys.readouterr().err
    assert cli.main(["ports", "--seconds", "0"]) == 2
