"""A board that computes something else is found out: the verdict can be bad, and `trace` names the layer."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import TARGET, Checkout
from support.native_board import TIES_UPWARD

pytestmark = pytest.mark.e2e
REQUANTIZE = Path("firmware/src/engine/aot/arithmetic/requantize.c")


@pytest.fixture(scope="module")
def broken(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout whose requantization rounds ties upward: LiteRT's mistake, off by one now and then."""
    root = tmp_path_factory.mktemp("broken") / "checkout"
    shutil.copytree(checkout.root, root, ignore=shutil.ignore_patterns(".pio", ".boardproof"))
    source = (root / REQUANTIZE).read_text(encoding="utf-8")
    exact, upward = TIES_UPWARD[REQUANTIZE.name]
    assert source.count(exact) == 1
    (root / REQUANTIZE).write_text(source.replace(exact, upward), encoding="utf-8")
    made = Checkout(root)
    done = made.boardproof("build", "--target", TARGET)
    assert done.code == 0, done.err
    return made


@pytest.fixture(scope="module")
def verdict(broken: Checkout, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("report")
    done = broken.boardproof("run", "--target", TARGET, "--limit", "800", "--out", str(folder))
    assert done.code == 1, done.err
    assert "next: " in done.err and "boardproof trace --target" in done.err
    return broken.report(folder)


def test_the_verdict_is_not_exact(verdict: dict[str, object]) -> None:
    assert verdict["outcome"] in ("missed", "diverged") and verdict["exit_code"] == 1
    measured: Any = verdict["measured"]
    assert measured["verdict"] in ("equivalent", "diverged")
    parity = measured["parity"]
    assert 0 < parity["tflm"]["mismatched_values"] < 100
    assert parity["tflm"]["max_abs_diff"] == 1
    assert measured["mismatches"]


def test_trace_names_the_operator(broken: Checkout, verdict: dict[str, object]) -> None:
    measured: Any = verdict["measured"]
    mismatches = measured["mismatches"]
    image = str(mismatches[0]["image"])
    done = broken.boardproof("trace", "--target", TARGET, "--image", image)
    assert done.code == 1, done.err
    assert f"image {image} diverges first at operator" in done.out
    assert "FULLY_CONNECTED" in done.out


def test_trace_of_the_sound_board(checkout: Checkout) -> None:
    done = checkout.boardproof("trace", "--target", TARGET, "--image", "0", "--image", "5511")
    assert done.code == 0, done.out + done.err
    assert "every operator's output is TensorFlow Lite Micro's" in done.out
