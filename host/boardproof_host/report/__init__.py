"""Renders a record: terminal, Markdown, HTML and JUnit XML. Nothing is computed here, only worded and laid out."""

from boardproof_host.report.documents import render_html, render_junit, render_markdown
from boardproof_host.report.terminal import print_report, render_terminal

__all__ = ["print_report", "render_html", "render_junit", "render_markdown", "render_terminal"]
