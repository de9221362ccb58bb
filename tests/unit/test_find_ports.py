"""Finding ports: what the list tells, and auto finds the board."""

import json
import os
import re
import select
import time
from collections.abc import Callable, Iterator
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
from boardproof_host.ports import find as ports
from boardproof_host.ports.find import Port
from model_builder import random_model
from support.ports import holder, on_hang_up
from support.served_board import on_terminal

MODEL = random_model(9, depths=(20, 6))


@pytest.fixture(scope="module")
def firmware() -> Firmware:
    return virtual_board.build(MODEL)


def listed(device: str, **facts: Any) -> list_ports_common.ListPortInfo:
    info = list_ports_common.ListPortInfo(device)
    for name, value in facts.items():
        setattr(info, name, value)
    return info


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
