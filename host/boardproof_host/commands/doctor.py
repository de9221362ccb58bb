"""`boardproof doctor`: says which tools are there, and how to get what is missing."""

import argparse
from typing import TYPE_CHECKING

from boardproof_host.commands import fitting
from boardproof_host.commands.options import help_of

if TYPE_CHECKING:
    from boardproof_host.boards.tools import Finding

DESCRIPTION = """\
Looks for everything that boardproof works with. Outside of a checkout it judges
what a machine beside a board needs.
"""
EXAMPLE = """\
what is missing, for a script
  boardproof doctor --json"""
CODES = "exit codes: 0 all that is required is there; 4 something is missing\n"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "doctor",
        help="say which tools are there, and how to get what is missing",
        **help_of(DESCRIPTION, EXAMPLE, CODES),
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Prints the findings; exit code 4 when something required is missing."""
    import json
    from dataclasses import asdict

    from boardproof_export.shared.errors import ExitCode
    from boardproof_export.shared.project import project_if_any
    from boardproof_host.boards.tools import examine

    findings = examine(project_if_any())
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        print("\n".join(fitting.table([_row(finding) for finding in findings], fitting.width())))
    missing = [finding.name for finding in findings if finding.required and not finding.found]
    return ExitCode.ENVIRONMENT if missing else ExitCode.PROVEN


def _row(finding: "Finding") -> tuple[str, ...]:
    mark = "ok" if finding.found else "MISSING" if finding.required else "absent"
    return mark, finding.name, finding.purpose, finding.found or f"get it: {finding.remedy}"
