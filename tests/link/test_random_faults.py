"""Random faults, one in 1,000 bytes: 1,000 inputs come back complete and exact."""

import pytest

from boardproof_host.link.disturbance.faults import Kind
from support.board_library import BoardOptions
from support.conversation import Bench, Circumstances, Outcome, replay

LASTING = [kind for kind in Kind if kind is not Kind.DISCONNECT]
RATE = 1e-3
MIXED = [f"{kind}:{RATE / len(LASTING):g}" for kind in LASTING]  # together one in 1,000
DAY = 86400.0
UNDISTURBED = Circumstances(limit=DAY)
BUSY = Circumstances(options=BoardOptions(receive_bytes=1024, inference=1e-3), baud=921600, limit=DAY)


def check(bench: Bench, faults: list[str], seed: int, under: Circumstances) -> Outcome:
    outcome = bench.converse(faults, seed=seed, under=under)
    assert outcome.refused is None, f"{replay(faults, seed)}: {outcome.refused}"
    assert len(outcome.injected) > 10, "the faults did not happen"
    return outcome


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", LASTING)
def test_one_kind_on_short_frames(thousand_small: Bench, kind: Kind, seed: int) -> None:
    check(thousand_small, [f"{kind}:{RATE}"], seed, UNDISTURBED)


@pytest.mark.parametrize("kind", LASTING)
def test_one_kind_on_images(thousand_images: Bench, kind: Kind) -> None:
    """Every other frame of 800 bytes is hit."""
    check(thousand_images, [f"{kind}:{RATE}"], 1, UNDISTURBED)


@pytest.mark.parametrize("seed", range(2))
def test_all_kinds_mixed(thousand_images: Bench, thousand_small: Bench, seed: int) -> None:
    check(thousand_small, MIXED, seed, UNDISTURBED)
    check(thousand_images, MIXED, seed, UNDISTURBED)


def test_all_kinds_mixed_on_a_busy_line(thousand_images: Bench) -> None:
    check(thousand_images, MIXED, 3, BUSY)


def test_a_port_that_vanishes_now_and_then(thousand_images: Bench) -> None:
    outcome = check(thousand_images, ["disconnect:0.00003", "flip:0.0003"], 1, UNDISTURBED)
    assert outcome.counters.reopened > 3


def test_a_hopeless_line_is_refused(images: Bench) -> None:
    """One byte in 20 is damaged: no frame of 400 bytes or more arrives."""
    outcome = images.converse(["flip:0.05"], under=UNDISTURBED)
    assert outcome.refused is not None
    assert outcome.seconds < 600


def test_a_seed_replays_a_run_and_its_faults_alone_do_too(small: Bench) -> None:
    first = small.converse([f"{kind}:0.01" for kind in LASTING], seed=5)
    again = small.converse([f"{kind}:0.01" for kind in LASTING], seed=5)
    named = small.converse(first.injected, seed=5)
    other = small.converse([f"{kind}:0.01" for kind in LASTING], seed=6)
    assert first.injected == again.injected
    assert sorted(map(str, named.injected)) == sorted(map(str, first.injected))
    assert (
        (named.seconds, named.counters) == (first.seconds, first.counters) == (again.seconds, again.counters)
    )
    assert other.injected != first.injected
