"""Inline SVG for the HTML page. Colours are CSS classes of the page, so that it can follow light and dark.

Sizes are in SVG user units. The page shows them at about their size, so that text can be read on a telephone: 12 units
are 12 pixels on a page of 400.
"""

from html import escape

from boardproof_host.record.schema import Report
from boardproof_host.report.numbers import class_name, number, percent

WIDTH = 360
LINE = 26
_LABELS = 120  # room for names at the left
VALUES = 72  # room for numbers at the right
_CELL = 26
LETTER = 7  # of 12 units


def accuracy(report: Report) -> str | None:
    """A bar for the board and for every oracle; None without labels."""
    found = {} if report.measured is None else report.measured.accuracy
    shares = [("board" if name == "device" else name, share) for name, share in found.items()]
    if not shares or any(share is None for _, share in shares):
        return None
    room = WIDTH - _LABELS - VALUES
    marks = []
    for index, (name, share) in enumerate(shares):
        top = index * LINE
        kind = "bar board" if index == 0 else "bar"
        width = room * (share or 0.0)
        marks += [
            text(_LABELS - 8, top + 18, name, "end"),
            f'<rect class="track" x="{_LABELS}" y="{top + 5}" width="{room}" height="18" rx="3"/>',
            f'<rect class="{kind}" x="{_LABELS}" y="{top + 5}" width="{width:.1f}" height="18" rx="3"/>',
            text(WIDTH - VALUES + 8, top + 18, percent(share), "start"),
        ]
    return svg(WIDTH, len(shares) * LINE, "Accuracy of the board and of every oracle", marks)


def histogram(report: Report) -> str | None:
    """Inferences by cost; None where costs are not known or all the same."""
    cost = None if report.measured is None else report.measured.cost
    bins = None if cost is None else cost.histogram
    if cost is None or bins is None or len(bins.counts) < 2:
        return None
    height, base = 120, 140
    step = WIDTH / len(bins.counts)
    highest = max(bins.counts)
    marks = []
    for index, count in enumerate(bins.counts):
        tall = height * count / highest
        span = (
            f"{number(bins.edges[index])} to {number(bins.edges[index + 1] - 1)}: {number(count)} inferences"
        )
        marks.append(
            f'<rect class="bar board" x="{index * step + 1:.1f}" y="{base - tall:.1f}" '
            f'width="{step - 2:.1f}" height="{tall:.1f}"><title>{span}</title></rect>'
        )
    marks += [
        f'<line class="axis" x1="0" y1="{base}" x2="{WIDTH}" y2="{base}"/>',
        text(0, base + 18, number(bins.edges[0]), "start"),
        text(WIDTH // 2, base + 18, f"{cost.unit} per inference", "middle"),
        text(WIDTH, base + 18, number(bins.edges[-1] - 1), "end"),
        text(WIDTH, 12, f"highest bar: {number(highest)} inferences", "end"),
    ]
    return svg(WIDTH, base + 26, "Inferences by cost", marks)


def confusion(report: Report) -> str | None:
    """The confusion matrix, shaded by share of the label's images; None without labels."""
    matrix = None if report.measured is None else report.measured.confusion
    if matrix is None:
        return None
    names = [class_name(report, label) for label in range(len(matrix))]
    left = top = 10 + LETTER * max(len(name) for name in names)
    marks = []
    for label, row in enumerate(matrix):
        y, x = top + label * _CELL, left + label * _CELL
        marks.append(text(left - 6, y + 17, names[label], "end"))
        marks.append(
            f'<text transform="translate({x + 17} {top - 6}) rotate(-90)" text-anchor="start">'
            f"{escape(names[label])}</text>"
        )
        marks += [
            _cell(
                left + column * _CELL, y, count, count / (sum(row) or 1), f"{names[label]} as {names[column]}"
            )
            for column, count in enumerate(row)
        ]
    side = len(matrix) * _CELL
    name = "Confusion: label (row), predicted by the board (column)"
    return svg(left + side + 4, top + side + 4, name, marks, own_size=True)


def _cell(x: int, y: int, count: int, share: float, name: str) -> str:
    ink = "ink strong" if share > 0.5 else "ink"
    shade = f'<rect class="heat" x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}" '
    shade += (
        f'fill-opacity="{share:.3f}"><title>{escape(name)}: {number(count)}, {percent(share)}</title></rect>'
    )
    if count == 0:
        return shade
    return shade + f'<text class="{ink}" x="{x + _CELL // 2 - 1}" y="{y + 17}">{number(count)}</text>'


def text(x: float, y: float, words: str, anchor: str) -> str:
    """A line of text at a baseline."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def svg(width: int, height: int, name: str, marks: list[str], *, own_size: bool = False) -> str:
    """A drawing, with a name for who cannot see it.

    Args:
        own_size: as large as its units, whatever the page: many classes are scrolled, few do not fill it.
    """
    body = "\n".join(marks)
    size = f' style="min-width:{width}px;max-width:{width}px"' if own_size else ""
    return (
        f'<svg viewBox="0 0 {width} {height}"{size} role="img" aria-label="{escape(name)}">\n{body}\n</svg>'
    )
