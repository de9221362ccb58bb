"""`boardproof report`: renders a record that was written before."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from boardproof_host.commands import fitting
from boardproof_host.commands.options import help_of

if TYPE_CHECKING:
    from boardproof_host.record.schema import Report

FORMATS = ("terminal", "markdown", "html", "junit", "json")
FILE_WIDTH = 120  # columns of the terminal's summary in a file
DESCRIPTION = """\
Renders the record of a run. It is named by its file, its folder, or a target,
whose newest record is taken; without a name, all records are listed.
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    codes = "exit codes: 0 rendered, whatever the outcome was; 2 a file that cannot be used\n"
    parser = commands.add_parser(
        "report",
        help="render a run's record, or list all",
        **help_of(DESCRIPTION, "boardproof report qemu_cortex_m4 --format html --out report.html", codes),
    )
    parser.add_argument("record", nargs="?", help="report.json, its folder, or a target")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="terminal",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)} (default: terminal)",
    )
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Renders, or lists.

    Returns:
        0, whatever the outcome was: `run` and `prove` tell that by their exit codes.
    """
    from boardproof_export.shared.errors import ExitCode, InputError
    from boardproof_export.shared.project import project_if_any, state_folder
    from boardproof_host.record import file
    from boardproof_host.record.store import Store
    from boardproof_host.runs.run import REPORTS

    store = Store(state_folder(project_if_any()) / REPORTS)
    if args.record is None:
        _list(store.records())
        return ExitCode.PROVEN
    path = Path(args.record)
    if path.is_dir():
        path = path / file.FILE_NAME
    elif not path.exists() and path.name == args.record and (store.root / args.record).is_dir():
        path = store.newest(args.record)
    elif not path.exists() and path.name == args.record and not path.suffix:
        raise InputError(
            f"there is no report of {args.record}", hint=f"boardproof run --target {shlex.quote(args.record)}"
        )
    if args.out is not None and (args.out.is_dir() or not args.out.resolve().parent.is_dir()):
        what = "is a folder" if args.out.is_dir() else "is in a folder that is not there"
        raise InputError(f"--out {args.out} {what}", hint="name a file in a folder that is there")
    result = file.read(path)
    if args.out is not None:
        file.write_whole(args.out, _text(result, args.format))
    elif args.format == "terminal":
        from rich.console import Console

        from boardproof_host.report import print_report

        print_report(result, Console(width=fitting.width()))
    else:
        print(_text(result, args.format), end="")
    return ExitCode.PROVEN


def _list(paths: list[Path]) -> None:
    from boardproof_export.shared.errors import BoardproofError
    from boardproof_export.shared.files import shown
    from boardproof_host.record import file

    rows = []
    for path in paths:
        try:
            result = file.read(path)
        except BoardproofError as error:
            print(f"{shown(path)}: {error.message}")
            continue
        images = "-" if result.measured is None else f"{result.measured.images:,}"
        verdict = "-" if result.measured is None else result.measured.verdict
        target = path.parent.parent.name
        rows.append((target, result.created, result.outcome, verdict, images, shown(path.parent)))
    if rows:
        print("\n".join(fitting.table(rows, fitting.width())))


def _text(result: "Report", form: str) -> str:
    import io

    from rich.console import Console

    from boardproof_host import report
    from boardproof_host.record import file

    renderers = {
        "markdown": report.render_markdown,
        "html": report.render_html,
        "junit": report.render_junit,
        "json": file.to_json,
    }
    if form in renderers:
        return renderers[form](result)
    text = io.StringIO()
    report.print_report(result, Console(file=text, width=FILE_WIDTH, color_system=None))
    return text.getvalue()
