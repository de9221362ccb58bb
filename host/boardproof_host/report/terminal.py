"""The terminal's summary."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from boardproof_host.record.schema import Report
from boardproof_host.report import wording

_STYLE = {"exact": "bold green", "equivalent": "bold yellow", "diverged": "bold red"}
_WORST_SHOWN = 5
_NAME_KEPT_WHOLE = 24  # characters; longer names give way to the numbers beside them


def render_terminal(report: Report) -> RenderableType:
    """A renderable for `rich.console.Console.print`."""
    words = wording.word(report)
    style = _STYLE[report.verdict]
    parts: list[RenderableType] = [
        Text.assemble((f" {words.verdict} ", f"{style} reverse"), "  ", (words.headline, "bold")),
        *(Padding(Text(note, style="yellow"), (0, 0, 0, 2)) for note in words.notes),
        Text(),
        _pairs(words.facts),
        Text(),
        # Without versions, so that 80 columns are enough.
        _table(wording.ORACLE_COLUMNS[:-1], tuple(row[:-1] for row in words.oracles)),
    ]
    if words.costs:
        parts += [Text(), _table(wording.COST_COLUMNS, words.costs)]
    parts += [Text(), _pairs(words.sizes + words.link)]
    if words.mismatches:
        worst = words.mismatches[:_WORST_SHOWN]
        parts += [Text(), _table(wording.MISMATCH_COLUMNS, worst, title="worst images")]
    return Group(*parts)


def _pairs(rows: wording.Rows) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, value in rows:
        # Text, not markup: names of files may hold brackets.
        grid.add_row(Text(name), Text(value))
    return grid


def _table(columns: tuple[str, ...], rows: wording.Rows, title: str | None = None) -> Table:
    table = Table(title=title, box=None, pad_edge=False, header_style="dim", title_justify="left")
    whole = max(len(row[0]) for row in rows) <= _NAME_KEPT_WHOLE
    table.add_column(columns[0], no_wrap=whole, overflow="fold")
    for column in columns[1:]:
        table.add_column(column, justify="right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
