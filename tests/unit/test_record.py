"""The record: what `build_record` decides, and what `read` refuses."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from boardproof_export.shared.errors import ExitCode, InputError, LinkError
from boardproof_export.shared.tensors import TensorInfo
from boardproof_host.record import file as record
from boardproof_host.record import metrics
from boardproof_host.record.build import compare
from boardproof_host.record.facts import Gates, LinkUse, Measured, OracleFacts
from boardproof_host.record.json_schema import json_schema
from boardproof_host.record.schema import Measurement, Report
from records import CORTEX_M4, OUTPUTS, build, fell_silent, measured, raw, silicon

RECORD = build()


def found(report: Report) -> Measurement:
    assert report.measured is not None
    return report.measured


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


# -- the file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "report",
    [RECORD, silicon(), build(labels=None), fell_silent()],
    ids=["exact", "silicon", "regressor", "failed"],
)
def test_what_was_written_is_read(report: Report, tmp_path: Path) -> None:
    path = record.write(report, tmp_path / "new" / "folder" / "report.json")
    assert record.read(path) == report
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


def test_names_may_hold_what_json_must_escape(tmp_path: Path) -> None:
    assert RECORD.model is not None
    model = replace(RECORD.model, name='a "[\n1,\n2\n]" model')
    report = replace(RECORD, model=model)
    assert record.read(record.write(report, tmp_path / "report.json")) == report


def test_a_file_that_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.mkdir()
    (path / "kept").write_text("kept")
    with pytest.raises(InputError, match="cannot be written"):
        record.write(RECORD, path)
    assert (path / "kept").read_text() == "kept"
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_check_writable(tmp_path: Path) -> None:
    record.check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="cannot be written") as caught:
            record.check_writable(folder)
        assert "--out" in caught.value.hint


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key of a JSON value, but those of dictionaries whose keys are free."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(value, dict) and prefix not in (
            ("measured", "accuracy"),
            ("timing",),
            ("host", "packages"),
            ("measured", "parity"),
        ):
            yield (*prefix, key)
        yield from paths(item, (*prefix, key))


@pytest.mark.parametrize(
    "path", list(paths(json.loads(record.to_json(silicon())))), ids=lambda p: ".".join(map(str, p))
)
def test_a_missing_field_is_named(path: tuple[Any, ...], tmp_path: Path) -> None:
    content = json.loads(record.to_json(silicon()))
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content))
    message = "has schema None" if path == ("schema",) else rf"{path[-1]} is missing"
    with pytest.raises(InputError, match=message):
        record.read(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("\xff", "is not JSON"),
        ("[]", "has schema None"),
        ('{"schema": "boardproof.report/3"}', "has schema 'boardproof.report/3'"),
        ('{"schema": "boardproof.report/2"}', "outcome is missing"),
        ('{"schema": "boardproof.report/1"}', "'dataset' is missing"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_another_file_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        record.read(path)


def test_a_file_that_is_absent_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.json"):
        with pytest.raises(InputError, match="cannot read"):
            record.read(path)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("measured", "verdict"), "fine", "measured.verdict is 'fine'"),
        (("measured", "images"), "6", "measured.images is '6'"),
        (("measured", "images"), True, "measured.images is True"),
        (("gates",), 1, "gates is 1"),
        (("host",), None, "host is None"),
        (("measured", "parity", "tflm", "argmax_flips"), 0.5, "measured.parity.tflm.argmax_flips is 0.5"),
        (("measured", "accuracy", "device"), "high", "measured.accuracy.device is 'high'"),
        (("measured", "confusion"), [[1, "x"]], r"measured.confusion\[0\]\[1\] is 'x'"),
        (("model", "ops"), "RESHAPE", "model.ops is 'RESHAPE'"),
    ],
)
def test_a_value_of_another_type_is_named(
    path: tuple[str, ...], value: Any, message: str, tmp_path: Path
) -> None:
    content = json.loads(record.to_json(RECORD))
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        record.read(file)


def test_a_field_of_a_later_version_is_no_error(tmp_path: Path) -> None:
    content = json.loads(record.to_json(RECORD)) | {"news": 1}
    content["model"]["more"] = []
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content))
    assert record.read(file) == RECORD


def test_version_1_is_still_read() -> None:
    old = Path(__file__).parents[1] / "golden" / "report" / "version_1.json"
    report = record.read(old)
    assert (report.outcome, report.exit_code, report.gates) == ("diverged", 1, ())
    assert found(report).verdict == "diverged" and found(report).images == 5
    assert [op.name for op in report.model.ops] == ["RESHAPE", "FULLY_CONNECTED"] if report.model else False


def test_the_json_schema_is_that_of_the_types() -> None:
    path = Path(record.__file__).with_name("report-2.schema.json")
    assert json.loads(path.read_text(encoding="utf-8")) == json_schema()


@pytest.mark.parametrize("report", [RECORD, silicon(), build(labels=None), fell_silent()])
def test_records_fit_the_json_schema(report: Report) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    content = json.loads(record.to_json(report))
    validator.validate(content)
    content["outcome"] = "fine"
    assert not validator.is_valid(content)


def test_every_field_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "REPORT.md").read_text(encoding="utf-8")
    names = {
        part
        for path in paths(json.loads(record.to_json(silicon())))
        for part in path
        if isinstance(part, str)
    }
    assert (
        sorted(name for name in names if f"`{name}`" not in text and name not in found(RECORD).parity) == []
    )
