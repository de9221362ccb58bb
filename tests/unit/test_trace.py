"""What a trace compares, which images it takes, and how it says so: without a board."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph, parse_graph
from boardproof_host.commands.trace import printable, text_of
from boardproof_host.record import file
from boardproof_host.record.schema import Mismatch, Report, Target
from boardproof_host.record.store import Store
from boardproof_host.runs import layers, suspects
from boardproof_host.runs.diagnosis import Diagnosis
from boardproof_host.runs.layers import Differing, Divergence, Element, Entry
from boardproof_host.runs.trace_record import OpRow, Trace
from model_builder import random_model
from records import build, fell_silent
from support.small_models import reshaping_model, running_sum_model


def graph_of(model: bytes) -> Graph:
    return parse_graph(model, Path("model.tflite"))


# -- values ---------------------------------------------------------------------------------------------------


def diverge(kind: str, board: list[Any], reference: list[Any]) -> Divergence:
    graph = graph_of(reshaping_model(kind))
    sides = [np.array(values, kind).tobytes() for values in (board, reference)]
    return layers.diverge(graph, Differing(7, Entry(0, 0, 0, 6, 0), *sides))


def test_values_that_differ_are_shown_the_worst_first() -> None:
    found = diverge("int8", [1, -128, 3, 4, 5, 6], [1, 127, 3, 5, 5, 6])
    assert (found.image, found.op, found.name, found.output) == (7, 0, "RESHAPE", 0)
    assert (found.tensor, found.type, found.shape) == ("out_int8", "int8", (2, 3))
    assert (found.values, found.differing, found.max_abs_diff) == (6, 2, 255)
    assert found.elements == (Element(1, (0, 1), -128, 127), Element(3, (1, 0), 4, 5))


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "bool"])
def test_values_of_other_types(kind: str) -> None:
    found = diverge(kind, [1, 1, 0, 0, 1, 1], [1, 0, 0, 0, 1, 1])
    assert (found.differing, found.max_abs_diff, found.elements) == (1, 1, (Element(1, (0, 1), 1, 0),))


def test_floats_differ_by_their_bits_and_stay_json() -> None:
    nan, inf = float("nan"), float("inf")
    found = diverge("float32", [nan, 0.5, -0.0, 2.0, nan, inf], [nan, 0.25, 0.0, 2.0, 1.0, 3.0])
    assert found.differing == 4
    assert {element.at for element in found.elements[:2]} == {4, 5}
    assert found.elements[2:] == (Element(1, (0, 1), 0.5, 0.25), Element(2, (0, 2), 0, 0))
    json.dumps([found.max_abs_diff, *(e.board for e in found.elements)], allow_nan=False)


def test_outputs_of_another_size_have_no_values_to_show() -> None:
    graph = graph_of(reshaping_model("int8"))
    found = layers.diverge(graph, Differing(0, Entry(0, 0, 0, 6, 0), b"\0" * 5, b"\0" * 6))
    assert found.differing is None and found.elements == ()


def test_at_most_so_many_values_are_shown() -> None:
    graph = graph_of(random_model(1, depths=(4, 100)))
    found = layers.diverge(graph, Differing(0, Entry(0, 0, 0, 100, 0), bytes(100), bytes([1]) * 100))
    assert (found.differing, len(found.elements)) == (100, layers.SHOWN)


def test_a_handle_of_a_variable_is_not_compared() -> None:
    """Operator 0 gives a handle, each interpreter its own; operator 1 gives data."""
    graph = graph_of(running_sum_model())
    board = [Entry(0, 0, 0, 4, 1), Entry(1, 0, 0, 16, 2), Entry(2, 0, 0, 16, 3)]
    reference = [Entry(0, 0, 0, 0, 9), Entry(1, 0, 0, 16, 2), Entry(2, 0, 0, 16, 4)]
    assert layers.differing(graph, board, reference) == [board[2]]


# -- which images ---------------------------------------------------------------------------------------------


def report_with(differ: int, listed: int, **changed: Any) -> Report:
    """A report of 1,000 images of which `differ` differ; the worst `listed` stand in it."""
    report = build()
    assert report.measured is not None
    parity = replace(report.measured.parity["tflm"], images=1000, exact_images=1000 - differ)
    measured = replace(
        report.measured,
        images=1000,
        parity=report.measured.parity | {"tflm": parity},
        mismatches=tuple(Mismatch(100 + number, 0, (1,), (2,)) for number in range(listed)),
    )
    return replace(report, measured=measured, **changed)


@pytest.mark.parametrize(
    ("differ", "listed", "worst", "many", "words"),
    [
        (39, 16, 3, 3, "3 of the 39 images that differ in r.json, the worst"),
        (39, 16, None, 16, "16 of the 39 images that differ in r.json, the worst"),
        (3, 3, None, 3, "all 3 images that differ in r.json"),
        (3, 3, 1, 1, "1 of the 3 images that differ in r.json, the worst"),
        (1, 1, None, 1, "the image that differs in r.json"),
    ],
)
def test_images_of_a_report(differ: int, listed: int, worst: int | None, many: int, words: str) -> None:
    chosen = suspects.of_report(Path("r.json"), report_with(differ, listed), worst)
    assert chosen.images == tuple(range(100, 100 + many))
    assert chosen.words == words
    assert chosen.expected


def test_a_report_without_differences_leaves_one_image_to_look_at() -> None:
    chosen = suspects.of_report(Path("r.json"), report_with(0, 0), None)
    assert chosen.images == (0,)
    assert chosen.words == "image 0: of the 1,000 images in r.json none differs"
    assert not chosen.expected


def test_the_newest_report_of_this_target_model_and_data(tmp_path: Path) -> None:
    ours = report_with(2, 2)
    assert ours.dataset and ours.model and ours.target
    reports = {
        "qemu_cortex_m4/1": ours,
        "qemu_cortex_m4/2": replace(ours, reason="the one that is wanted"),
        "qemu_cortex_m4/3": fell_silent(),
        "qemu_cortex_m4/4": replace(ours, model=replace(ours.model, sha256="00" * 32)),
        "qemu_cortex_m4/5": replace(ours, dataset=replace(ours.dataset, sha256="00" * 32)),
        "qemu_cortex_m3/6": replace(ours, target=replace(ours.target, name="qemu_cortex_m3")),
    }
    for place, report in reports.items():
        file.write(report, tmp_path / place / "report.json")
    (tmp_path / "qemu_cortex_m4" / "7").mkdir()
    (tmp_path / "qemu_cortex_m4" / "7" / "report.json").write_text("[")
    kept = Store(tmp_path)
    found = suspects.latest_report(kept, "qemu_cortex_m4", ours.model.sha256, ours.dataset.sha256)
    assert found is not None
    assert found[1].reason == "the one that is wanted"
    assert suspects.latest_report(kept, "tflm_host", ours.model.sha256, ours.dataset.sha256) is None


def test_a_report_of_a_run_that_measured_nothing_is_refused(tmp_path: Path) -> None:
    path = file.write(fell_silent(), tmp_path / "report.json")
    with pytest.raises(InputError, match="nothing was measured"):
        suspects.read_report(path, "ab" * 32, "cd" * 32)


def test_images_by_name() -> None:
    assert suspects.named((5, 3, 5), 10).images == (5, 3)
    for image in (-1, 10):
        with pytest.raises(InputError, match="not within 0:10"):
            suspects.named((0, image), 10)


# -- the words ------------------------------------------------------------------------------------------------

FOUND = Divergence(12, 1, "SOFTMAX", 0, "t", "int8", (1, 10), 10, 1, 1, (Element(3, (0, 3), -7, -8),))


def trace_of(**changed: Any) -> Trace:
    arguments: dict[str, Any] = {
        "model": "m.tflite",
        "model_sha256": "ab" * 32,
        "target": Target("qemu_cortex_m4", "aot", "dsp", "cortex-m4", "00" * 8, True, None),
        "own_reference": False,
        "unit": "instructions",
        "images": (12, 13),
        "looked_at": "2 of the 39 images that differ in r.json, the worst",
        "report": "r.json",
        "expected": True,
        "rebuilt": False,
        "ops": (
            OpRow(0, "UNIDIRECTIONAL_SEQUENCE_LSTM", 1_234_567, 123_456_789.5, 0.999, 0),
            OpRow(1, "SOFTMAX", 10, 1_000.0, 0.001, 1),
        ),
        "ticks": 123_457_789.5,
        "divergences": (FOUND,),
        "diagnoses": (Diagnosis(1, 0, (12,), "rounding", "by one: a rounding", ()),),
    }
    return Trace(**arguments | changed)


def test_the_words_of_a_trace_that_diverged() -> None:
    text = text_of(trace_of())
    assert "image 12 diverges first at operator 1 (SOFTMAX)" in text
    assert "int8 [1, 10]: 1 of 10 values differ, by 1 at most" in text
    assert "\n  channel  board  reference\n        3     -7         -8\n" in text
    assert (
        "\noperator 1 (SOFTMAX): by one: a rounding\n  largest difference: 1 at channel 3 of image 12\n"
        in text
    )
    assert "123,456,790" in text and "99.9%" in text and "123,457,790" in text
    assert "they are no time" in text
    assert text.endswith("1 of 2 diverge, first at operator 1 (SOFTMAX)\n")
    both = tuple(replace(op, differs_in=1) for op in trace_of().ops)
    text = text_of(trace_of(ops=both, divergences=(replace(FOUND, op=0),)))
    assert text.endswith("(SOFTMAX); what differs behind it may follow from it\n")


def test_the_largest_difference_of_all_images_is_named_by_row_column_and_channel() -> None:
    far = Element(77, (0, 1, 2, 3), 50, -50)
    found = replace(FOUND, image=13, shape=(1, 4, 5, 6), max_abs_diff=100, elements=(far,))
    text = text_of(trace_of(divergences=(FOUND, found)))
    assert "  row  column  channel  board  reference\n    1       2        3     50        -50" in text
    assert "largest difference: 100 at row 1, column 2, channel 3 of image 13" in text
    endless = replace(found, max_abs_diff="inf")
    assert "largest difference: inf at row 1" in text_of(trace_of(divergences=(FOUND, endless)))


def test_tables_fit_sixty_columns_whatever_the_names() -> None:
    table = text_of(trace_of()).split("\n\n")[0].splitlines()[:-1]
    assert max(map(len, table)) <= 60
    assert not any(line != line.rstrip() for line in table)


@pytest.mark.parametrize(
    ("changed", "last"),
    [
        ({"expected": False}, "every operator's output is TensorFlow Lite Micro's in these 2 images"),
        ({"rebuilt": True}, "the report is of another firmware: run again before you trust either"),
        ({}, "yet the report has them differ: run again, and report it if they differ again"),
    ],
)
def test_the_words_of_a_trace_that_did_not_diverge(changed: dict[str, Any], last: str) -> None:
    text = text_of(trace_of(divergences=(), **changed))
    assert text.splitlines()[-1] == last
    assert "looked at 2 of the 39 images that differ in r.json, the worst" in text
    assert "every operator's output is TensorFlow Lite Micro's in these 2 images" in text


def test_more_images_than_are_shown_are_counted() -> None:
    found = tuple(replace(FOUND, image=image) for image in range(5))
    text = text_of(trace_of(divergences=found, images=tuple(range(5))))
    assert "and 2 images more (--json has them)" in text


def test_a_terminal_obeys_no_name() -> None:
    assert printable("a\x1b]0;title\x07b\u202e") == "a?]0;title?b?"
    rows = (replace(trace_of().ops[0], name="\x1b[2J"),)
    found = (replace(FOUND, op=0, name="\x1b[2J"),)
    meant = (replace(trace_of().diagnoses[0], op=0),)
    assert "\x1b" not in text_of(trace_of(ops=rows, divergences=found, diagnoses=meant))


def test_the_record_is_json_without_numbers_that_json_lacks() -> None:
    record = json.loads(trace_of().to_json())
    assert next(iter(record)) == "schema"
    assert record["schema"] == "boardproof.trace/1"
    assert record["divergences"][0]["elements"] == [{"at": 3, "index": [0, 3], "board": -7, "reference": -8}]
