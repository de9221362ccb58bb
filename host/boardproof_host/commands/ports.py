"""`boardproof ports`: list the serial ports and the boards behind them."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from boardproof_host.commands.options import help_of

if TYPE_CHECKING:
    from boardproof_host.ports.find import Finding, Port

DESCRIPTION = """\
Lists the serial ports, and asks each who is there: the board, its firmware, its
model. Emulated boards that run in the background are listed, too.
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "ports",
        help="list the serial ports and the boards behind them",
        **help_of(DESCRIPTION, "boardproof ports /dev/ttyACM0 socket://localhost:4000"),
    )
    parser.add_argument("port", nargs="*", metavar="PORT", help="only these devices or pyserial URLs")
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.add_argument(
        "--no-probe", action="store_true", help="open no port (opening one restarts some boards)"
    )
    parser.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="wait this long for an answer (default: 3)"
    )
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Prints what was found; exit code 0 also when there is nothing."""
    from boardproof_export.shared.errors import ExitCode, InputError
    from boardproof_export.shared.project import project_if_any
    from boardproof_host.ports import find as ports

    if args.seconds <= 0:
        raise InputError(f"--seconds {args.seconds} leaves no time for an answer", hint="give 1 or more")
    project = project_if_any()
    known = ports.find_ports(None if project is None else project.emulators)
    wanted = [_named(name, known) for name in args.port] or known
    findings = ports.examine(wanted, probe=not args.no_probe, seconds=args.seconds)
    if args.json:
        print(json.dumps([_record(finding) for finding in findings], indent=2))
        return ExitCode.PROVEN
    for finding in findings:
        print("\n".join(_lines(finding)))
    if not findings:
        print("there is no serial port here", file=sys.stderr)
        print("  next: plug a board in, or do without: boardproof run --target tflm_host", file=sys.stderr)
    return ExitCode.PROVEN


def _named(name: str, known: "list[Port]") -> "Port":
    """A port that the user named: asked whatever it is."""
    from boardproof_host.ports.find import Port

    port = next((port for port in known if port.name == name), Port(name))
    return Port(**(vars(port) | {"asked": True}))


def _record(finding: "Finding") -> dict[str, Any]:
    port, board = finding.port, finding.identity
    return {
        "port": port.name,
        "description": port.description,
        "manufacturer": port.manufacturer,
        "usb": port.usb,
        "serial_number": port.serial_number,
        "location": port.location,
        "emulated_target": port.started,
        "state": finding.state,
        "detail": finding.detail,
        "board": None
        if board is None
        else {
            name: getattr(board, name)
            for name in ("target", "core", "engine", "kernels", "model_sha256", "build_id")
        },
    }


def _lines(finding: "Finding") -> list[str]:
    from boardproof_host.ports import find as ports

    port = finding.port
    facts = [
        port.description,
        f"USB {port.usb}" if port.usb else "",
        f"serial number {port.serial_number}" if port.serial_number else "",
        f"at {port.location}" if port.location else "",
    ]
    return [", ".join([port.name, *filter(None, facts)]), f"    {ports.summary(finding)}"]
