"""A board that computes something else is found out: the verdict can be bad, and `trace` names the layer."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from e2e.conftest import TARGET, Checkout
from support.native_board import TIES_UPWARD
from support.small_cnn import STRIDED, images, small_cnn

pytestmark = pytest.mark.e2e
ARITHMETIC = Path("firmware/src/engine/aot/arithmetic")
MISTAKES = {
    **TIES_UPWARD,
    # The padding of windows that move by two over 16 rows and columns.
    "window.h": ("- axis->padding", "- axis->padding - (axis->input == 16 && axis->stride == 2)"),
}


@pytest.fixture(scope="module")
def broken(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout whose requantization rounds ties upward: LiteRT's mistake, off by one now and then.

    Some windows begin a row and a column too early, too."""
    root = tmp_path_factory.mktemp("broken") / "checkout"
    shutil.copytree(checkout.root, root, ignore=shutil.ignore_patterns(".pio", ".boardproof"))
    for name, (right, wrong) in MISTAKES.items():
        source = (root / ARITHMETIC / name).read_text(encoding="utf-8")
        assert source.count(right) == 1
        (root / ARITHMETIC / name).write_text(source.replace(right, wrong), encoding="utf-8")
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
    assert "(FULLY_CONNECTED): by one, " in done.out  # a rounding


def test_trace_of_a_convolution_whose_windows_begin_too_early(broken: Checkout) -> None:
    model, data = broken.root / "cnn.tflite", broken.root / "data.npy"
    model.write_bytes(small_cnn())
    np.save(data, images(3))
    arguments = ("--target", TARGET, "--model", str(model), "--data", str(data), "--json")
    done = broken.boardproof("trace", *arguments, *("--image", "0", "--image", "2"))
    assert done.code == 1, done.err
    record = json.loads(done.out)
    (meant,) = record["diagnoses"]
    assert (meant["op"], meant["images"], meant["kind"]) == (STRIDED, [0, 2], "padding")
    assert "a padding of 1 row and 1 column before the image gives, in place of 0 rows" in meant["words"]
    assert record["unit"] == "instructions"


def test_trace_of_the_sound_board(checkout: Checkout) -> None:
    done = checkout.boardproof("trace", "--target", TARGET, "--image", "0", "--image", "5511")
    assert done.code == 0, done.out + done.err
    assert "every operator's output is TensorFlow Lite Micro's" in done.out
