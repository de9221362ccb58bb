"""Ports: what is in use is not touched, and what cannot be opened says what to do."""

import grp  # here, not when first needed: a test gives up the right to read it
import json
import os
import pwd
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boardproof_export.shared.errors import InputError, LinkError
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
from support.ports import holder

MODEL = random_model(9, depths=(20, 6))
NOBODY = 65534


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
