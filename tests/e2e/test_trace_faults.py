"""Trace names the operator and the kind of a mistake: one at a time, planted in the layers of a network."""

from collections.abc import Iterator

import pytest

from boardproof_export.shared.model import read_graph
from boardproof_host.boards.processes import virtual_board
from boardproof_host.link.session import Session
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.runs.diagnosis import Diagnosis
from boardproof_host.runs.layers import Divergence, diagnoses, diverge
from boardproof_host.runs.mistakes import explained
from boardproof_host.runs.pair import Pair
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


def test_a_sound_board(workshop: Workshop, reference: Session) -> None:
    assert trace(workshop, reference, None) == ([], [])
