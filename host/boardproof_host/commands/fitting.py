"""Text that fits the terminal: tables whose last columns give way, help in lines as long as there is room."""

import argparse
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain

_UNBOUNDED = 1 << 16  # columns of a pipe
_GAP = "  "
_INDENT = "    "


def width() -> int:
    """Columns: the terminal's, or $COLUMNS."""
    return shutil.get_terminal_size((_UNBOUNDED, 24)).columns


def table(rows: Sequence[Sequence[str]], columns: int) -> Iterator[str]:
    """A line a row, none longer than `columns`: as many cells as fit stand below each other, the rest follows indented.

    Words are never split, so a path may be longer.
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    kept = len(widths)
    while kept > 1 and sum(widths[:kept]) + len(_GAP) * (kept - 1) > columns:
        kept -= 1
    for row in rows:
        padded = [cell.ljust(size) for cell, size in zip(row[:kept], widths, strict=False)]
        yield _GAP.join(padded).rstrip()
        rest = _GAP.join(filter(None, row[kept:]))
        yield from _wrapped(rest, columns, _INDENT)


def _wrapped(text: str, columns: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        columns,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


class HelpText(argparse.HelpFormatter):
    """Descriptions and epilogs by their paragraphs; commands to be copied stay as they stand."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = [part.strip("\n") for part in text.split("\n\n")]
        return "\n\n".join(self._paragraph(part, width, indent) for part in paragraphs) + "\n"

    def _paragraph(self, text: str, width: int, indent: str) -> str:
        lines = text.splitlines()
        if not any(map(_is_command, lines)):
            lines = [" ".join(text.split())]
        wrapped = ([indent + line] if _is_command(line) else _wrapped(line, width, indent) for line in lines)
        return "\n".join(chain.from_iterable(wrapped))


def _is_command(line: str) -> bool:
    return line.startswith((" ", "example: boardproof "))
