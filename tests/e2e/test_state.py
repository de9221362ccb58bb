"""Networks with state, from the command line: put back before each input, or kept through a sequence."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import TARGET, Checkout
from model_builder import random_model
from support.linked_checkout import boardproof, linked_checkout
from support.state_models import lstm_model, streaming_model, svdf_model

pytestmark = pytest.mark.e2e
IMAGES = 30


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = linked_checkout(tmp_path_factory.mktemp("checkout"))
    models = {
        "svdf": svdf_model(),
        "lstm": lstm_model(steps=1),
        "stream": streaming_model(start="random"),
        "dense": random_model(1),
    }
    for name, model in models.items():
        (root / f"{name}.tflite").write_bytes(model)
    return root


def run(project: Path, target: str, model: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    chosen = ["--target", target, "--model", str(project / f"{model}.tflite")]
    return boardproof(project, "run", *chosen, "--data", f"random:{IMAGES}", "--json", *arguments)


def proven(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert (record["outcome"], record["measured"]["verdict"]) == ("proven", "exact")
    assert record["measured"]["link"]["confirmed"] == IMAGES
    return record


@pytest.mark.parametrize("model", ["svdf", "lstm", "stream"])
def test_on_this_machine(project: Path, model: str) -> None:
    assert not proven(run(project, "aot_host", model))["selection"]["stateful"]
    record = proven(
        run(project, "aot_host", model, "--stateful", "--fault", "flip:0.002", "--fault-seed", "3")
    )
    assert record["selection"]["stateful"]


def test_on_an_emulated_board(project: Path, checkout: Checkout, tmp_path: Path) -> None:
    for arguments in ((), ("--stateful",)):
        where = ("--target", TARGET, "--model", str(project / "stream.tflite"), "--out", str(tmp_path))
        done = checkout.boardproof("run", *where, "--data", f"random:{IMAGES}", "--json", *arguments)
        assert done.code == 0, done.err
        record = json.loads(done.out)
        assert (record["measured"]["verdict"], record["measured"]["images"]) == ("exact", IMAGES)
        assert record["target"]["engine"] == "aot"


def test_with_the_interpreter_as_a_board(project: Path) -> None:
    assert proven(run(project, "tflm_host", "svdf", "--stateful"))["measured"]["reference"]["own_oracle"]


@pytest.mark.parametrize(
    ("model", "arguments", "says"),
    [
        ("dense", (), "keeps no state from one input to the next"),
        ("svdf", ("--boards", "2"), "a sequence is one board's, and 2 boards would share this one"),
    ],
)
def test_what_is_no_sequence_is_refused(
    project: Path, model: str, arguments: tuple[str, ...], says: str
) -> None:
    done = run(project, "aot_host", model, "--stateful", *arguments)
    assert done.returncode == 2 and says in done.stderr and "run without --stateful" in done.stderr
