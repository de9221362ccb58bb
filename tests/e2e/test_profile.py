"""`boardproof profile` through the command line: on an emulated board, whose counts are exact, and without any."""

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import TARGET, Checkout
from model_builder import random_model

pytestmark = pytest.mark.e2e


def profile(checkout: Checkout, *arguments: str) -> dict[str, Any]:
    done = checkout.boardproof("profile", *arguments, "--json")
    assert done.code == 0, done.err
    record: dict[str, Any] = json.loads(done.out)
    assert record["schema"] == "boardproof.profile/1"
    return record["profile"]  # type: ignore[no-any-return]


def total(found: dict[str, Any]) -> float:
    return sum(op["count"] for op in found["ops"]) + float(found["rest"])


def test_the_operators_are_the_inference(checkout: Checkout, tmp_path: Path) -> None:
    """To the instruction, and the inference is the one that a run counts."""
    found = profile(checkout, "--target", TARGET, "--image", "3")
    run = checkout.boardproof("run", "--target", TARGET, "--images", "3:4", "--json", "--out", str(tmp_path))
    counted = json.loads(run.out)["measured"]["cost"]["instructions_per_inference"]["mean"]
    assert total(found) == found["inference"] == counted
    assert (found["unit"], found["images"]) == ("instructions", [3])
    reshape, first, second = found["ops"]
    assert (reshape["macs"], reshape["kernel"]) == (0, None)
    assert 0 <= reshape["count"] < 10  # an operator that does nothing costs what entering the engine does
    assert 0 <= found["rest"] < len(found["ops"])
    assert found["hooked"] - found["inference"] == pytest.approx(3 * found["hook"], abs=3)
    assert first["count"] > 10 * second["count"] > 10_000
    assert (first["macs"], first["constant_bytes"]) == (784 * 128, 784 * 128 + 4 * 128)
    assert first["share"] == first["count"] / found["inference"]


def test_a_longer_network_costs_the_hook_the_same_an_operator(checkout: Checkout, tmp_path: Path) -> None:
    path = tmp_path / "chain.tflite"
    path.write_bytes(random_model(5, depths=(24, *[16] * 11, 4)))
    found = profile(checkout, "--target", TARGET, "--model", str(path), "--limit", "2")
    assert len(found["ops"]) == 12 and found["images"] == [0, 1]
    assert total(found) == pytest.approx(found["inference"], abs=1e-6)
    assert 15 <= found["hook"] <= 30 and 0 <= found["rest"] <= 12
    equal = [op["count"] for op in found["ops"][1:11]]  # layers of one shape
    assert max(equal) < 2 * min(equal)


def test_a_process_has_no_counts(checkout: Checkout) -> None:
    found = profile(checkout, "--target", "tflm_host", "--limit", "1")
    assert found["unit"] is found["inference"] is found["rest"] is None
    assert [op["macs"] for op in found["ops"]] == [0, 784 * 128, 1280]
    done = checkout.boardproof("profile", "--target", "aot_host", "--limit", "1", COLUMNS="60")
    assert done.code == 0 and "the ticks of aot_host are this machine's time and no cost" in done.out
    assert max(map(len, done.out.splitlines())) <= 60


def test_images_that_are_not_there(checkout: Checkout) -> None:
    for arguments in (("--image", "10000"), ("--limit", "0")):
        done = checkout.boardproof("profile", "--target", "tflm_host", *arguments)
        assert done.code == 2, done.out
