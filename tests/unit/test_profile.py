"""What operators cost, from what a board counted with its hook and without; and how that is said. Without a board."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boardproof_export.shared.manifest import OpInfo
from boardproof_host.commands.profile import text_of
from boardproof_host.record.profile import profile
from boardproof_host.record.schema import Profile, Target
from boardproof_host.runs.profile_record import ProfileRecord

OPS = (
    OpInfo("RESHAPE", None, 0, 8),
    OpInfo("CONV_2D", "aot_convolution_2d", 400, 1000),
    OpInfo("SOFTMAX", "s", 0, 0),
)


def of(sections: list[list[Any]], inferences: list[int], unit: Any = "instructions") -> Profile:
    return profile(OPS, sections, inferences, range(len(sections)), unit)


def test_what_the_hook_costs_is_taken_off_each_operator() -> None:
    """22 a call, 5 to leave the engine: as on the Cortex-M4."""
    found = of([[27, 1022, 122]], [1110])
    assert found.hooked == 1171
    assert found.hook == 21  # (1171 - 1110) / 3, rounded up
    assert [op.count for op in found.ops] == [6, 1001, 101]
    assert found.rest == 2
    assert [op.per_mac for op in found.ops] == [None, 1001 / 400, None]
    assert found.ops[1].share == 1001 / 1110


@given(
    st.lists(st.tuples(*[st.integers(0, 1 << 32)] * 4), min_size=1, max_size=5),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_the_sum_is_the_inference(rows: list[tuple[int, int, int, int]], seen: list[bool]) -> None:
    """Whatever a board counts: interrupts, operators that the hook does not see."""
    sections = [[count if sees else None for count, sees in zip(row[:3], seen, strict=True)] for row in rows]
    inferences = [row[3] for row in rows]
    found = of(sections, inferences)
    assert found.rest is not None and found.inference == pytest.approx(sum(inferences) / len(rows))
    counts = [op.count for op in found.ops]
    assert [count is not None for count in counts] == seen
    assert sum(count or 0 for count in counts) + found.rest == pytest.approx(found.inference, abs=0.01)
    assert all(count >= 0 for count in counts if count is not None)
    if len(rows) == 1:
        assert sum(count or 0 for count in counts) + found.rest == inferences[0]  # to the last instruction


def test_ticks_that_are_no_cost_are_not_shown() -> None:
    found = of([[1, 2, 3]], [6], None)
    assert found.inference is None and found.rest is None
    assert [(op.count, op.share, op.per_mac) for op in found.ops] == [(None, None, None)] * 3
    assert [op.macs for op in found.ops] == [0, 400, 0]
    text = text_of(record_of(found))
    assert "--target qemu_cortex_m4 counts instructions" in text
    assert "share" not in text and "400" in text


def record_of(found: Profile) -> ProfileRecord:
    target = Target("qemu_cortex_m4", "aot", "dsp", "cortex-m4", "00" * 8, True, None)
    return ProfileRecord("m.tflite", "ab" * 32, target, "random inputs", found)


@pytest.mark.parametrize("width", [60, 80])
def test_the_table(width: int) -> None:
    lines = text_of(record_of(of([[27, 10_022_222, 122]], [10_022_310])), width).splitlines()
    assert max(map(len, lines)) <= width
    header = next(line for line in lines if line.startswith("#"))
    assert ("weights" in header) == (width == 80)
    rows = {line.split()[1]: line.split() for line in lines if line[:1].isdigit()}
    assert rows["CONV_2D"][2:6] == ["10,022,201", "100.0%", "400", "25055.50"]
    total = next(line.split() for line in lines if line.strip().startswith("inference"))
    assert total[1:3] == ["10,022,310", "100.0%"]
    assert "the hook costs 61: 10,022,371 with it;" in lines
    assert lines[-1] == "instructions are an emulator's count; they are no time"


def test_the_record() -> None:
    record = json.loads(record_of(of([[27, 1022, 122]], [1110])).to_json())
    assert record["schema"] == "boardproof.profile/1"
    assert record["profile"]["ops"][1] == {
        "index": 1,
        "name": "CONV_2D",
        "kernel": "aot_convolution_2d",
        "macs": 400,
        "constant_bytes": 1000,
        "count": 1001,
        "share": 1001 / 1110,
        "per_mac": 1001 / 400,
    }
