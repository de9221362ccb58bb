"""`boardproof run`: stream the test images to a board and compare with Python."""

import argparse
import shlex
import sys
from typing import TYPE_CHECKING

from boardproof_export.shared.data_arguments import INPUT_RANGE
from boardproof_export.shared.files import shown
from boardproof_host.commands import fitting
from boardproof_host.commands.options import add_run, add_where, help_of, run_options

if TYPE_CHECKING:
    from boardproof_export.shared.project import Project
    from boardproof_host.runs.options import RunOptions
    from boardproof_host.runs.run import Finished

DESCRIPTION = """\
Streams images to a board, or to an emulated one that it builds and starts, runs
the Python interpreters on the same images, and compares every output.
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    example = "boardproof run --target qemu_cortex_m4 --limit 1000"
    parser = commands.add_parser(
        "run",
        help="stream the test images to a board and compare with Python",
        **help_of(DESCRIPTION, example),
    )
    add_where(parser)
    add_run(parser)
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Runs one measurement; returns the exit code that its report stands for."""
    options = run_options(args)  # before anything heavy: what is wrong in it is said at once
    from boardproof_export.shared.project import project_if_any

    return measure(args, options, project_if_any())


def measure(args: argparse.Namespace, options: "RunOptions", project: "Project | None") -> int:
    """Measures and prints; `prove` ends with it, too."""
    from boardproof_host.commands.screen import Screen
    from boardproof_host.runs.run import run as run_it

    screen = Screen(quiet=args.quiet)
    if options.board.target is not None:
        screen.step("run", options.board.target)
    finished = run_it(options, project, screen, ["boardproof", *args.command_line])
    show(finished, args)
    return finished.report.exit_code


def show(finished: "Finished", args: argparse.Namespace) -> None:
    """Prints the summary, what matters most last."""
    from rich.console import Console

    from boardproof_host import report
    from boardproof_host.record import file
    from boardproof_host.report.headline import headline, shortcomings

    for story in finished.stories:
        print(story, file=sys.stderr)
    for failure in finished.failures:
        print(f"warning: {failure}", file=sys.stderr)
    if args.json:
        print(file.to_json(finished.report), end="")
    elif args.quiet:
        print(" ".join((headline(finished.report), *shortcomings(finished.report))))
    else:
        report.print_report(finished.report, Console(width=fitting.width()))
        print(f"report: {shlex.quote(shown(finished.folder / 'report.html'))}")
    if (hint := next_action(finished, args)) is not None:
        print(f"  next: {hint}", file=sys.stderr)


def next_action(finished: "Finished", args: argparse.Namespace) -> str | None:
    """What to do about a run that did not come out well."""
    result = finished.report
    record = shlex.quote(shown(finished.folder / "report.json"))
    trace = f"boardproof trace {_same_board_and_data(args)} --report {record}"
    if result.outcome == "diverged":
        return f"see where it begins: {trace}"
    if result.outcome in ("incomplete", "interrupted"):
        resume = [] if args.resume else ["--resume"]
        again = f"go on where it stopped: {shlex.join(['boardproof', *args.command_line, *resume])}"
        return f"{result.next}; then {again}" if result.next else again
    if result.outcome == "missed":
        missed = next(gate for gate in result.gates if not gate.passed)
        if missed.name == "verdict":
            return f"{trace}; or accept rounding differences with --gate equivalent"
        return "look at the confusion matrix in the report, or ask for less with --min-accuracy"
    return None


def _same_board_and_data(args: argparse.Namespace) -> str:
    """The options of `trace` that stand for what was run."""
    words = ["--target", args.target] if args.target else ["--port", (args.port or ["auto"])[0]]
    for option in ("model", "data", "label_column", "data_type", "patience"):
        value = getattr(args, option)
        if value is not None:
            words += ["--" + option.replace("_", "-"), str(value)]
    if args.input_range != INPUT_RANGE:
        words += ["--input-range", args.input_range]
    if args.resize:
        words.append("--resize")
    return shlex.join(words)
