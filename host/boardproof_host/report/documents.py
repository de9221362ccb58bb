"""Markdown, JUnit XML and HTML, from the templates beside this package."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from boardproof_host.record.schema import Report
from boardproof_host.report import insides, plots, wording

# Characters that XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_markdown(report: Report) -> str:
    """GitHub-flavoured Markdown, for a pull request's summary."""
    return _render("report.md.j2", report)


def render_junit(report: Report) -> str:
    """JUnit XML: a suite per run, with a case for every gate and for every other oracle; red where the run's exit code
    was not 0.

    `time` is the host's wall time on the link, in seconds.
    """
    return _NOT_XML.sub("", _render("report.xml.j2", report))


def render_html(report: Report) -> str:
    """One self-contained page with plots; it loads nothing, and follows the reader's light or dark scheme."""
    drawings = {
        "accuracy": plots.accuracy(report),
        "histogram": plots.histogram(report),
        "confusion": plots.confusion(report),
        "costs": insides.costs(report),
        "arena": insides.arena(report),
    }
    return _render("report.html.j2", report, {name: Markup(svg) for name, svg in drawings.items() if svg})


def _render(template: str, report: Report, drawings: dict[str, Markup] | None = None) -> str:
    environment = Environment(
        loader=PackageLoader("boardproof_host.report", "templates"),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".xml.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _markdown_cell
    return environment.get_template(template).render(
        report=report,
        words=wording.word(report),
        columns={
            "oracles": wording.ORACLE_COLUMNS,
            "versions": wording.VERSION_COLUMNS,
            "pairs": wording.PAIR_COLUMNS,
            "flips": wording.FLIP_COLUMNS,
            "gates": wording.GATE_COLUMNS,
            "operators": insides.COLUMNS,
        },
        operators=insides.rows(report),
        about={"costs": insides.about_costs(report), "arena": insides.about_arena(report)},
        drawings=drawings or {},
    )


def _markdown_cell(text: str) -> str:
    """Text that Markdown takes as it is, in a table or out of it."""
    # An underscore within a word is plain text to Markdown.
    escaped = re.sub(r"[\\`*\[\]|]|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))
    return escaped.replace("<", "&lt;")
