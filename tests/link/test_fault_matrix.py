"""One fault at a byte of a 20-image conversation, for each kind and direction: a sample, in virtual time.

`make faults` does every byte. The sample's bytes are in the test's id; a failure names the fault that replays it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardproof_host.link.disturbance.faults import FaultSpec, Kind
from model_builder import random_model
from support.board_library import SMALL_DEPTHS, BoardOptions, build_board
from support.conversation import Bench, Circumstances, replay

MATRIX = Path(__file__).with_name("matrix.py")
BUSY = Circumstances(options=BoardOptions(receive_bytes=1024, inference=2e-3), baud=921600)
STRIDE = 7  # prime to the lengths of the frames, so that every byte of a frame has its turn
PHASES = 3  # 0 to STRIDE - 1 would be every byte


def faults(bench: Bench, kind: Kind, phase: int, under: Circumstances, stride: int) -> Iterator[FaultSpec]:
    seen = bench.converse(under=under).bytes_seen
    for offset in range(phase, seen["down"], stride):
        yield FaultSpec(kind, direction="down", offset=offset)
    for offset in range(phase, seen["up"], stride):
        yield FaultSpec(kind, direction="up", offset=offset)


def check(bench: Bench, fault: FaultSpec, under: Circumstances) -> None:
    try:
        outcome = bench.converse([fault], under=under)
    except AssertionError as error:
        raise AssertionError(f"{replay([fault], 0)}: {error}") from error
    assert outcome.injected == (fault,), replay([fault], 0)
    if fault.kind is not Kind.DISCONNECT:
        # One fault of any other kind is always survived.
        assert outcome.refused is None, f"{replay([fault], 0)}: {outcome.refused}"
    assert outcome.seconds < 30, replay([fault], 0)


@pytest.mark.parametrize("phase", range(PHASES))
@pytest.mark.parametrize("kind", Kind)
def test_a_fault_ends_right_or_refused(small: Bench, kind: Kind, phase: int) -> None:
    for fault in faults(small, kind, phase, Circumstances(), STRIDE):
        check(small, fault, Circumstances())


@pytest.mark.parametrize("kind", Kind)
def test_a_fault_while_the_board_is_busy(small: Bench, kind: Kind) -> None:
    for fault in faults(small, kind, 2, BUSY, 2 * STRIDE + 1):
        check(small, fault, BUSY)


@pytest.mark.parametrize("kind", Kind)
def test_a_fault_among_images(images: Bench, kind: Kind) -> None:
    for fault in faults(images, kind, 5, BUSY, 331):
        check(images, fault, BUSY)


def test_a_port_that_vanishes_and_comes_back_loses_nothing_in_the_stream(small: Bench) -> None:
    fault = FaultSpec(Kind.DISCONNECT, direction="up", offset=400)
    outcome = small.converse([fault])
    assert outcome.refused is None
    assert outcome.counters.reopened == 1


def test_a_port_that_stays_away_is_refused(small: Bench) -> None:
    for way, seen in small.converse().bytes_seen.items():
        for offset in range(0, seen, 29):
            outcome = small.converse([f"disconnect@{way}:{offset}"], under=Circumstances(reopens=False))
            assert outcome.refused is not None
            assert "is gone" in outcome.refused


def test_the_whole_matrix_reports_what_it_found() -> None:
    """The script behind `make faults`, on few bytes."""
    done = subprocess.run(
        [sys.executable, str(MATRIX), "--model", "small", "--stride", "401"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 wrong, 0 hangs" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="preloads the sanitizers' library as Linux does")
def test_the_board_has_no_memory_fault_under_faults(tmp_path: Path) -> None:
    """The same conversations with the firmware under AddressSanitizer and UndefinedBehaviorSanitizer."""
    library = build_board(tmp_path, random_model(1, depths=SMALL_DEPTHS), sanitize=True)
    names = ("libasan.so", "libubsan.so")
    paths = [
        subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout
        for name in names
    ]
    environment = os.environ | {
        "LD_PRELOAD": ":".join(path.strip() for path in paths),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python's own
        "UBSAN_OPTIONS": "halt_on_error=1",
    }
    done = subprocess.run(
        [sys.executable, str(MATRIX), "--library", str(library), "--model", "small", "--stride", "83"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
