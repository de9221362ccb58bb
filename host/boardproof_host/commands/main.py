"""The command line. Only argparse is imported here: `boardproof --help` must answer at once."""

import argparse
import json
import sys
from importlib.metadata import entry_points
from pathlib import Path

from boardproof_export.shared.errors import BoardproofError, ExitCode, InputError
from boardproof_host.commands import trace

EPILOG = """\
exit codes: 0 proven; 1 diverged, or below the gate; 2 usage, or a file that cannot be used; 3 link or board;
4 environment: a tool is missing, or a build failed; 130 interrupted (what was measured is kept)
"""
INTERRUPTED = 130
Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands; each sets `handler`, a function from arguments to exit code."""
    parser = argparse.ArgumentParser(
        prog="boardproof",
        description="Prove that the microcontroller computes what Python computes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for point in entry_points(group="boardproof.commands"):
        point.load()(commands)
    for register in (_prove, _run, trace.register, _report, _build, _flash, _targets, _ports, _doctor):
        register(commands)
    return parser


def _prove(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("prove", help="do all that is missing, from the dataset to the verdict")
    parser.add_argument("--target", help="target to prove (default: qemu_cortex_m4)")
    parser.add_argument("--model", type=Path, help="int8 .tflite to prove (default: train and convert one)")
    parser.add_argument("--epochs", type=int, default=10, help="training epochs (default: 10)")
    parser.add_argument("--train-seed", type=int, default=1, help="training seed (default: 1)")
    _run_arguments(parser)
    parser.set_defaults(handler=_handle_prove)


def _handle_prove(args: argparse.Namespace) -> int:
    from boardproof_host.commands import prove as prove_command

    return prove_command.run(args)


def _run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("run", help="stream the test images to a board and compare with Python")
    _where(parser)
    _run_arguments(parser)
    parser.set_defaults(handler=_handle_run)


def _where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--target", help="build and start this emulated board (boardproof targets lists them)")
    where.add_argument(
        "--port",
        action="append",
        help="serial device or pyserial URL of a board that is there, or auto; again for more boards of one firmware",
    )
    parser.add_argument("--model", type=Path, help=".tflite in the firmware (default: the exported one)")


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, metavar="N", help="stream N images at most")
    parser.add_argument("--images", metavar="A:B", help="stream images A to B - 1")
    parser.add_argument("--seed", type=int, help="with --limit: choose at random, from this seed")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run that was cut short in this folder"
    )
    parser.add_argument(
        "--boards", type=int, default=1, metavar="N", help="emulated boards to share the images (default: 1)"
    )
    parser.add_argument(
        "--baud", default="auto", help="line rate of a port: auto, safe (115200), or a rate (default: auto)"
    )
    parser.add_argument("--plain", action="store_true", help="send inputs as they are, never packed")
    parser.add_argument(
        "--throttle", type=int, metavar="BAUD", help="give the link this line rate, 8N1, in both directions"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND:RATE",
        help="damage the link: drop, flip, duplicate, delay, split, reorder or disconnect, so many a byte "
        "(flip:0.001), or at one byte of a direction (flip@down:1234, drop@up:0); repeatable",
    )
    parser.add_argument(
        "--fault-seed", type=int, metavar="N", help="seed of the faults (default: that of --seed, or 0)"
    )
    parser.add_argument("--data", type=Path, help="folder with the four IDX files (default: look for them)")
    parser.add_argument("--out", type=Path, help="folder for report.json and report.md")
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.add_argument(
        "--gate",
        choices=("exact", "equivalent"),
        default="exact",
        help="worst verdict that counts as proven (default: exact)",
    )
    parser.add_argument("--min-accuracy", type=float, metavar="F", help="also require this accuracy, 0 to 1")


def _handle_run(args: argparse.Namespace) -> int:
    from boardproof_host.runs import run as run_command

    return run_command.run(args)


def _report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("report", help="render a report.json")
    parser.add_argument("record", type=Path, help="report.json of a run")
    parser.add_argument("--format", choices=("terminal", "markdown", "html", "junit"), default="terminal")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(handler=_handle_report)


def _handle_report(args: argparse.Namespace) -> int:
    from boardproof_host.commands import report as report_command

    return report_command.run(args.record, args.format, args.out)


def _build(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("build", help="build a target's firmware with PlatformIO")
    parser.add_argument(
        "--target", "--env", required=True, help="target, the name of a PlatformIO environment"
    )
    parser.set_defaults(handler=_handle_build, flash=False)


def _flash(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("flash", help="build a target's firmware and write it to the board")
    parser.add_argument(
        "--target", "--env", required=True, help="target, the name of a PlatformIO environment"
    )
    parser.add_argument("--port", help="the board's serial port (default: PlatformIO looks for it)")
    parser.set_defaults(handler=_handle_build, flash=True)


def _handle_build(args: argparse.Namespace) -> int:
    from boardproof_export.shared.project import find_project
    from boardproof_host.boards import build as platformio
    from boardproof_host.boards import targets

    project = find_project()
    target = targets.find_target(project, args.target)
    if target.virtual:
        raise InputError(f"{target.name} has nothing to build", hint=f"boardproof run --target {target.name}")
    if args.flash:
        platformio.flash(project, target, args.port)
    else:
        platformio.build(project, target)
    return ExitCode.PROVEN


def _targets(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("targets", help="list the targets")
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.set_defaults(handler=_handle_targets)


def _handle_targets(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from boardproof_export.shared.project import find_project
    from boardproof_host.boards import targets

    found = targets.load_targets(find_project())
    if args.json:
        listed = [asdict(target) | {"emulated": target.emulated} for target in found.values()]
        print(json.dumps(listed, indent=2))
        return ExitCode.PROVEN
    for target in found.values():
        kind = "virtual" if target.virtual else "emulated" if target.emulated else "board"
        print(f"{target.name:<28} {kind:<9} {target.engine:<5} {target.description}")
    return ExitCode.PROVEN


def _ports(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("ports", help="list the serial ports and the boards behind them")
    parser.add_argument("port", nargs="*", metavar="PORT", help="only these devices or pyserial URLs")
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.add_argument(
        "--no-probe", action="store_true", help="open no port (opening one restarts some boards)"
    )
    parser.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="wait this long for an answer (default: 3)"
    )
    parser.set_defaults(handler=_handle_ports)


def _handle_ports(args: argparse.Namespace) -> int:
    from boardproof_host.commands import ports as ports_command

    return ports_command.run(args)


def _doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("doctor", help="say which tools are there, and how to get what is missing")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(handler=_handle_doctor)


def _handle_doctor(args: argparse.Namespace) -> int:
    from boardproof_host.commands import doctor

    return doctor.run(as_json=args.json)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the process's exit code."""
    args = build_parser().parse_args(arguments)
    try:
        code: int = args.handler(args)
    except BoardproofError as error:
        print(f"error: {error.message}\n  next: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return ExitCode.PROVEN
    return code


if __name__ == "__main__":
    sys.exit(main())
