"""`boardproof build` and `boardproof flash`: a target's firmware, by PlatformIO."""

import argparse
import shlex
from pathlib import Path

from boardproof_host.commands.options import help_of

BUILD = """\
Builds a target's firmware of a model with PlatformIO, as far as it is not
current. Builds of several models live side by side.
"""
FLASH = """\
Builds a target's firmware of a model and writes it to the board; an emulated
board is started in the background.
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds both commands."""
    build = commands.add_parser(
        "build",
        help="build a target's firmware with PlatformIO",
        **help_of(BUILD, "boardproof build --target nano33ble --model model.tflite"),
    )
    flash = commands.add_parser(
        "flash",
        help="build a target's firmware and write it to the board",
        **help_of(FLASH, "boardproof flash --target nano33ble --port /dev/ttyACM0"),
    )
    for parser in (build, flash):
        parser.add_argument(
            "--target", "--env", required=True, help="target, the name of a PlatformIO environment"
        )
        parser.add_argument("--model", type=Path, help=".tflite to render (default: the exported one)")
        parser.add_argument("--verbose", action="store_true", help="show PlatformIO's output")
    flash.add_argument("--port", help="the board's serial port (default: PlatformIO looks for it)")
    build.set_defaults(handler=run, flash=False, port=None)
    flash.set_defaults(handler=run, flash=True)


def run(args: argparse.Namespace) -> int:
    """Builds, or flashes."""
    from boardproof_export.shared.errors import ExitCode, InputError
    from boardproof_export.shared.project import find_project
    from boardproof_host.boards import build, targets

    project = find_project()
    target = targets.find_target(project, args.target)
    if target.virtual:
        raise InputError(f"{target.name} has nothing to build", hint=f"boardproof run --target {target.name}")
    if args.flash:
        made = build.flash(project, target, args.port, args.model, verbose=args.verbose)
    else:
        made = build.build(project, target, args.model, verbose=args.verbose)
    size = "" if made.flash_bytes is None else f", {made.flash_bytes:,} B of flash"
    print(
        f"{target.name}: build {made.build_id} of {made.model.name}{size}, in {shlex.quote(str(made.folder))}"
    )
    return ExitCode.PROVEN
