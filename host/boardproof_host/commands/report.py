"""`boardproof report`: renders a record that was written before."""

import io
from pathlib import Path
from typing import Literal

from rich.console import Console

from boardproof_export.shared.errors import ExitCode
from boardproof_host import report
from boardproof_host.record import file
from boardproof_host.record.schema import Report

Format = Literal["terminal", "markdown", "html", "junit"]
FORMATS: tuple[Format, ...] = ("terminal", "markdown", "html", "junit")

_TERMINAL_FILE_WIDTH = 120


def run(record_path: Path, fmt: Format, out: Path | None) -> int:
    """Renders `record_path` to `out`, or to standard output.

    Returns:
        0, whatever the verdict was: `run` and `prove` tell that by their exit codes.

    Raises:
        InputError: the record cannot be used, or `out` cannot be written.
    """
    result = file.read(record_path)
    if fmt == "terminal" and out is None:
        report.print_report(result, Console())
    elif out is None:
        print(_text(result, fmt), end="")
    else:
        file.write_whole(out, _text(result, fmt))
    return ExitCode.PROVEN


def _text(result: Report, fmt: Format) -> str:
    if fmt == "markdown":
        return report.render_markdown(result)
    if fmt == "html":
        return report.render_html(result)
    if fmt == "junit":
        return report.render_junit(result)
    text = io.StringIO()
    report.print_report(result, Console(file=text, width=_TERMINAL_FILE_WIDTH, color_system=None))
    return text.getvalue()
