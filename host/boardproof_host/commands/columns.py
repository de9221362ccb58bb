"""Tables of operators on a terminal or in a pipe: plain text, 60 columns."""

from collections.abc import Sequence

WIDTH = 60  # columns that a table takes at most, whatever the operators' names


def columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int], width: int = WIDTH
) -> str:
    """Columns as wide as they must be; empty ones are left out, and a name gives way to the numbers beside it."""
    kept = [at for at in range(len(header)) if any(row[at] for row in rows)]
    widths = {at: max(len(row[at]) for row in (header, *rows)) for at in kept}
    for at in left:
        widths[at] -= max(0, sum(widths.values()) + 2 * (len(kept) - 1) - width)
    lines = []
    for row in (header, *rows):
        cells = [
            row[at][: widths[at]].ljust(widths[at]) if at in left else row[at].rjust(widths[at])
            for at in kept
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"
