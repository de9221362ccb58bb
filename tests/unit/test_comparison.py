"""The board beside each interpreter: classes that differ, who is better, and outputs of very many classes."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from boardproof_export.shared.tensors import TensorInfo
from boardproof_host.record import file, metrics
from boardproof_host.record.facts import Measured, OracleFacts
from boardproof_host.record.schema import Flip, McNemar, Report
from boardproof_host.report import comparison, render_html, render_markdown, wording
from records import INPUT, build, found, measured, raw, silicon

CLASSES = 1001


def many_classes(differing: int, **changed: Any) -> Report:
    """Six images of 1,001 classes each; `differing` outputs of the first two are not the reference's."""
    rng = np.random.default_rng(1)
    theirs = rng.integers(-128, 100, (6, CLASSES)).astype(np.int8)
    labels = rng.integers(0, CLASSES, 6)
    theirs[np.arange(5), labels[:5]] = 101
    device = theirs.copy()
    device[:2, :differing] = theirs[:2, :differing] ^ 1
    whole = measured()
    model = build().model
    assert model is not None
    arguments = {
        "model": replace(model, outputs=(TensorInfo("scores", "int8", (1, 1, 1, CLASSES), 0.25, -3),)),
        "measured": Measured(whole.positions, raw(device), whole.ticks, whole.unit),
        "oracles": {"tflm": OracleFacts(raw(theirs), "0.dev1", "twice")},
        "labels": labels,
    }
    return build(**(arguments | changed))


def test_a_thousand_classes_have_an_accuracy_and_a_short_record() -> None:
    report = many_classes(500)
    result = found(report)
    assert result.accuracy == {"device": pytest.approx(5 / 6), "tflm": pytest.approx(5 / 6)}
    assert result.quality is not None and result.quality.metrics["device"].keys() == {"top_1", "top_5"}
    assert (result.confusion, result.class_accuracy) == (None, None)
    assert len(result.mismatches) == 2
    worst = result.mismatches[0]
    assert worst.at is not None and len(worst.at) == len(worst.device) == len(worst.oracle) == 20
    assert list(worst.at) == sorted(set(worst.at)) and max(worst.at) < 500
    assert all(mine != theirs for mine, theirs in zip(worst.device, worst.oracle, strict=True))
    assert len(file.to_json(report)) < 20_000
    shown = wording.word(report).worst[0]
    assert len(shown.rows) == 20 and shown.left_out == CLASSES - 20
    assert [row[0] for row in shown.rows] == [wording.class_name(report, at) for at in worst.at]


def test_few_outputs_that_differ_of_many() -> None:
    worst = found(many_classes(3)).mismatches[0]
    assert worst.at == (0, 1, 2)


@pytest.mark.parametrize("shape", [(1, 10, 100), (7, 143)])
def test_an_output_that_is_no_class_a_value_has_no_accuracy(shape: tuple[int, ...]) -> None:
    model = many_classes(0).model
    assert model is not None
    count = int(np.prod(shape))
    outputs = np.zeros((6, count), np.int8)
    whole = measured()
    report = many_classes(
        0,
        model=replace(model, outputs=(TensorInfo("picture", "int8", shape, 0.25, -3),)),
        measured=Measured(whole.positions, raw(outputs), whole.ticks, whole.unit),
        oracles={"tflm": OracleFacts(raw(outputs), "0.dev1", "twice")},
        labels=np.arange(6),
    )
    assert found(report).accuracy == {"device": None, "tflm": None}


def test_a_reconstruction_has_no_accuracy() -> None:
    model = many_classes(0).model
    assert model is not None
    sound = TensorInfo("sound", "int8", (1, CLASSES), 0.25, -3)
    labels = np.array([0, 1, 0, 1, 0, 1])
    report = many_classes(0, model=replace(model, inputs=(sound,), outputs=(sound,)), labels=labels)
    assert found(report).accuracy["device"] is None


def test_flips_have_both_margins_and_the_largest_come_first() -> None:
    device = np.array([[5, 5, 0], [9, 1, 0], [3, 2, 1], [-128, 127, 0]], np.int8)
    oracle = np.array([[4, 5, 0], [1, 0, 9], [3, 2, 1], [127, -128, 0]], np.int8)
    assert metrics.flips(device, oracle) == [(3, 1, 0, 255, 255), (1, 0, 2, 9, 8), (0, 0, 1, 0, 1)]


def test_a_record_has_them() -> None:
    flips = found(build()).parity["litert"].flips
    assert flips == (Flip(50, 0, 1, 0, 1),)
    assert found(build()).parity["tflm"].flips == ()
    nan = np.full((6, 3), np.nan, np.float32)
    nan[:, 0] = 1
    other = nan[:, ::-1].copy()
    model = build().model
    assert model is not None
    whole = measured()
    report = build(
        model=replace(model, outputs=(TensorInfo("scores", "float32", (1, 3)),)),
        measured=Measured(whole.positions, raw(nan), whole.ticks, whole.unit),
        oracles={"tflm": OracleFacts(raw(other), "0.dev1", "twice")},
        labels=None,
    )
    json.loads(file.to_json(report), parse_constant=lambda name: pytest.fail(name))


def test_every_rendering_has_the_statistics() -> None:
    report = silicon()
    page, text = render_html(report), render_markdown(report)
    for where in (page, text):
        assert "23.07 % to 88.24 %" in where and "56.55 % to 100.00 %" in where and "McNemar p" in where
        assert "255 and 0" in where
    assert comparison.flips(report, found(report))[0] == ("30", "tflm", "Pullover", "Trouser", "255 and 0")


def test_who_is_better_is_said_where_chance_does_not_explain_it() -> None:
    result = found(build())
    assert result.quality is not None
    assert "no interpreter is better (McNemar, p 1)" in comparison.better(result)
    pairs = {"tflm": McNemar(0, 0, 1.0), "litert": McNemar(2, 20, 0.00012), "other": McNemar(9, 1, 0.021)}
    words = comparison.better(replace(result, quality=replace(result.quality, mcnemar=pairs)))
    assert words.endswith("by McNemar's test litert is better (p < 0.001), other is worse (p 0.021)")
    assert comparison.better(found(build(labels=None))) == ""
    assert INPUT.count != 3  # else it would be a reconstruction
