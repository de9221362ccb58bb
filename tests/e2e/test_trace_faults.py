"""Trace names the operator and the kind of a mistake: one at a time, planted in the layers of a network."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from boardproof_export.shared.model import read_graph
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_host.boards.processes import virtual_board
from boardproof_host.link.session import Session
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.runs import pair as pair_module
from boardproof_host.runs.diagnosis import Diagnosis
from boardproof_host.runs.layers import Divergence, diagnoses, diverge
from boardproof_host.runs.mistakes import explained
from boardproof_host.runs.pair import Pair
from model_builder import DenseLayer, ModelBuilder, add_dense, schema
from support.host_c import ROOT
from support.linked_checkout import boardproof, linked_checkout
from support.planted import Fault, Workshop
from support.small_cnn import DENSE, DEPTHWISE, POOLED, STRIDED, images, small_cnn

pytestmark = pytest.mark.e2e
IMAGES = images(12)
CNN = ROOT / "models" / "fashion_mnist_cnn_int8.tflite"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), small_cnn())


@contextmanager
def session_on(port: str) -> Iterator[Session]:
    transport = SerialTransport(port)
    session = Session(transport)
    session.hello()
    yield session
    transport.close()


@pytest.fixture(scope="module")
def reference(workshop: Workshop) -> Iterator[Session]:
    with virtual_board(workshop.model) as port, session_on(port) as session:
        yield session


def trace(
    workshop: Workshop, reference: Session, fault: Fault | None, inputs: NDArray[np.int8] = IMAGES
) -> tuple[list[Divergence], list[Diagnosis]]:
    with workshop.board(fault) as port, session_on(port) as session:
        pair = Pair(session, reference, read_graph(workshop.model))
        found = [pair.profile(number, row.tobytes()) for number, row in enumerate(inputs)]
        differing = pair.values(found)
        meant = [explained(pair, one, found, differing) for one in diagnoses(pair.graph, differing)]
    return [diverge(pair.graph, one) for one in differing], meant


# A mistake, its kind as it is to be named, and the channel where it is one's alone.
Case = tuple[Fault, str, int | None]


def four(op: int, padding: str, kind: str = "padding") -> list[Case]:
    """A wrong weight, shift, rounding and padding in one layer."""
    return [
        (Fault(op, "weight", 7), "weights", 7),
        (Fault(op, "shift", 1), "scale", 1),
        (Fault(op, "rounding"), "rounding", None),
        (Fault(op, "member", member=padding), kind, None),
    ]


OF_THE_CNN = [
    *four(0, "height.padding=0"),
    *four(2, "width.padding=2"),
    *four(5, "height.padding=0"),
    *four(8, "input_zero_point=-100", "offset"),  # the last one is dense, and has no padding
    (Fault(1, "member", member="width.padding=1"), "padding", None),  # a pooling: by half a window
]
OF_OTHERS = [
    (Fault(DEPTHWISE, "weight", 4), "weights", 0),
    (Fault(DEPTHWISE, "shift", 3), "scale", 3),
    (Fault(DEPTHWISE, "rounding"), "rounding", None),
    (Fault(DEPTHWISE, "member", member="input_zero_point=0"), "padding", None),  # what a window meets outside
    (Fault(STRIDED, "weight", 5), "weights", 5),
    (Fault(STRIDED, "rounding"), "rounding", None),
    (Fault(STRIDED, "member", member="width.padding=1"), "padding", None),  # half a place
    (Fault(POOLED, "rounding"), "rounding", None),
    (Fault(POOLED, "member", member="height.padding=1"), "padding", None),
]


def check(workshop: Workshop, reference: Session, case: Case, inputs: NDArray[np.int8] = IMAGES) -> None:
    fault, kind, channel = case
    divergences, meant = trace(workshop, reference, fault, inputs)
    assert {one.op for one in divergences} == {fault.op}
    assert [(one.op, one.kind) for one in meant] == [(fault.op, kind)]
    assert meant[0].channels == (() if channel is None else (channel,))
    assert meant[0].images == tuple(one.image for one in divergences)


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workshop, Session]]:
    """The reference CNN, and TensorFlow Lite Micro with it."""
    made = Workshop(tmp_path_factory.mktemp("cnn"), CNN.read_bytes())
    with virtual_board(made.model) as port, session_on(port) as session:
        yield made, session


@pytest.mark.parametrize("case", OF_THE_CNN, ids=str)
def test_a_fault_in_the_reference_cnn(cnn: tuple[Workshop, Session], case: Case) -> None:
    clothes = (dataset.load("test", None).images[20:26].astype(np.int16) - 128).astype(np.int8)
    check(*cnn, case, clothes)


@pytest.mark.parametrize("case", OF_OTHERS, ids=str)
def test_a_fault_in_a_layer_of_another_kind(workshop: Workshop, reference: Session, case: Case) -> None:
    check(workshop, reference, case)


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
    shown = done.stdout.split("\n\n")
    assert "looked at 4 of the 12 images that differ in " in done.stdout
    assert f"{DENSE} (FULLY_CONNECTED): only channel 3 differs, by a factor of 2: the shift" in shown[-1]
    assert "largest difference: " in shown[-1] and " at channel 3 of image " in shown[-1]
    assert "1 of 10 values differ" in shown[1] and "channel  board  reference" in shown[1]


def test_a_sound_board(workshop: Workshop, reference: Session) -> None:
    assert trace(workshop, reference, None) == ([], [])


def test_an_output_of_many_answers_is_read_of_the_first_images_alone(
    workshop: Workshop, reference: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_module, "_MOST_PIECES", 1)
    divergences, meant = trace(workshop, reference, Fault(DEPTHWISE, "shift", 3))
    assert [one.read for one in divergences] == [True, *[False] * (len(IMAGES) - 1)]
    assert (meant[0].kind, meant[0].images) == ("scale", tuple(range(len(IMAGES))))


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    """ADD of two inputs is an output itself, and is read by the layer that makes the other one."""
    builder = ModelBuilder()
    first, second, total = (builder.tensor((1, 24), scale, 3) for scale in (0.05, 0.07, 0.11))
    options = schema.AddOptionsT()
    kind = schema.BuiltinOptions.AddOptions
    builder.op(schema.BuiltinOperator.ADD, [first, second], [total], options, kind)
    weights = np.random.default_rng(3).integers(-127, 128, (6, 24)).astype(np.int8)
    made = add_dense(builder, total, DenseLayer(weights, np.full(6, 0.004, np.float32), None, 0.3, -4), 1)
    shop = Workshop(tmp_path, builder.build([first, second], [made, total]))
    inputs = np.random.default_rng(4).integers(-128, 128, (6, 48)).astype(np.int8)
    with virtual_board(shop.model) as port, session_on(port) as beside:
        _, meant = trace(shop, beside, Fault(0, "member", member="least=20"), inputs)
        assert [(one.op, one.kind) for one in meant] == [(0, "saturation")]
        divergences, meant = trace(shop, beside, Fault(1, "shift", 2), inputs)
        assert {(one.op, one.name) for one in divergences} == {(1, "FULLY_CONNECTED")}
        assert [(one.op, one.channels) for one in meant] == [(1, (2,))]
