"""The record: what `build_record` decides."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from boardproof_export.shared.errors import ExitCode, LinkError
from boardproof_export.shared.tensors import TensorInfo
from boardproof_host.record import metrics
from boardproof_host.record.build import compare
from boardproof_host.record.facts import Gates, LinkUse, Measured, OracleFacts
from records import CORTEX_M4, OUTPUTS, build, found, measured, raw, silicon

RECORD = build()


def test_a_whole_exact_run() -> None:
    measurement = found(RECORD)
    assert (measurement.verdict, RECORD.complete, RECORD.reason, measurement.images) == (
        "exact",
        True,
        None,
        6,
    )
    assert (RECORD.outcome, RECORD.exit_code) == ("proven", ExitCode.PROVEN)
    assert measurement.accuracy == {
        "device": pytest.approx(5 / 6),
        "tflm": pytest.approx(5 / 6),
        "litert": 1.0,
    }
    assert measurement.mismatches == ()
    litert = measurement.parity["litert"]
    assert (litert.mismatched_values, litert.max_abs_diff, litert.argmax_flips) == (2, 1, 1)
    assert (litert.exact_images, litert.images, litert.values) == (4, 6, 18)
    assert measurement.cost.instructions_per_inference is not None
    assert measurement.cost.instructions_per_inference.median == 64_010.5


def test_a_part_is_compared_with_the_same_images_of_the_oracle() -> None:
    # Answers may arrive in any order; image 40 (position 4) never did.
    whole = measured()
    some = np.array([5, 0, 3], dtype=np.intp)
    part = Measured(some, whole.outputs[some].copy(), whole.ticks[some], whole.unit, reason="Ctrl-C")
    part.outputs[1, 0] += 2
    report = build(measured=part)
    measurement = found(report)
    assert (measurement.verdict, report.complete, report.reason, measurement.images) == (
        "diverged",
        False,
        "Ctrl-C",
        3,
    )
    (mismatch,) = measurement.mismatches
    assert mismatch.image == 0 and mismatch.label == 0
    assert np.subtract(mismatch.device, mismatch.oracle).tolist() == [2, 0, 0]
    assert measurement.parity["litert"].images == 3
    assert measurement.link.images_per_second == pytest.approx(3 / 1.5)


def test_a_run_that_lacks_images_without_a_reason_is_not_complete() -> None:
    whole = measured()
    report = build(measured=Measured(whole.positions[:4], whole.outputs[:4], whole.ticks[:4], whole.unit))
    assert not report.complete and report.reason == "4 of 6 images came back"


def test_nothing_measured_is_no_record() -> None:
    whole = measured()
    nothing = Measured(
        whole.positions[:0], whole.outputs[:0], whole.ticks[:0], whole.unit, reason="unplugged"
    )
    with pytest.raises(LinkError, match="no image was measured: unplugged"):
        build(measured=nothing)


def test_cycles_on_silicon_are_also_a_time() -> None:
    cost = found(silicon()).cost
    assert cost.unit == "cycles" and cost.instructions_per_inference is None
    assert cost.cycles_per_inference is not None and cost.microseconds is not None
    assert cost.cycles_per_inference.max == 64_021
    assert cost.microseconds.max == pytest.approx(64_021 / 168)


@pytest.mark.parametrize("unit", ["instructions", "cycles", "microseconds"])
def test_an_emulator_never_gives_a_time(unit: Any) -> None:
    target = replace(CORTEX_M4, emulated=True, clock_hz=168_000_000)
    cost = found(build(measured=replace(measured(), unit=unit), target=target)).cost
    assert cost.microseconds is None
    assert (cost.unit is None) == (unit == "microseconds") == (cost.histogram is None)


def test_microseconds_of_a_board_without_a_cycle_counter() -> None:
    cost = found(build(measured=replace(measured(), unit="microseconds"), target=silicon().target)).cost
    assert cost.cycles_per_inference is None
    assert cost.microseconds is not None and cost.microseconds.max == 64_021


def test_without_labels_there_is_no_accuracy_but_a_verdict() -> None:
    report = found(build(labels=None))
    assert report.verdict == "exact"
    assert set(report.accuracy.values()) == {None}
    assert report.confusion is None and report.class_accuracy is None


def test_labels_that_are_no_classes_of_the_model_do_not_lose_the_run() -> None:
    report = found(build(labels=np.array([0, 1, 2, 3, 9, 1], dtype=np.uint8)))
    assert report.verdict == "exact" and report.accuracy["device"] is None


def test_saturated_counts_are_told() -> None:
    whole = measured()
    ticks = whole.ticks.copy()
    ticks[2] = 2**32 - 1
    assert found(build(measured=replace(whole, ticks=ticks))).cost.saturated == 1


# -- outcome and gates ----------------------------------------------------------------------------------------


def off_by(step: int, image: int = 1, output: int = 2) -> Measured:
    """Six images, one value of which is not the reference's; no class changes."""
    outputs = OUTPUTS.copy()
    outputs[image, output] += step
    return replace(measured(), outputs=raw(outputs))


