"""`import boardproof`: a run, a trace and a profile without a command line."""

import subprocess
import sys
from pathlib import Path

import pytest

import boardproof
from boardproof import BoardOptions, BoardproofError, ImageOptions, ProfileOptions, RunOptions, TraceOptions
from support.host_c import ROOT

MODEL = ROOT / "models" / "fashion_mnist_int8.tflite"


def test_a_run_and_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    board = BoardOptions(target="tflm_host", model=MODEL)
    finished = boardproof.run(RunOptions(board, ImageOptions(limit=5), out=tmp_path / "out"))
    assert (finished.report.outcome, finished.folder) == ("proven", tmp_path / "out")
    trace = boardproof.trace(TraceOptions(board, images=(3,)))
    assert (trace.images, trace.divergences) == ((3,), ())
    found = boardproof.profile(ProfileOptions(board, limit=2)).profile
    assert (found.images, [op.macs for op in found.ops]) == ((0, 1), [0, 784 * 128, 1280])


def test_an_error_is_an_exception(tmp_path: Path) -> None:
    with pytest.raises(BoardproofError, match="no line rate"):
        boardproof.run(RunOptions(BoardOptions(target="tflm_host", link=boardproof.LinkOptions(throttle=0))))


def test_it_is_the_command_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "boardproof", "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert done.stdout.startswith("boardproof ")
