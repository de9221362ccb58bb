"""Renderings of fixed records: golden files for what is read as text, structure for HTML.

`BOARDPROOF_UPDATE_GOLDEN=1 pytest tests/unit/test_report.py` writes the golden files anew.
"""

import io
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from boardproof_host.record import file
from boardproof_host.record.facts import Gates
from boardproof_host.record.schema import Gate, Measurement, Outcome, Report
from boardproof_host.report import print_report, render_html, render_junit, render_markdown, render_terminal
from records import build, fell_silent, insides, silicon

GOLDEN = Path(__file__).parents[1] / "golden" / "report"


def found(report: Report) -> Measurement:
    assert report.measured is not None
    return report.measured


def with_measured(report: Report, **changed: Any) -> Report:
    return replace(report, measured=replace(found(report), **changed))


RECORDS = {"exact": with_measured(build(), **insides()), "diverged": silicon(), "failed": fell_silent()}


def terminal(report: Report, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render_terminal(report, width))
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


RENDERERS: dict[str, Callable[[Report], str]] = {
    "terminal": terminal,
    "markdown": render_markdown,
    "junit": render_junit,
    "html": render_html,
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize(
    ("suffix", "render"),
    [("json", file.to_json), ("md", render_markdown), ("xml", render_junit), ("txt", terminal)],
)
def test_golden(name: str, suffix: str, render: Callable[[Report], str]) -> None:
    path = GOLDEN / f"{name}.{suffix}"
    text = render(RECORDS[name])
    if os.environ.get("BOARDPROOF_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_golden_record_is_a_record() -> None:
    assert file.read(GOLDEN / "exact.json") == RECORDS["exact"]


@pytest.mark.parametrize("fmt", RENDERERS)
def test_an_emulators_count_is_never_a_time(fmt: str) -> None:
    text = " ".join(RENDERERS[fmt](RECORDS["exact"]).split())
    assert "instructions per inference (emulated; not a latency)" in re.sub(r" [\d,.]+(?= )", "", text)
    assert "microsecond" not in text and " ms" not in text


@pytest.mark.parametrize("fmt", RENDERERS)
def test_cycles_of_silicon_are_shown_with_their_time(fmt: str) -> None:
    text = RENDERERS[fmt](RECORDS["diverged"])
    assert "cycles per inference" in text and "microseconds per inference" in text
    assert "not a latency" not in text
    assert "the board fell silent for 10 s" in text


@pytest.mark.parametrize("fmt", RENDERERS)
def test_a_stand_in_is_named(fmt: str) -> None:
    record = RECORDS["exact"]
    measured = found(record)
    parity = {"aot-host": measured.parity["tflm"], "litert": measured.parity["litert"]}
    accuracy = {"device": 0.5, "aot-host": 0.5, "litert": 0.5}
    changed = with_measured(
        record,
        parity=parity,
        accuracy=accuracy,
        reference=replace(measured.reference, oracle="aot-host", stand_in=True),
    )
    text = RENDERERS[fmt](changed)
    assert "aot-host" in text
    if fmt != "junit":
        assert "aot-host stands in for it" in " ".join(text.split())


def without_anything(record: Report) -> Report:
    cost = replace(
        found(record).cost,
        unit=None,
        instructions_per_inference=None,
        histogram=None,
        flash_bytes=None,
        model_bytes=None,
    )
    return replace(
        with_measured(
            record,
            cost=cost,
            confusion=None,
            class_accuracy=None,
            accuracy=dict.fromkeys(found(record).accuracy),
            mismatches=(),
            profile=None,
            memory=None,
            link=replace(found(record).link, images_per_second=None),
        ),
        dataset=None,
        timing={},
        host=replace(record.host, packages={}),
    )


@pytest.mark.parametrize("fmt", RENDERERS)
def test_what_is_not_known_is_no_error(fmt: str) -> None:
    text = RENDERERS[fmt](without_anything(RECORDS["exact"]))
    assert "None" not in text and "unknown" in text


@pytest.mark.parametrize("fmt", RENDERERS)
def test_the_verdict_of_an_engine_that_is_its_own_oracle_says_so(fmt: str) -> None:
    own = replace(found(RECORDS["exact"]).reference, own_oracle=True)
    text = " ".join(RENDERERS[fmt](with_measured(RECORDS["exact"], reference=own)).split())
    assert "runs tflm itself" in text and "not a microcontroller" in text.replace("&#39;", "'")
    assert "computed exactly what Python computes" not in text


@pytest.mark.parametrize("fmt", RENDERERS)
def test_a_missed_gate_is_told(fmt: str) -> None:
    text = RENDERERS[fmt](build(gates=Gates(min_accuracy=0.99)))
    assert "min-accuracy" in text or "wanted 99.00 %" in text


@pytest.mark.parametrize("fmt", ["terminal", "markdown", "html"])
@pytest.mark.parametrize(
    ("outcome", "stamp"),
    [
        ("proven", "exact"),
        ("missed", "exact, gate missed"),
        ("incomplete", "exact, incomplete"),
        ("interrupted", "exact, interrupted"),
        ("failed", "failed"),
    ],
)
def test_a_verdict_is_not_alone_where_the_run_was_not_well(outcome: Outcome, stamp: str, fmt: str) -> None:
    text = RENDERERS[fmt](replace(RECORDS["exact"], outcome=outcome))
    assert {"terminal": f" {stamp}  ", "markdown": f": {stamp}\n", "html": f">{stamp}<"}[fmt] in text


@pytest.mark.parametrize("fmt", ["terminal", "markdown", "html"])
def test_a_doubtful_reference_and_a_resumed_run_are_told(fmt: str) -> None:
    reference = replace(found(RECORDS["exact"]).reference, doubt="it is far from all others")
    text = " ".join(
        RENDERERS[fmt](with_measured(RECORDS["exact"], reference=reference, legs=2, resumed=4)).split()
    )
    assert "In doubt: it is far from all others." in text
    assert "requantize" not in text
    assert "4 images are from an earlier leg" in text


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", RECORDS)
def test_the_terminals_tables_fit_and_the_verdict_is_last(name: str, width: int) -> None:
    lines = terminal(RECORDS[name], width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert any(f" {word} " in line for line in lines[-6:] for word in ("exact", "diverged", "failed"))
    text = "\n".join(lines)
    for word in ("accuracy", "litert") if name != "failed" else ("failed",):
        assert word in text


def test_a_good_run_fits_a_screen() -> None:
    litert = {
        name: found(RECORDS["exact"]).parity["litert"]
        for name in ("tflm", "litert", "litert-ref", "litert-nodelegate")
    }
    whole = with_measured(RECORDS["exact"], parity=litert, accuracy=dict.fromkeys(["device", *litert], 0.88))
    assert len(terminal(whole).splitlines()) <= 24


def test_without_a_terminal_lines_are_whole() -> None:
    console = Console(width=40, file=io.StringIO(), color_system=None)
    print_report(RECORDS["exact"], console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "0 of 18 outputs differ from tflm on 6 images." in text
    assert not any(line.endswith(" ") for line in text.splitlines())


# -- HTML -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", [*RECORDS.values(), without_anything(RECORDS["exact"])])
def test_html_is_well_formed_and_loads_nothing(record: Report) -> None:
    html = render_html(record)
    page = ElementTree.fromstring(html.replace("<!DOCTYPE html>", ""))
    for element in page.iter():
        assert not {"src", "href", "data", "action", "onload", "onclick"} & set(element.attrib)
        assert element.tag not in {"script", "link", "img", "iframe", "object", "base"}
    assert not re.search(r"https?:|//|url\(|@import", html)


def test_html_has_its_plots() -> None:
    html = render_html(RECORDS["exact"])
    page = ElementTree.fromstring(html.replace("<!DOCTYPE html>", ""))
    plots = {svg.attrib["aria-label"]: svg for svg in page.iter("svg")}
    assert list(plots) == [
        "Accuracy of the board and of every oracle",
        "Inferences by cost",
        "instructions of an inference, by operator",
        "The arena: address by operator",
        "Confusion: label (row), predicted by the board (column)",
    ]
    bars = list(plots["Accuracy of the board and of every oracle"].iter("rect"))
    widths = [float(bar.attrib["width"]) for bar in bars if "bar" in bar.attrib["class"].split()]
    track = float(bars[0].attrib["width"])
    assert widths == pytest.approx([track * 5 / 6, track * 5 / 6, track], abs=0.1)
    cells = list(plots["Confusion: label (row), predicted by the board (column)"].iter("rect"))
    assert [float(cell.attrib["fill-opacity"]) for cell in cells] == [1, 0, 0, 0.333, 0.667, 0, 0, 0, 1]


@pytest.mark.parametrize("record", [RECORDS["exact"], build(labels=np.array([0, 1, 2, 0, 1, 2]))])
def test_text_of_plots_lies_within_them(record: Report) -> None:
    """At 400 pixels a plot is shown at its size: 12 pixels a letter's height, some 7.5 its width at most."""
    page = ElementTree.fromstring(render_html(record).replace("<!DOCTYPE html>", ""))
    for svg in page.iter("svg"):
        _, _, width, height = map(float, svg.attrib["viewBox"].split())
        assert width <= 368 or "min-width" in svg.attrib["style"]
        for text in svg.iter("text"):
            room = 7.5 * len(text.text or "")
            if "transform" in text.attrib:
                continue
            x, y = float(text.attrib["x"]), float(text.attrib["y"])
            left = {"start": x, "end": x - room}.get(text.attrib.get("text-anchor", "middle"), x - room / 2)
            assert left >= -8 and left + room <= width + 8, text.text
            assert 9 <= y <= height


def test_html_without_labels_or_costs_has_no_plots() -> None:
    assert "<svg" not in render_html(without_anything(RECORDS["exact"]))


@pytest.mark.parametrize("fmt", RENDERERS)
def test_hostile_names_stay_text(fmt: str) -> None:
    name = '<script>alert("1")</script> & | [red]x[/red] \x07 `y`'
    record = replace(
        RECORDS["diverged"],
        model=replace(build().model, name=name),  # type: ignore[type-var]
        measured=replace(found(RECORDS["diverged"]), accuracy={"device": 0.5, "tflm": 0.5, "<b>": 0.5}),
        reason="<i>gone</i> ]]>",
    )
    text = RENDERERS[fmt](record)
    if fmt == "terminal":
        assert "[red]x[/red]" in text
    elif fmt == "markdown":
        assert "<script" not in text and "<i>" not in text
        assert all(
            line.count("|") - line.count("\\|") == 3
            for line in text.splitlines()
            if "alert" in line and "|" in line[:1]
        )
    else:
        page = ElementTree.fromstring(text.replace("<!DOCTYPE html>", "").replace("\x07", ""))
        assert "script" not in {element.tag for element in page.iter()}
    if fmt == "junit":
        assert "\x07" not in text


# -- JUnit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "failures", "errors", "cases"),
    [
        (RECORDS["exact"], 0, 0, 3),
        (RECORDS["diverged"], 1, 1, 3),
        (RECORDS["failed"], 0, 1, 1),
        (build(gates=Gates(min_accuracy=0.99)), 1, 0, 4),
        (
            replace(
                RECORDS["exact"],
                outcome="missed",
                exit_code=1,
                gates=(Gate("verdict", "exact", "equivalent", False),),
            ),
            1,
            0,
            2,
        ),
    ],
)
def test_junit_is_red_where_the_run_was(record: Report, failures: int, errors: int, cases: int) -> None:
    suites = ElementTree.fromstring(render_junit(record))
    (suite,) = suites.iter("testsuite")
    assert (failures + errors > 0) == (record.exit_code != 0)
    for element in (suites, suite):
        assert int(element.attrib["tests"]) == len(list(suite.iter("testcase"))) == cases
        assert int(element.attrib["failures"]) == len(list(suite.iter("failure"))) == failures
        assert int(element.attrib["errors"]) == len(list(suite.iter("error"))) == errors
