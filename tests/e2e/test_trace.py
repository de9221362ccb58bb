"""`boardproof trace` through the command line: a sound board, a board with a broken kernel, and what it looked at."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_builder import random_model
from support.host_c import ROOT
from support.linked_checkout import boardproof, linked_checkout
from support.native_board import TIES_UPWARD, build_native, on_terminal

pytestmark = pytest.mark.e2e
MODEL = ROOT / "models" / "fashion_mnist_int8.tflite"
IMAGES = 400


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked_checkout(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of a board whose requantization rounds ties upward."""
    program = build_native(tmp_path_factory.mktemp("broken"), MODEL.read_bytes(), TIES_UPWARD)
    with on_terminal(program) as port:
        yield port


@pytest.fixture(scope="module")
def report(broken: str, project: Path) -> dict[str, Any]:
    """A run on it: the last report of this board and model."""
    done = boardproof(project, "run", "--port", broken, "--limit", str(IMAGES), "--json")
    assert done.returncode == 1, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert record["measured"]["mismatches"]
    return record


def test_it_takes_the_images_that_differ_in_the_last_report(
    broken: str, project: Path, report: dict[str, Any]
) -> None:
    done = boardproof(project, "trace", "--port", broken, "--json")
    assert done.returncode == 1, done.stderr
    record = json.loads(done.stdout)
    assert record["schema"] == "boardproof.trace/1"
    assert record["images"] == [mismatch["image"] for mismatch in report["measured"]["mismatches"]]
    assert record["expected"] and not record["rebuilt"] and not record["own_reference"]
    assert {found["image"] for found in record["divergences"]} == set(record["images"])
    assert all(found["name"] == "FULLY_CONNECTED" for found in record["divergences"])
    last = [found for found in record["divergences"] if found["op"] == len(record["ops"]) - 1]
    assert last
    outputs = {mismatch["image"]: mismatch for mismatch in report["measured"]["mismatches"]}
    for found in last:  # the values are those that the run saw
        assert found["differing"] == len(found["elements"]) > 0
        for element in found["elements"]:
            seen = outputs[found["image"]]
            assert element["board"] == seen["device"][element["at"]]
            assert element["reference"] == seen["oracle"][element["at"]]
    assert record["ops"][0]["differs_in"] == 0  # RESHAPE
    assert record["unit"] is None and record["ticks"] is None  # a process has no clock


def test_it_says_what_it_looked_at_and_no_more(broken: str, project: Path, report: dict[str, Any]) -> None:
    parity = report["measured"]["parity"]["tflm"]
    differ = parity["images"] - parity["exact_images"]
    assert differ > 2
    done = boardproof(project, "trace", "--port", broken, "--worst", "2")
    assert done.returncode == 1, done.stderr
    assert f"looked at 2 of the {differ} images that differ in " in done.stdout
    first = report["measured"]["mismatches"][0]["image"]
    assert f"image {first} diverges first at operator" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("2 of 2 diverge, first at operator ") and "(FULLY_CONNECTED)" in last
    assert max(map(len, done.stdout.splitlines()[: done.stdout.splitlines().index("")])) <= 60


def test_an_image_that_is_right_is_said_to_be_right_alone(
    broken: str, project: Path, report: dict[str, Any]
) -> None:
    done = boardproof(project, "trace", "--port", broken, "--image", "0", "--json")
    record = json.loads(done.stdout)
    assert (record["images"], record["looked_at"], record["report"]) == ([0], "image 0", None)
    assert done.returncode == (1 if record["divergences"] else 0)


def test_a_report_of_another_model_is_refused(
    broken: str, project: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    other = tmp_path / "report.json"
    other.write_text(json.dumps(report | {"model": report["model"] | {"sha256": "ab" * 32}}))
    done = boardproof(project, "trace", "--port", broken, "--report", str(other))
    assert done.returncode == 2
    assert "is of another model" in done.stderr
    own = tmp_path / "own" / "report.json"
    own.parent.mkdir()
    own.write_text(json.dumps(report))
    for named in (own, own.parent):
        done = boardproof(project, "trace", "--port", broken, "--report", str(named), "--worst", "1")
        assert done.returncode == 1, done.stderr


def test_a_sound_board_without_a_report(project: Path) -> None:
    done = boardproof(project, "trace", "--target", "tflm_host")
    assert done.returncode == 0, done.stderr
    assert "looked at image 0: there is no report of tflm_host" in done.stdout
    assert "its own reference: no engine is proven" in done.stdout
    assert "every operator's output is TensorFlow Lite Micro's in this image" in done.stdout


@pytest.mark.parametrize("depth", [20, 1000])
def test_an_input_of_another_size_is_refused_before_the_board_is_asked(
    project: Path, tmp_path: Path, depth: int
) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(random_model(3, depths=(depth, 5)))
    np.save(tmp_path / "data.npy", np.zeros((3, 28, 28), np.uint8))
    data = ("--data", str(tmp_path / "data.npy"))
    done = boardproof(project, "trace", "--target", "tflm_host", "--model", str(path), *data)
    assert done.returncode == 2
    assert f"a sample of data.npy is 28 x 28, the model's input 'input' is 1 x {depth}" in done.stderr
    assert "opening the board" not in done.stderr
    done = boardproof(project, "trace", "--target", "tflm_host", "--model", str(path))
    assert done.returncode == 0, done.stderr  # without data, random inputs that fit


@pytest.mark.parametrize("arguments", [("--image", "10000"), ("--image", "-1"), ("--worst", "0")])
def test_images_that_are_not_there(project: Path, arguments: tuple[str, ...]) -> None:
    assert boardproof(project, "trace", "--target", "tflm_host", *arguments).returncode == 2


def test_help_shows_an_example_and_offers_one_board(project: Path) -> None:
    done = boardproof(project, "trace", "--help")
    assert "boardproof trace --target" in done.stdout
    assert "more boards" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
