"""`boardproof inspect --memory`: the plan as a record, and the picture of it: what is drawn is what was planned."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from boardproof_export.commands import inspect, memory
from boardproof_export.commands.memory import LETTERS, lines, plans_of
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.memory import MemoryPlan, PlacedBuffer
from boardproof_export.shared.model import parse_graph
from boardproof_export.tflm.arena import arena_bytes
from model_builder import ModelBuilder, random_model, schema
from support.host_c import ROOT
from support.state_models import svdf_model

REFERENCE = ROOT / "models" / "fashion_mnist_int8.tflite"
BAND = re.compile(r"^ *([\d,]+) \|(.*)$")


def chain(operators: int) -> bytes:
    return random_model(7, depths=tuple(40 + 8 * (at % 5) for at in range(operators + 1)))


@cache
def plans(content: bytes) -> tuple[MemoryPlan, ...]:
    return plans_of(parse_graph(content, Path("model.tflite")), Path("model.tflite"))


def bands(plan: MemoryPlan, columns: int) -> list[tuple[int, int, str]]:
    """The picture's rows from the lowest: first address, first one behind it, cells."""
    found = [match for line in lines([plan], plan.core, columns) if (match := BAND.match(line))]
    lows = [int(match.group(1).replace(",", "")) for match in found[::-1]]
    return list(zip(lows, [*lows[1:], plan.bytes], [match.group(2) for match in found[::-1]], strict=True))


def live(buffer: PlacedBuffer, first: int, last: int) -> bool:
    return buffer.first <= last and first <= buffer.last


@pytest.mark.parametrize("operators", [1, 3, 12, 40, 150])
@pytest.mark.parametrize("columns", [60, 80])
def test_the_picture_is_the_plan(operators: int, columns: int) -> None:
    """Every cell names the buffer that takes most of its band then; a free one is free in the plan."""
    for plan in plans(chain(operators)):
        moments = operators + 2
        rows = bands(plan, columns)
        (width,) = {len(cells) for _, _, cells in rows}
        room = columns - 2 - len("operator")
        together = -(-moments // room)
        wide = width // -(-moments // together)
        assert width == wide * -(-moments // together) <= room
        seen = set()
        for low, high, cells in rows:
            for column in range(0, width, wide):
                (letter,) = set(cells[column : column + wide])
                first = column // wide * together - 1
                there = {
                    number: min(high, one.offset + one.bytes) - max(low, one.offset)
                    for number, one in enumerate(plan.buffers)
                    if live(one, first, min(first + together - 1, operators))
                }
                most = max([0, *there.values()])
                names = {LETTERS[at % len(LETTERS)] for at, taken in there.items() if taken == most > 0}
                assert letter in (names or {memory.FREE})
                seen.add(letter)
        large = {at for at, one in enumerate(plan.buffers) if one.bytes >= plan.bytes // 4}
        assert {LETTERS[at % len(LETTERS)] for at in large} <= seen
        assert all(len(line) <= columns for line in lines([plan], plan.core, columns))


def test_the_plan_holds_all_tensors_and_no_two_at_one_place() -> None:
    for plan in plans(REFERENCE.read_bytes()):
        assert sorted(tensor for one in plan.buffers for tensor in one.tensors) == [0, 6, 7, 8]
        assert [one.kind for one in plan.buffers if one.kind != "scratch"] == ["input", "between", "output"]
        assert (plan.buffers[0].first, plan.buffers[0].last) == (-1, 1)  # RESHAPE renames it
        for one in plan.buffers:
            assert one.offset + one.bytes <= plan.bytes
            for other in plan.buffers:
                if other is not one and live(one, other.first, other.last):
                    assert one.offset + one.bytes <= other.offset or other.offset + other.bytes <= one.offset


def test_a_state_is_kept_all_the_time() -> None:
    for plan in plans(svdf_model()):
        (state,) = [one for one in plan.buffers if one.kind == "state"]
        assert (state.first, state.last, state.tensors) == (-1, plan.ops, ())
        letter = LETTERS[plan.buffers.index(state)]
        assert any(set(cells) == {letter} for _, _, cells in bands(plan, 80))


def test_beside_it_stands_what_tensorflow_lite_micro_takes() -> None:
    graph = parse_graph(REFERENCE.read_bytes(), REFERENCE)
    drawn = plans_of(graph, REFERENCE)
    tflm = drawn[0].tflm
    assert tflm is not None and tflm.bytes == arena_bytes(graph, REFERENCE)
    text = list(lines(drawn, "dsp", 80))
    bars = {line[2:18].strip(): line for line in text[1:5]}
    assert set(bars) == {"aot, portable", "aot, dsp", "aot, avr", "TFLM"}
    ours, theirs = bars["aot, dsp"], bars["TFLM"]
    assert f"{drawn[1].bytes:,}" in ours and f"{tflm.bytes:,}" in theirs
    assert ours.count("#") == round(24 * drawn[1].bytes / tflm.bytes)
    assert theirs.count("#") + theirs.count("=") == 24
    unknown = [replace(plan, tflm=None) for plan in drawn]
    assert "TensorFlow Lite Micro cannot prepare this model" in "\n".join(lines(unknown, "avr", 80))


def test_of_many_buffers_the_largest_are_listed() -> None:
    plan = plans(chain(150))[0]
    text = list(lines([plan], plan.core, 80))
    assert text[-1] == f"and {len(plan.buffers) - memory.LISTED} smaller ones (--json has them)"
    listed = [line for line in text if re.match(r"^\w  (input|output|between|scratch)", line)]
    assert len(listed) == memory.LISTED
    assert max(one.bytes for one in plan.buffers) in [int(row.split()[2].replace(",", "")) for row in listed]


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert inspect.run(model=REFERENCE, as_json=False, memory="dsp") == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 60 and text.isascii() and "\x1b" not in text
    assert inspect.run(model=REFERENCE, as_json=True, memory="dsp") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["schema"] == "boardproof.inspect/1"
    assert [plan["core"] for plan in record["memory"]] == ["portable", "dsp", "avr"]
    assert inspect.run(model=REFERENCE, as_json=True) == 0
    assert "memory" not in json.loads(capsys.readouterr().out)


def test_a_network_that_aot_cannot_run_has_no_plan(tmp_path: Path) -> None:
    builder = ModelBuilder()
    source = builder.tensor((1, 4), 0.5)
    result = builder.tensor((1, 4), 0.5)
    builder.op(schema.BuiltinOperator.CEIL, [source], [result])
    path = tmp_path / "m.tflite"
    path.write_bytes(builder.build([source], [result]))
    with pytest.raises(InputError, match="has no memory plan of the engine aot: operator 0"):
        inspect.run(model=path, as_json=False, memory="dsp")
