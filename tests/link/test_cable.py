"""`--fault` and `--throttle` on the command line, over a board that is a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from boardproof_host.commands.main import build_parser
from boardproof_host.commands.options import run_options
from boardproof_host.link.disturbance.cable import Cable, cable_for, stories
from boardproof_host.link.disturbance.faults import FaultSpec, FaultyTransport, Kind
from boardproof_host.link.disturbance.rate import ThrottledTransport
from support.board_library import MemoryBoard, VirtualClock
from support.conversation import Bench


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
    assert (record["measured"]["verdict"], record["outcome"], record["measured"]["images"]) == (
        "exact",
        "proven",
        150,
    )
    assert record["measured"]["link"]["faults"]["disconnect"] == 1
    assert record["measured"]["link"]["faults"]["flip"] > 5
    assert record["measured"]["link"]["retransmits"] > 0
    assert "--fault flip:0.0005 --fault disconnect@up:1500 --fault-seed 3" in done.stderr


def test_a_throttle_sets_the_rate_that_the_report_counts_by(tmp_path: Path) -> None:
    done = run(tmp_path, "--limit", "60", "--throttle", "230400", "--plain")
    assert done.returncode == 0, done.stderr
    link = json.loads(done.stdout)["measured"]["link"]
    assert link["baud"] == 230400
    assert 0.5 < link["payload_rate_fraction"] < link["line_rate_fraction"] <= 1
    assert link["faults"] is None


def test_what_is_no_fault_is_refused_before_a_board_is_started(tmp_path: Path) -> None:
    done = run(tmp_path, "--fault", "crash:0.1")
    assert done.returncode == 2
    assert "crash" in done.stderr
    assert "disconnect" in done.stderr


def test_faults_lie_between_the_session_and_the_line(small: Bench) -> None:
    cable = cable_for(9600, [FaultSpec.parse("drop:0.1")], 0, 0)
    transport = cable.over(MemoryBoard(small.library, VirtualClock()))
    assert isinstance(transport, FaultyTransport)
    assert isinstance(transport._inner, ThrottledTransport)
    pipe = MemoryBoard(small.library, VirtualClock())
    assert Cable().over(pipe) is pipe
    assert stories([Cable()]) == ()


def test_boards_have_seeds_of_their_own() -> None:
    cables = [cable_for(None, [FaultSpec.parse("drop:0.1")], 7, board) for board in range(2)]
    assert [cable.plan.seed for cable in cables if cable.plan is not None] == [7, 8]


def test_several_boards_have_one_way_to_see_it_again() -> None:
    """Each board's own seed would give a run of one board other faults."""
    cables = [cable_for(None, [FaultSpec.parse("drop:0.1")], 7, board) for board in range(2)]
    assert cables[1].plan is not None
    for byte in range(3):
        cables[1].plan.happen(Kind.DROP, "down", byte)
    assert stories(cables) == (
        "faults injected: board 1: none; board 2: 3 drop; again: --boards 2 --fault drop:0.1 --fault-seed 7",
    )


@pytest.mark.parametrize(
    ("arguments", "seed"),
    [([], 0), (["--seed", "7"], 7), (["--seed", "7", "--fault-seed", "3"], 3), (["--fault-seed", "0"], 0)],
)
def test_the_seed_of_the_faults(arguments: list[str], seed: int) -> None:
    args = build_parser().parse_args(["run", "--target", "x", "--fault", "drop:0.1", *arguments])
    assert run_options(args).board.link.fault_seed == seed


def test_a_rate_that_is_none_is_refused(tmp_path: Path) -> None:
    """Before anything is built or started."""
    done = run(tmp_path / "out", "--throttle", "0")
    assert done.returncode == 2
    assert "--throttle 0" in done.stderr
    assert not (tmp_path / "out").exists()
