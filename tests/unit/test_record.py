"""The record: what `build_record` decides, and what `read` refuses."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boardproof_export.shared.errors import ExitCode, InputError, LinkError
from boardproof_host.record import schema as record
from boardproof_host.record.build import Measured
from records import CORTEX_M4, build, measured, silicon

RECORD = build()


def test_a_whole_exact_run() -> None:
    assert (RECORD.verdict, RECORD.complete, RECORD.reason, RECORD.images) == ("exact", True, None, 6)
    assert RECORD.accuracy == {"device": pytest.approx(5 / 6), "tflm": pytest.approx(5 / 6), "litert": 1.0}
    assert RECORD.mismatches == ()
    litert = RECORD.parity["litert"]
    assert (litert.mismatched_values, litert.max_abs_diff, litert.argmax_flips) == (2, 1, 1)
    assert (litert.exact_images, litert.images, litert.values) == (4, 6, 18)
    assert RECORD.cost.instructions_per_inference is not None
    assert RECORD.cost.instructions_per_inference.median == 64_010.5
    assert record.outcome(RECORD) == ExitCode.PROVEN


def test_a_part_is_compared_with_the_same_images_of_the_oracle() -> None:
    # Answers may arrive in any order; image 40 (position 4) never did.
    whole = measured()
    some = np.array([5, 0, 3], dtype=np.intp)
    part = Measured(some, whole.outputs[some].copy(), whole.ticks[some], whole.unit, reason="Ctrl-C")
    part.outputs[1, 0] += 2
    report = build(measured=part)
    assert (report.verdict, report.complete, report.reason, report.images) == (
        "diverged",
        False,
        "Ctrl-C",
        3,
    )
    (mismatch,) = report.mismatches
    assert mismatch.image == 0 and mismatch.label == 0
    assert np.subtract(mismatch.device, mismatch.oracle).tolist() == [2, 0, 0]
    assert report.parity["litert"].images == 3
    assert report.link.images_per_second == pytest.approx(3 / 1.5)


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
    report = silicon()
    assert report.cost.unit == "cycles" and report.cost.instructions_per_inference is None
    assert report.cost.cycles_per_inference is not None and report.cost.microseconds is not None
    assert report.cost.cycles_per_inference.max == 64_021
    assert report.cost.microseconds.max == pytest.approx(64_021 / 168)


@pytest.mark.parametrize("unit", ["instructions", "cycles", "microseconds"])
def test_an_emulator_never_gives_a_time(unit: Any) -> None:
    target = replace(CORTEX_M4, emulated=True, clock_hz=168_000_000)
    cost = build(measured=replace(measured(), unit=unit), target=target).cost
    assert cost.microseconds is None
    assert (cost.unit is None) == (unit == "microseconds") == (cost.histogram is None)


def test_microseconds_of_a_board_without_a_cycle_counter() -> None:
    cost = build(measured=replace(measured(), unit="microseconds"), target=silicon().target).cost
    assert cost.cycles_per_inference is None
    assert cost.microseconds is not None and cost.microseconds.max == 64_021


def test_without_labels_there_is_no_accuracy_but_a_verdict() -> None:
    report = build(labels=None)
    assert report.verdict == "exact"
    assert set(report.accuracy.values()) == {None}
    assert report.confusion is None and report.class_accuracy is None


def test_labels_that_are_no_classes_of_the_model_do_not_lose_the_run() -> None:
    report = build(labels=np.array([0, 1, 2, 3, 9, 1], dtype=np.uint8))
    assert report.verdict == "exact" and report.accuracy["device"] is None


def test_saturated_counts_are_told() -> None:
    whole = measured()
    ticks = whole.ticks.copy()
    ticks[2] = 2**32 - 1
    assert build(measured=replace(whole, ticks=ticks)).cost.saturated == 1


@pytest.mark.parametrize(
    ("verdict", "complete", "expected"),
    [
        ("exact", True, ExitCode.PROVEN),
        ("equivalent", True, ExitCode.PROVEN),
        ("exact", False, ExitCode.LINK),
        ("diverged", True, ExitCode.DIVERGED),
        ("diverged", False, ExitCode.DIVERGED),
    ],
)
def test_outcome(verdict: Any, complete: bool, expected: ExitCode) -> None:
    assert record.outcome(replace(RECORD, verdict=verdict, complete=complete)) == expected


# -- the file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "report", [RECORD, silicon(), build(labels=None)], ids=["exact", "silicon", "regressor"]
)
def test_what_was_written_is_read(report: record.Report, tmp_path: Path) -> None:
    path = report.write(tmp_path / "new" / "folder" / "report.json")
    assert record.read(path) == report
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


def test_names_may_hold_what_json_must_escape(tmp_path: Path) -> None:
    model = replace(RECORD.model, name='a "[\n1,\n2\n]" model')
    report = replace(RECORD, model=model)
    assert record.read(report.write(tmp_path / "report.json")) == report


def test_a_file_that_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.mkdir()
    (path / "kept").write_text("kept")
    with pytest.raises(InputError, match="cannot be written"):
        RECORD.write(path)
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
            ("accuracy",),
            ("timing",),
            ("host", "packages"),
            ("parity",),
        ):
            yield (*prefix, key)
        yield from paths(item, (*prefix, key))


@pytest.mark.parametrize(
    "path", list(paths(json.loads(silicon().to_json()))), ids=lambda p: ".".join(map(str, p))
)
def test_a_missing_field_is_named(path: tuple[Any, ...], tmp_path: Path) -> None:
    content = json.loads(silicon().to_json())
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
        ('{"schema": "boardproof.report/2"}', "has schema 'boardproof.report/2'"),
        ('{"schema": "boardproof.report/1"}', "verdict is missing"),
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
        (("verdict",), "fine", "verdict is 'fine'"),
        (("images",), "6", "images is '6'"),
        (("images",), True, "images is True"),
        (("complete",), 1, "complete is 1"),
        (("model",), None, "model is None"),
        (("parity", "tflm", "max_abs_diff"), 0.5, "parity.tflm.max_abs_diff is 0.5"),
        (("accuracy", "device"), "high", "accuracy.device is 'high'"),
        (("confusion",), [[1, "x"]], r"confusion\[0\]\[1\] is 'x'"),
        (("model", "ops"), "RESHAPE", "model.ops is 'RESHAPE'"),
    ],
)
def test_a_value_of_another_type_is_named(
    path: tuple[str, ...], value: Any, message: str, tmp_path: Path
) -> None:
    content = json.loads(RECORD.to_json())
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        record.read(file)


def test_a_field_of_a_later_version_is_no_error(tmp_path: Path) -> None:
    content = json.loads(RECORD.to_json()) | {"news": 1}
    content["model"]["more"] = []
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content))
    assert record.read(file) == RECORD


DESIGN_KEYS = {
    "model": ["name", "sha256", "bytes", "ops"],
    "target": ["name", "engine", "kernels", "core", "build_id", "emulated", "clock_hz"],
    "accuracy": ["device", "tflm"],
    "cost": [
        "instructions_per_inference",
        "cycles_per_inference",
        "microseconds",
        "flash_bytes",
        "ram_bytes",
        "arena_bytes",
        "model_bytes",
    ],
    "link": [
        "seconds",
        "images_per_second",
        "bytes_down",
        "bytes_up",
        "retransmits",
        "crc_errors",
        "line_rate_fraction",
    ],
}


def test_the_keys_of_the_design_are_there() -> None:
    content = json.loads(RECORD.to_json())
    assert next(iter(content)) == "schema" and content["schema"] == "boardproof.report/1"
    assert {"verdict", "images", "parity"} <= set(content)
    for key, inner in DESIGN_KEYS.items():
        assert set(inner) <= set(content[key])
    assert {"exact_images", "mismatched_values", "max_abs_diff", "argmax_flips"} <= set(
        content["parity"]["tflm"]
    )


def test_every_field_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "REPORT.md").read_text(encoding="utf-8")
    names = {
        part for path in paths(json.loads(silicon().to_json())) for part in path if isinstance(part, str)
    }
    assert sorted(name for name in names if f"`{name}`" not in text and name not in RECORD.parity) == []
