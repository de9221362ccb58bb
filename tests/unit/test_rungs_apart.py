"""The ladder's rungs beside each other: each is held to all before it, by McNemar's test."""

from typing import Any

from boardproof_export.ladder.rungs import RUNG_NAMES


def test_the_rungs_are_told_apart(converted: Any) -> None:
    """What one has right and the other has not makes the difference of the accuracies."""
    rungs = {rung["name"]: rung for rung in converted.record["rungs"]}
    for number, name in enumerate(RUNG_NAMES):
        low, high = rungs[name]["interval"]
        assert low < rungs[name]["accuracy"] < high < low + 0.02
        assert tuple(rungs[name]["mcnemar"]) == RUNG_NAMES[:number]
        for other, pair in rungs[name]["mcnemar"].items():
            more = round((rungs[name]["accuracy"] - rungs[other]["accuracy"]) * 10_000)
            assert pair["alone"] - pair["other_alone"] == more
            assert 0 < pair["p"] <= 1