def cut(measurement: Measured, *, interrupted: bool = False) -> Measured:
    return replace(
        measurement,
        positions=measurement.positions[:4],
        outputs=measurement.outputs[:4],
        ticks=measurement.ticks[:4],
        reason="gone",
        interrupted=interrupted,
    )


@pytest.mark.parametrize(
    ("measurement", "gates", "outcome", "code"),
    [
        (measured(), Gates(), "proven", ExitCode.PROVEN),
        (off_by(1), Gates(), "missed", ExitCode.DIVERGED),
        (off_by(1), Gates(verdict="equivalent"), "proven", ExitCode.PROVEN),
        (off_by(2), Gates(verdict="equivalent"), "diverged", ExitCode.DIVERGED),
        (measured(), Gates(min_accuracy=0.8), "proven", ExitCode.PROVEN),
        (measured(), Gates(min_accuracy=0.84), "missed", ExitCode.DIVERGED),
        (cut(measured()), Gates(), "incomplete", ExitCode.LINK),
        (cut(measured(), interrupted=True), Gates(), "interrupted", ExitCode.INTERRUPTED),
        (cut(off_by(9)), Gates(), "diverged", ExitCode.DIVERGED),
        (replace(measured(), untrusted=True, reason="digests"), Gates(), "failed", ExitCode.LINK),
    ],
)
def test_outcome(measurement: Measured, gates: Gates, outcome: str, code: ExitCode) -> None:
    report = build(measured=measurement, gates=gates)
    assert (report.outcome, report.exit_code) == (outcome, code)
    assert outcome == "failed" or all(gate.passed for gate in report.gates) == (outcome == "proven")


def test_accuracy_that_is_not_known_misses_its_gate() -> None:
    report = build(labels=None, gates=Gates(min_accuracy=0.1))
    assert report.outcome == "missed" and report.gates[-1].reached is None


def test_interpreters_far_from_the_reference_put_it_in_doubt() -> None:
    others = np.roll(OUTPUTS, 1, axis=1)
    facts = {"tflm": OracleFacts(raw(OUTPUTS), "1", "a"), "litert": OracleFacts(raw(others), "2", "b")}
    doubt = found(build(oracles=facts)).reference.doubt
    assert doubt is not None and "tflm" in doubt and "100%" in doubt
    assert found(RECORD).reference.doubt is None  # one tie of six flips: by rounding


def test_a_reference_that_no_other_interpreter_vouches_for_is_in_doubt() -> None:
    alone = {"tflm": OracleFacts(raw(OUTPUTS), "1", "a")}
    doubt = found(build(oracles=alone, not_run={"litert": "cannot run: 3 != 2"})).reference.doubt
    assert doubt is not None and "no interpreter but tflm" in doubt
    assert found(build(oracles=alone)).reference.doubt is None  # none was asked


def test_several_boards_are_several_lines() -> None:
    one = LinkUse(1.0, 11_000, 100, 0, 0, baud=115_200, payload_down=10_000)
    two = replace(one, bytes_down=22_000, payload_down=20_000, boards=2)
    fractions = [found(build(link=link)).link.line_rate_fraction for link in (one, two)]
    assert fractions[0] == fractions[1] == pytest.approx(110_000 / 115_200)


def test_floats_and_several_outputs_are_compared_by_their_bits() -> None:
    edges = (TensorInfo("a", "float32", (1, 2)), TensorInfo("b", "int16", (1, 1), 1.0, 0))
    mine = np.array([[1.0, np.nan], [0.0, 2.0]], np.float32)
    theirs = np.array([[1.0, np.nan], [-0.0, 2.5]], np.float32)
    wide = np.array([[7], [-300]], np.int16)
    rows = [np.hstack([raw(part), raw(wide)]) for part in (mine, theirs)]
    result = compare(rows[0], rows[1], edges)
    assert (result.values, result.mismatched_values, result.exact_images) == (6, 2, 1)
    assert result.max_abs_diff == 0.5
    assert metrics.verdict(result, in_steps=False) == "diverged"
