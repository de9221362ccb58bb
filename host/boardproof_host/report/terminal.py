"""The terminal's summary: what matters most stands last."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from boardproof_host.record.schema import Report
from boardproof_host.report import wording

_WORST_SHOWN = 3
_NARROW = 66  # columns, below which tables stand closer


def print_report(report: Report, console: Console) -> None:
    """Prints the summary; without a terminal in plain lines that are not broken, for `grep`."""
    if console.is_terminal:
        console.print(render_terminal(report, console.width))
        return
    wide = Console(width=10_000, color_system=None)
    with wide.capture() as capture:
        wide.print(render_terminal(report, console.width))
    for line in capture.get().splitlines():
        console.file.write(line.rstrip() + "\n")


def render_terminal(report: Report, width: int = 80) -> RenderableType:
    """A renderable for `rich.console.Console.print`: a screen of 80 x 24 for a run that came out well."""
    words = wording.word(report)
    gap = 1 if width < _NARROW else 2
    facts = words.facts
    if report.measured is not None and report.measured.quality is not None:
        facts += (
            () if report.measured.quality.kind == "classes" else words.quality
        )  # the table has their accuracy
    parts: list[RenderableType] = [_pairs(facts)]
    if words.oracles:
        parts += [_table(wording.ORACLE_COLUMNS, words.oracles, gap)]
    if words.better:
        parts.append(Text(words.better))
    if words.flips:
        parts.append(Text(_flip(words.flips)))
    parts += [Text(line) for line in _costs(words)]
    if words.sizes:
        parts.append(Text(", ".join(f"{name} {value}" for name, value in words.sizes)))
    if words.link:
        parts.append(Text("; ".join(f"{name} {value}" for name, value in words.link)))
    for worst in words.worst[:_WORST_SHOWN]:
        parts.append(Text(_one_line(worst)))
    good = "bold green" if words.good else "bold red"
    parts.append(Text())
    parts += [Padding(Text(note, style="yellow"), (0, 0, 0, 2)) for note in words.notes]
    parts.append(Text.assemble((f" {words.stamp} ", f"{good} reverse"), "  ", (words.headline, "bold")))
    return Group(*parts)


def _costs(words: wording.Wording) -> list[str]:
    """A line a unit, with its four figures."""
    lines = []
    for column, name in enumerate(words.cost_columns[1:], start=1):
        figures = ", ".join(f"{row[0]} {row[column]}" for row in words.costs)
        lines.append(f"{name}: {figures}")
    return lines


def _one_line(worst: wording.Worst) -> str:
    differing = [row for row in worst.rows if row[3]]
    named = ", ".join(f"{name}: {mine} (not {theirs})" for name, mine, theirs, _ in differing)
    return f"{worst.title}: {named}"


def _flip(rows: wording.Rows) -> str:
    """The first of the images of which an interpreter says another class."""
    image, name, theirs, mine, margins = rows[0]
    return f"image {image}: {name} says {theirs}, the board {mine}, by {margins}"


def _pairs(rows: wording.Rows) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, value in rows:
        # Text, not markup: names of files may hold brackets.
        grid.add_row(Text(name), Text(value))
    return grid


def _table(columns: tuple[str, ...], rows: wording.Rows, gap: int) -> Table:
    """Columns as wide as their longest word: a heading of two words takes two lines."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, gap, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(Text("\n".join(column.split())), justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
