"""`--fault` and `--throttle` on the command line, over a board that is a process of its own."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from boardproof_export.shared.errors import InputError
from boardproof_host.link.disturbance.cable import Cable, cable_for
from boardproof_host.link.disturbance.faults import FaultyTransport
from boardproof_host.link.disturbance.rate import ThrottledTransport
from support.board_library import MemoryBoard, VirtualClock
from support.conversation import Bench


def arguments(**changed: object) -> argparse.Namespace:
    return argparse.Namespace(**{"fault": [], "fault_seed": None, "seed": None, "throttle": None} | changed)


def run(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "boardproof_host",
        "run",
        "--target",
        "tflm_host",
        "--out",
        str(out),
        "--json",
    ]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=120)


def test_a_run_over_a_bad_cable_is_exact_and_says_what_was_done(tmp_path: Path) -> None:
    options = [
        "--limit",
        "150",
        "--fault",
        "flip:0.0005",
        "--fault",
        "disconnect@up:1500",
        "--fault-seed",
        "3",
    ]
    done = run(tmp_path, *options)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["verdict"], record["complete"], record["images"]) == ("exact", True, 150)
    assert record["link"]["faults"]["disconnect"] == 1
    assert record["link"]["faults"]["flip"] > 5
    assert record["link"]["retransmits"] > 0
    assert "--fault flip:0.0005 --fault disconnect@up:1500 --fault-seed 3" in done.stderr


def test_a_throttle_sets_the_rate_that_the_report_counts_by(tmp_path: Path) -> None:
    done = run(tmp_path, "--limit", "60", "--throttle", "230400", "--plain")
    assert done.returncode == 0, done.stderr
    link = json.loads(done.stdout)["link"]
    assert link["baud"] == 230400
    assert 0.5 < link["payload_rate_fraction"] < link["line_rate_fraction"] <= 1
    assert link["faults"] is None


def test_what_is_no_fault_is_refused_before_a_board_is_started(tmp_path: Path) -> None:
    done = run(tmp_path, "--fault", "crash:0.1")
    assert done.returncode == 2
    assert "crash" in done.stderr
    assert "disconnect" in done.stderr


def test_faults_lie_between_the_session_and_the_line(small: Bench) -> None:
    cable = cable_for(arguments(throttle=9600, fault=["drop:0.1"]), 0)
    transport = cable.over(MemoryBoard(small.library, VirtualClock()))
    assert isinstance(transport, FaultyTransport)
    assert isinstance(transport._inner, ThrottledTransport)
    pipe = MemoryBoard(small.library, VirtualClock())
    assert Cable().over(pipe) is pipe
    assert Cable().story() is None


def test_boards_have_seeds_of_their_own() -> None:
    def seeds(**changed: object) -> list[int]:
        cables = [cable_for(arguments(fault=["drop:0.1"], **changed), board) for board in range(2)]
        return [cable.plan.seed for cable in cables if cable.plan is not None]

    assert seeds() == [0, 1]
    assert seeds(seed=7) == [7, 8]
    assert seeds(seed=7, fault_seed=3) == [3, 4]


def test_a_rate_that_is_none_is_refused(small: Bench) -> None:
    with pytest.raises(InputError):
        cable_for(arguments(throttle=-1), 0).over(MemoryBoard(small.library, VirtualClock()))
