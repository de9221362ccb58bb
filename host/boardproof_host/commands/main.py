"""The command line. Only argparse is imported here: `boardproof --help` must answer at once."""

import argparse
import contextlib
import errno
import os
import signal
import sys
import traceback
from importlib.metadata import entry_points, version
from typing import Any

from boardproof_export.shared.errors import BoardproofError, ExitCode
from boardproof_export.shared.text import printable_lines
from boardproof_host.commands import (
    build,
    doctor,
    ports,
    profile,
    prove,
    report,
    run,
    streams,
    targets,
    trace,
)
from boardproof_host.commands.fitting import HelpText
from boardproof_host.commands.options import EXIT_CODES


class Parser(argparse.ArgumentParser):
    """argparse's own drops what cannot be written, and ends with 0."""

    def _print_message(self, message: str, file: Any = None) -> None:
        stream = file or sys.stderr
        stream.write(message)
        stream.flush()


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands; each sets `handler`, a function from arguments to exit code."""
    parser: argparse.ArgumentParser = Parser(
        prog="boardproof",
        description="Prove that the microcontroller computes what Python computes.",
        epilog=f"boardproof COMMAND --help has an example of each.\n\n{EXIT_CODES}",
        formatter_class=HelpText,
    )
    parser.add_argument("--version", action="version", version=f"boardproof {version('boardproof')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    prove.register(commands)
    run.register(commands)
    for point in entry_points(group="boardproof.commands"):
        point.load()(commands)
    for command in (trace, profile, report, build, targets, ports, doctor):
        command.register(commands)
    for each in commands.choices.values():
        each.formatter_class = HelpText
    return parser


def joined(arguments: list[str]) -> list[str]:
    """The arguments with `--input-range -1:1` as one word: argparse takes a value that begins so for an option."""
    words: list[str] = []
    for word in arguments:
        if words and words[-1] == "--input-range":
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the process's exit code."""
    if arguments is None:
        _speak_utf8()
        streams.prepare()
        for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: what was measured is kept
            if signal.getsignal(number) is signal.SIG_DFL:  # and not where nohup has it ignored
                signal.signal(number, signal.default_int_handler)
    parser = build_parser()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        args = parser.parse_args(joined(given))
        if args.command is None:
            parser.print_help()
            return ExitCode.USAGE
        args.command_line = given
        code: int = args.handler(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        streams.say_nothing_more()  # whoever read has what it wanted
        return ExitCode.PROVEN
    except BoardproofError as error:
        _tell(error.message, error.hint)
        return error.exit_code
    except OSError as error:
        streams.say_nothing_more()
        return _fault(error)
    except Exception as error:
        return _fault(error)
    return code


def _speak_utf8() -> None:
    """Starts anew in Python's UTF-8 mode where the locale is not UTF-8: neither reports nor PlatformIO could name a
    folder whose name is not ASCII."""
    if sys.getfilesystemencoding().lower() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {"PYTHONUTF8": "1"})


def _tell(message: str, hint: str) -> None:
    with contextlib.suppress(OSError):
        print(printable_lines(f"error: {message}\n  next: {hint}"), file=sys.stderr)


def _fault(error: Exception) -> int:
    """An error that no part of boardproof expected: never exit code 1, which says that something diverged."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        _tell(f"there is no room left: {error}", "free some, or write elsewhere")
        return ExitCode.ENVIRONMENT
    if os.environ.get("BOARDPROOF_TRACEBACK"):
        traceback.print_exception(error, file=sys.stderr)
    last = traceback.extract_tb(error.__traceback__)[-1]
    _tell(
        f"{type(error).__name__}: {error} (at {os.path.basename(last.filename)}:{last.lineno})",  # noqa: PTH119
        "this is a fault of boardproof: please report it, with what BOARDPROOF_TRACEBACK=1 shows",
    )
    return ExitCode.ENVIRONMENT


if __name__ == "__main__":
    sys.exit(main())
