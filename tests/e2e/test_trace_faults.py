"""Trace names the operator and the kind of a mistake: one at a time, planted in the layers of a network."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from boardproof_export.shared.model import read_graph
from boardproof_host.boards.processes import virtual_board
from boardproof_host.link.session import Session
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.runs.diagnosis import Diagnosis
from boardproof_host.runs.layers import Divergence, diagnoses, diverge
from boardproof_host.runs.mistakes import explained
from boardproof_host.runs.pair import Pair
from support.linked_checkout import boardproof, linked_checkout
from support.planted import Fault, Workshop
from support.small_cnn import CONVOLUTION, DENSE, DEPTHWISE, POOLED, STRIDED, images, small_cnn

pytestmark = pytest.mark.e2e
IMAGES = images(12)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), small_cnn())


@pytest.fixture(scope="module")
def reference(workshop: Workshop) -> Iterator[Session]:
    with virtual_board(workshop.model) as port:
        transport = SerialTransport(port)
        session = Session(transport)
        session.hello()
        yield session
        transport.close()


def trace(
    workshop: Workshop, reference: Session, fault: Fault | None
) -> tuple[list[Divergence], list[Diagnosis]]:
    with workshop.board(fault) as port:
        transport = SerialTransport(port)
        session = Session(transport)
        session.hello()
        pair = Pair(session, reference, read_graph(workshop.model))
        found = [pair.profile(number, image.tobytes()) for number, image in enumerate(IMAGES)]
        differing = pair.values(found)
        meant = [explained(pair, one, found, differing) for one in diagnoses(pair.graph, differing)]
        transport.close()
    return [diverge(pair.graph, one) for one in differing], meant


# A mistake, its kind as it is to be named, and the channel where it is one's alone.
FAULTS = [
    (Fault(CONVOLUTION, "weight", 5), "weights", 5),
    (Fault(CONVOLUTION, "shift", 3), "scale", 3),
    (Fault(CONVOLUTION, "rounding"), "rounding", None),
    (Fault(CONVOLUTION, "member", member="height.padding=0"), "padding", None),
    (Fault(DEPTHWISE, "weight", 4), "weights", 0),
    (Fault(DEPTHWISE, "shift", 3), "scale", 3),
    (Fault(DEPTHWISE, "rounding"), "rounding", None),
    (Fault(DEPTHWISE, "member", member="input_zero_point=0"), "padding", None),  # what a window meets outside
    (Fault(STRIDED, "weight", 5), "weights", 5),
    (Fault(STRIDED, "shift", 3), "scale", 3),
    (Fault(STRIDED, "rounding"), "rounding", None),
    (Fault(STRIDED, "member", member="width.padding=1"), "padding", None),  # half a place
    (Fault(DENSE, "weight", 5), "weights", 5),
    (Fault(DENSE, "shift", 3), "scale", 3),
    (Fault(DENSE, "rounding"), "rounding", None),
    (Fault(DENSE, "member", member="input_zero_point=-90"), "offset", None),  # it has no padding
    (Fault(POOLED, "rounding"), "rounding", None),  # and this no weights
    (Fault(POOLED, "member", member="height.padding=1"), "padding", None),
]


@pytest.mark.parametrize(("fault", "kind", "channel"), FAULTS, ids=str)
def test_a_fault(
    workshop: Workshop, reference: Session, fault: Fault, kind: str, channel: int | None
) -> None:
    divergences, meant = trace(workshop, reference, fault)
    assert {one.op for one in divergences} == {fault.op}
    assert [(one.op, one.kind) for one in meant] == [(fault.op, kind)]
    assert meant[0].channels == (() if channel is None else (channel,))
    assert meant[0].images == tuple(one.image for one in divergences)


def test_what_a_run_says_to_do_next(workshop: Workshop, tmp_path: Path) -> None:
    """A run on a board with a mistake, then the command that it names: with the same data, and its images."""
    project = linked_checkout(tmp_path)
    data = tmp_path / "some data.npy"
    np.save(data, IMAGES)
    with workshop.board(Fault(DENSE, "shift", 3)) as port:
        board = ("--port", port, "--model", str(workshop.model))
        done = boardproof(project, "run", *board, "--data", str(data), "--quiet")
        assert done.returncode == 1, done.stderr
        (said,) = (line for line in done.stderr.splitlines() if "see where it begins: boardproof " in line)
        done = boardproof(project, *shlex.split(said.partition(": boardproof ")[2]), "--worst", "4")
    assert done.returncode == 1, done.stderr
    shown, last = done.stdout.split("\n\n"), done.stdout.splitlines()
    assert "looked at 4 of the 12 images that differ in " in done.stdout
    assert (
        f"operator {DENSE} (FULLY_CONNECTED): only channel 3 differs, by a factor of 2: the shift" in last[-2]
    )
    assert "1 of 10 values differ" in shown[1] and "channel  board  reference" in shown[1]


def test_a_sound_board(workshop: Workshop, reference: Session) -> None:
    assert trace(workshop, reference, None) == ([], [])
