"""`boardproof targets`: list the targets."""

import argparse
from typing import TYPE_CHECKING

from boardproof_host.commands import fitting
from boardproof_host.commands.options import help_of

if TYPE_CHECKING:
    from boardproof_host.boards.targets import Target

DESCRIPTION = """\
Lists the targets: emulated boards, which `run` builds and starts, and real ones,
which `flash` writes to.
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "targets",
        help="list the targets",
        **help_of(DESCRIPTION, "boardproof targets --json"),
    )
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Prints the targets of the checkout."""
    import json
    from dataclasses import asdict

    from boardproof_export.shared.errors import ExitCode
    from boardproof_export.shared.project import find_project
    from boardproof_host.boards import targets

    found = targets.load_targets(find_project())
    if args.json:
        listed = [asdict(target) | {"emulated": target.emulated} for target in found.values()]
        print(json.dumps(listed, indent=2))
        return ExitCode.PROVEN
    rows = [(target.name, _kind(target), target.engine, target.description) for target in found.values()]
    print("\n".join(fitting.table(rows, fitting.width())))
    return ExitCode.PROVEN


def _kind(target: "Target") -> str:
    return "virtual" if target.virtual else "emulated" if target.emulated else "board"
