"""`report.json`: what is written is read, what is no record is refused by name, and the JSON Schema holds."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from boardproof_export.shared.errors import InputError
from boardproof_host.record import file as record
from boardproof_host.record.json_schema import json_schema
from boardproof_host.record.schema import Report
from records import build, fell_silent, found, insides, silicon

RECORD = build()
FULL = replace(silicon(), measured=replace(found(silicon()), **insides()))


@pytest.mark.parametrize(
    "report",
    [RECORD, FULL, build(labels=None), fell_silent()],
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
            ("measured", "quality", "metrics"),
            ("measured", "quality", "mcnemar"),
            ("measured", "quality", "intervals"),
            *(("measured", "quality", "metrics", name) for name in ("device", "tflm", "litert")),
        ):
            yield (*prefix, key)
        yield from paths(item, (*prefix, key))


# Since the schema was made: earlier records lack them.
ADDED = {"quality", "profile", "memory", "flips", "at", "intervals", "stateful"}


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in paths(json.loads(record.to_json(silicon())))
        if not (path[0] in ("measured", "selection") and path[-1] in ADDED)
    ],
    ids=lambda p: ".".join(map(str, p)),
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


def test_a_record_from_before_a_field_was_added_is_read(tmp_path: Path) -> None:
    content = json.loads(record.to_json(RECORD))
    whole = sorted(ADDED & content["measured"].keys())
    for name in whole:
        del content["measured"][name]
    for parity in content["measured"]["parity"].values():
        del parity["flips"]
    del content["selection"]["stateful"]
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content))
    read = record.read(file)
    earlier = found(read)
    assert [getattr(earlier, name) for name in whole] == [None] * 3
    assert all(parity.flips == () for parity in earlier.parity.values())
    assert read.selection is not None and read.selection.stateful is False
    jsonschema.validate(content, json_schema())


def test_version_1_is_still_read() -> None:
    old = Path(__file__).parents[1] / "golden" / "report" / "version_1.json"
    report = record.read(old)
    assert (report.outcome, report.exit_code, report.gates) == ("diverged", 1, ())
    assert found(report).verdict == "diverged" and found(report).images == 5
    assert [op.name for op in report.model.ops] == ["RESHAPE", "FULLY_CONNECTED"] if report.model else False


def test_the_json_schema_is_that_of_the_types() -> None:
    path = Path(record.__file__).with_name("report-2.schema.json")
    assert json.loads(path.read_text(encoding="utf-8")) == json_schema()


@pytest.mark.parametrize("report", [RECORD, FULL, silicon(), build(labels=None), fell_silent()])
def test_records_fit_the_json_schema(report: Report) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    content = json.loads(record.to_json(report))
    validator.validate(content)
    content["outcome"] = "fine"
    assert not validator.is_valid(content)


def test_every_field_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "REPORT.md").read_text(encoding="utf-8")
    names = {
        part for path in paths(json.loads(record.to_json(FULL))) for part in path if isinstance(part, str)
    }
    assert (
        sorted(name for name in names if f"`{name}`" not in text and name not in found(RECORD).parity) == []
    )
