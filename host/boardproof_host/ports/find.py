"""The serial ports of this machine, and the boardproof boards behind them."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from serial.tools import list_ports

from boardproof_export.shared.errors import BoardproofError, LinkError
from boardproof_host.link.handshake import Identity
from boardproof_host.link.refusals import NoAnswerError
from boardproof_host.link.session import Session
from boardproof_host.link.timeouts import Patience
from boardproof_host.link.transport import PortGoneError
from boardproof_host.ports import holders as port_state
from boardproof_host.ports.advice import PortBusyError, PortDeniedError, named
from boardproof_host.ports.serial_port import SerialTransport

AUTO = "auto"
PROBE_SECONDS = 3.0  # a board that restarts when its port opens runs its boot loader first
NOT_USB = "no USB port: it is asked only by name"

# board: it answered hello. refused: it is a board, and says why it cannot work. silent: nothing speaks the protocol.
State = Literal["board", "refused", "silent", "busy", "denied", "unusable", "not probed"]


@dataclass(frozen=True)
class Port:
    """A port that a board may be behind."""

    name: str  # device or URL: what --port takes
    description: str = ""
    manufacturer: str | None = None
    usb: str | None = None  # vendor and product id, like "2341:805a"
    serial_number: str | None = None
    location: str | None = None  # the USB port it is plugged into
    started: str | None = None  # the target, where it is an emulator that `pio run -t upload` started
    asked: bool = True  # probed also when nobody named it


@dataclass(frozen=True)
class Finding:
    """What is behind a port."""

    port: Port
    state: State
    detail: str  # why there is no answer; empty for a board
    identity: Identity | None = None


def find_ports(emulators: Path | None = None) -> list[Port]:
    """The serial ports that the system lists, then the emulators that run in the background.

    Args:
        emulators: folder with the state files that `emulator.py start` writes, one a target.
    """
    ports = [
        Port(
            name=found.device,
            description=found.description if found.description != "n/a" else "",
            manufacturer=found.manufacturer,
            usb=None if found.vid is None else f"{found.vid:04x}:{found.pid or 0:04x}",
            serial_number=found.serial_number or None,
            location=found.location or None,
            asked=found.vid is not None,
        )
        for found in sorted(list_ports.comports())
        if found.vid is not None or _is_there(found.device)
    ]
    return ports + ([] if emulators is None else _emulators(emulators))


def _is_there(device: str) -> bool:
    """Linux has /dev/ttyS0 to ttyS31 for serial chips that are not there: their type is 0."""
    kind = Path("/sys/class/tty") / Path(device).name / "type"
    try:
        return kind.read_text().strip() != "0"
    except OSError:
        return True


def _emulators(folder: Path) -> list[Port]:
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            pid, name = int(record["pid"]), str(record["port"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        # Numbers of processes and terminals are used again: this one may be somebody's shell by now.
        if port_state.serves_terminal(pid, name):
            target = path.stem
            found.append(Port(name, f"emulated {target} (process {pid})", started=target))
    return found


def examine(ports: Sequence[Port], *, probe: bool = True, seconds: float = PROBE_SECONDS) -> list[Finding]:
    """Says hello at every port that is not in use, at all of them at once.

    Args:
        probe: False to open none; ports in use are told all the same.
        seconds: to wait for an answer.
    """
    if not ports:
        return []
    with ThreadPoolExecutor(len(ports)) as pool:
        return list(pool.map(lambda port: _examine(port, probe, seconds), ports))


def _examine(port: Port, probe: bool, seconds: float) -> Finding:
    if not probe or not port.asked:
        device = port_state.device_of(port.name)
        holders = port_state.holders(device) if device else []
        if holders:
            return Finding(port, "busy", f"in use by {named(holders)}")
        return Finding(port, "not probed", "" if port.asked else NOT_USB)
    try:
        transport = SerialTransport(port.name)
    except PortBusyError as error:
        return Finding(port, "busy", error.message)
    except PortDeniedError as error:
        return Finding(port, "denied", f"{error.message}; {error.hint}")
    except BoardproofError as error:
        return Finding(port, "unusable", error.message)
    try:
        return Finding(port, "board", "", Session(transport, Patience(hello=seconds)).hello())
    except NoAnswerError as error:
        return Finding(port, "silent", error.message)
    except PortGoneError as error:
        return Finding(port, "unusable", error.message)
    except BoardproofError as error:
        return Finding(port, "refused", error.message)
    finally:
        transport.close()


def find_board(emulators: Path | None = None, seconds: float = PROBE_SECONDS) -> str:
    """The port of the one board that answers hello.

    Raises:
        LinkError: none does, or several do; the message lists what was found.
    """
    findings = examine(find_ports(emulators), seconds=seconds)
    boards = [finding for finding in findings if finding.identity is not None]
    if len(boards) == 1:
        return boards[0].port.name
    if boards:
        names = "; ".join(f"{board.port.name} ({summary(board)})" for board in boards)
        raise LinkError(
            f"{len(boards)} boards answered: {names}", hint=f"choose one: --port {boards[0].port.name}"
        )
    seen = "; ".join(f"{finding.port.name}: {summary(finding)}" for finding in findings)
    hint = (
        "plug a board in and flash it (pio run -e TARGET -t upload), or do without one: "
        "boardproof run --target tflm_host"
    )
    if used := next((finding.port.name for finding in findings if finding.state == "busy"), None):
        hint = f"if it is the one at {used}, end the program that has that port open; else {hint}"
    raise LinkError(f"no boardproof board answered ({seen or 'there is no serial port'})", hint=hint)


def summary(finding: Finding) -> str:
    """What is behind a port, in a few words."""
    board = finding.identity
    if board is not None:
        return f"{board.target}, engine {board.engine} ({board.kernels}), model {board.model_sha256[:12]}"
    return finding.state + (f": {finding.detail}" if finding.detail else "")
