"""The process that builds the ladder: what it says arrives; where it dies only a rung is lost. Without TensorFlow."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boardproof_export.ladder.apart import build_apart
from boardproof_export.ladder.data import LadderData
from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_export.shared.sources.arrays import Samples

SOURCE = Samples("two", {"x": np.zeros((2, 28, 28), np.uint8)})
DATA = LadderData(SOURCE, SOURCE, named=True)


def dies_at(pipe: Any, path: Path, data: LadderData, crashed: dict[str, str]) -> None:
    """Two rungs, at one of which the process dies; the file's name says at which, and `all` at both."""
    for rung in ("float32", "int8"):
        if rung in crashed:
            continue
        pipe.send(("rung", rung))
        if path.stem in (rung, "all"):
            os.kill(os.getpid(), signal.SIGSEGV)
    if len(crashed) == 2:
        pipe.send(("InputError", crashed["float32"], "use other layers"))
    pipe.send(("ladder", {"failed": dict(crashed), "images": len(data.test)}, {"a": b"1"}))


def dies_at_once(pipe: Any, *_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def says(pipe: Any, path: Path, *_: Any) -> None:
    pipe.send((path.stem, "what is wrong", "what to do"))


def ladder(name: str, work: Any = dies_at) -> dict[str, Any]:
    return build_apart(Path(f"{name}.keras"), DATA, work)[0]


def test_what_was_built_arrives() -> None:
    assert ladder("none") == {"failed": {}, "images": 2}


@pytest.mark.parametrize("rung", ["float32", "int8"])
def test_a_crash_costs_its_rung(rung: str) -> None:
    assert ladder(rung)["failed"] == {
        rung: f"TensorFlow crashes (SIGSEGV) when it converts the model to {rung}"
    }


def test_where_every_rung_crashes_the_model_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"TensorFlow crashes \(SIGSEGV\) when it converts the model to float32"
    ):
        ladder("all")


def test_a_crash_before_the_first_rung_is_the_model_s() -> None:
    with pytest.raises(InputError, match=r"model.keras: TensorFlow crashes \(SIGKILL\)"):
        ladder("model", dies_at_once)


@pytest.mark.parametrize("kind", [InputError, ToolMissingError])
def test_errors_keep_their_kind_and_their_hint(kind: type[InputError | ToolMissingError]) -> None:
    with pytest.raises(kind, match="what is wrong") as caught:
        ladder(kind.__name__, says)
    assert caught.value.hint == "what to do"


def test_a_fault_of_ours_is_no_refusal() -> None:
    with pytest.raises(RuntimeError, match="what is wrong"):
        ladder("fault", says)
