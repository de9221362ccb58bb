"""The pictures of an inference: bars are as long as what they stand for, boxes lie where the plan has them."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from boardproof_host.record.schema import OpCost, Profile, Report
from boardproof_host.report import insides, render_html
from boardproof_host.report.plots import WIDTH
from records import build
from records import insides as parts

WIDEST_LETTER = 8.2  # units of a capital in 12 units of a sans-serif


def report(**changed: Any) -> Report:
    made = build()
    assert made.measured is not None
    return replace(made, measured=replace(made.measured, **(parts() | changed)))


def drawn(svg: str | None) -> ElementTree.Element:
    assert svg is not None
    return ElementTree.fromstring(svg)


def boxes(picture: ElementTree.Element, kind: str) -> list[dict[str, float]]:
    """x, y, width and height of the rectangles of a class, in drawing order."""
    found = [rect for rect in picture.iter("rect") if kind in rect.attrib["class"].split()]
    return [{name: float(rect.attrib[name]) for name in ("x", "y", "width", "height")} for rect in found]


def fits(picture: ElementTree.Element) -> None:
    """All of it lies in the picture, which a page of 400 pixels shows at its size; no two texts of a line touch."""
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    assert width == WIDTH <= 368
    for rect in picture.iter("rect"):
        x, y, wide, tall = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= -0.1 and x + wide <= width + 0.1 and y >= -0.1 and y + tall <= height + 0.1
    spans: dict[float, list[tuple[float, float]]] = {}
    for text in picture.iter("text"):
        assert text.text is not None
        long = len(text.text) * (WIDEST_LETTER if text.text.isupper() else 6.8)
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        start = x - {"start": 0.0, "middle": long / 2, "end": long}[text.attrib["text-anchor"]]
        assert start >= -0.1 and start + long <= width + 0.1 and 9 <= y <= height, text.text
        spans.setdefault(y, []).append((start, start + long))
    for line in spans.values():
        ordered = sorted(line)
        assert all(one[1] <= other[0] for one, other in pairwise(ordered))


def test_bars_are_as_long_as_the_operators_shares() -> None:
    picture = drawn(insides.costs(report()))
    fits(picture)
    ops = parts()["profile"].ops
    bars = boxes(picture, "bar")
    assert len(bars) == len(ops)
    longest = max(op.share for op in ops)
    room = max(bar["width"] for bar in bars)
    assert [bar["width"] for bar in bars] == pytest.approx(
        [room * op.share / longest for op in ops], abs=0.06
    )
    assert [bar["y"] for bar in bars] == sorted(bar["y"] for bar in bars)
    names = [text.text for text in picture.iter("text") if text.attrib["text-anchor"] == "end"]
    assert names == ["RESHAPE", "FULLY_CONNECTED", "UNIDIRECTIONAL_S…"]


def test_of_many_operators_the_most_costly_are_drawn_in_order() -> None:
    ops = tuple(OpCost(at, "ADD", None, 0, 0, at % 50, at % 50 / 2500, None) for at in range(100))
    profile = Profile("cycles", (0,), ops, 2500, 2600, 1, 50)
    picture = drawn(insides.costs(report(profile=profile)))
    fits(picture)
    numbers = [int(text.text or "") for text in picture.iter("text") if (text.text or "").isdigit()]
    assert numbers == [at for at in range(100) if at % 50 >= 30]


def test_boxes_lie_where_the_plan_has_them() -> None:
    picture = drawn(insides.arena(report()))
    fits(picture)
    plan = parts()["memory"]
    (whole,) = boxes(picture, "track")
    placed = boxes(picture, "plan")
    column, scale = whole["width"] / (plan.ops + 2), whole["height"] / plan.bytes
    assert len(placed) == len(plan.buffers)
    for box, buffer in zip(placed, plan.buffers, strict=True):
        assert box["x"] - whole["x"] == pytest.approx((buffer.first + 1) * column, abs=0.02)
        assert box["width"] == pytest.approx((buffer.last - buffer.first + 1) * column, abs=0.02)
        assert whole["height"] - box["y"] - box["height"] == pytest.approx(buffer.offset * scale, abs=0.02)
        assert box["height"] == pytest.approx(buffer.bytes * scale, abs=0.02)
    ours, structures = boxes(picture, "board")[-2:], boxes(picture, "bar")[-1]
    assert ours[0]["width"] / (ours[1]["width"] + structures["width"]) == pytest.approx(3272 / 3872, abs=0.01)
    assert structures["x"] == pytest.approx(ours[1]["x"] + ours[1]["width"])


def test_without_the_other_interpreter_there_is_one_bar() -> None:
    plan = replace(parts()["memory"], tflm=None)
    picture = drawn(insides.arena(report(memory=plan)))
    fits(picture)
    assert "TFLM" not in [text.text for text in picture.iter("text")]
    assert "TensorFlow" not in insides.about_arena(report(memory=plan))


def test_the_page_has_both_and_says_what_the_hook_costs() -> None:
    page = render_html(report())
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert (
        "Instructions of image 30. The hook that looks behind every operator costs 61; 21 are taken off"
        in text
    )
    assert "1 FULLY_CONNECTED 61,779" in text and "inference 64,011" in text
    assert "TensorFlow Lite Micro takes 3,872 B at most" in text
    without = render_html(report(profile=None, memory=None))
    assert "Operators" not in without and ">Memory<" not in without
    uncounted = Profile(None, (0,), parts()["profile"].ops, None, None, None, None)
    assert "Operators" not in render_html(report(profile=uncounted))
