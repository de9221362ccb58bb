"""`boardproof ports`: list the serial ports and the boards behind them."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_export.shared.project import find_project
from boardproof_host.ports import find as ports
from boardproof_host.ports.find import Finding, Port


def run(args: argparse.Namespace) -> int:
    """Prints what was found; exit code 0 also when there is nothing."""
    if args.seconds <= 0:
        raise InputError(f"--seconds {args.seconds} leaves no time for an answer", hint="give 1 or more")
    known = ports.find_ports(emulators())
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


def emulators() -> Path | None:
    """Where emulators of this checkout leave their ports; None outside of a checkout, where ports work as well."""
    try:
        return find_project().emulators
    except InputError:
        return None


def _named(name: str, known: list[Port]) -> Port:
    """A port that the user named: asked whatever it is."""
    port = next((port for port in known if port.name == name), Port(name))
    return Port(**(vars(port) | {"asked": True}))


def _record(finding: Finding) -> dict[str, Any]:
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


def _lines(finding: Finding) -> list[str]:
    port = finding.port
    facts = [
        port.description,
        f"USB {port.usb}" if port.usb else "",
        f"serial number {port.serial_number}" if port.serial_number else "",
        f"at {port.location}" if port.location else "",
    ]
    return [", ".join([port.name, *filter(None, facts)]), f"    {ports.summary(finding)}"]
