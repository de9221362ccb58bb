"""`boardproof trace`: run single images layer by layer, name the first operator that diverges, say what each costs."""

import argparse
import json
import struct
import zlib
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import ExitCode, InputError, LinkError
from boardproof_export.shared.project import find_project
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_host.boards.open import open_boards
from boardproof_host.boards.virtual.engine import EngineError
from boardproof_host.boards.virtual.firmware import Engine, build
from boardproof_host.boards.which_model import candidates, describe_model, model_of, read_content
from boardproof_host.link.handshake import Identity
from boardproof_host.link.session import Session
from boardproof_host.protocol import messages
from boardproof_host.protocol.messages import Feature, TickUnit

_ENTRY = struct.Struct("<III")
SECONDS = 20.0  # for one answer: a profiled run on a slow board


@dataclass(frozen=True)
class Layer:
    """One operator on one image."""

    image: int
    index: int  # in execution order
    op: str
    ticks: int
    bytes: int  # of its output
    same: bool  # the output's CRC-32 is TensorFlow Lite Micro's


def read_entries(payload: bytes, ops: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """Splits a profile's answer into (ticks, bytes, CRC-32) an operator.

    Raises:
        LinkError: it has not one entry an operator.
    """
    if len(payload) != _ENTRY.size * len(ops):
        raise LinkError(
            f"the board profiled {len(payload) / _ENTRY.size:g} operators of {len(ops)}",
            hint="build and flash the firmware again",
        )
    return list(_ENTRY.iter_unpack(payload))


def compare(
    image: int, ops: tuple[str, ...], entries: list[tuple[int, int, int]], outputs: list[bytes]
) -> list[Layer]:
    """Holds the board's entries to the oracle's outputs, operator by operator."""
    return [
        Layer(image, index, op, ticks, count, same=(count, crc) == (len(output), zlib.crc32(output)))
        for index, (op, (ticks, count, crc), output) in enumerate(zip(ops, entries, outputs, strict=True))
    ]


def run(args: argparse.Namespace) -> int:
    """Traces the images; exit code 1 when an operator diverges."""
    project = find_project()
    paths = candidates(project, args.model)
    describe_model(paths[0])
    images = dataset.load("test", args.data).images
    for image in args.image:
        if not 0 <= image < len(images):
            raise InputError(f"--image {image} is not within 0:{len(images)}", hint="count from 0")
    with ExitStack() as stack:
        session = open_boards(args, project, stack, paths[0]).sessions[0]
        identity = session.identity
        assert identity is not None
        path = model_of(project, args.model, identity)
        model = describe_model(path)
        if not identity.features & Feature.PROFILE:
            raise LinkError("this board cannot profile", hint="use a target whose firmware can")
        oracle = _oracle(path)
        layers = [
            layer
            for image in args.image
            for layer in _trace(session, identity, oracle, model.ops, images[image : image + 1], image)
        ]
    return _tell(layers, identity, as_json=args.json)


def _oracle(path: Path) -> Engine:
    oracle = build(read_content(path), name=str(path)).engine
    if isinstance(oracle, EngineError):
        raise InputError(
            f"TensorFlow Lite Micro cannot run {path}: {oracle.code.name.lower()}",
            hint=f"boardproof inspect {path}",
        )
    if not oracle.can_profile:
        raise InputError(f"{path} is too large to keep every operator's output", hint="trace a smaller model")
    return oracle


def _trace(
    session: Session,
    identity: Identity,
    oracle: Engine,
    ops: tuple[str, ...],
    pixels: NDArray[np.uint8],
    image: int,
) -> list[Layer]:
    data = dataset.quantize(pixels, identity.input_scale, identity.input_zero_point)[0].tobytes()
    payload = session.ask(messages.Profile(data), timeout=SECONDS, tries=2)
    return compare(image, ops, read_entries(payload, ops), [first for first, *_ in oracle.profile(data)])


def _tell(layers: list[Layer], identity: Identity, *, as_json: bool) -> int:
    first = next((layer for layer in layers if not layer.same), None)
    if as_json:
        print(json.dumps([asdict(layer) for layer in layers], indent=2))
    else:
        _print_table(layers, identity)
        if first is None:
            print("every operator's output is TensorFlow Lite Micro's")
        else:
            print(f"image {first.image} diverges first at operator {first.index} ({first.op})")
    return ExitCode.PROVEN if first is None else ExitCode.DIVERGED


def _print_table(layers: list[Layer], identity: Identity) -> None:
    from rich.console import Console
    from rich.table import Table

    meaningful = not identity.emulated or identity.tick_unit is TickUnit.INSTRUCTIONS
    table = Table("image", "#", "operator", "output bytes", box=None, pad_edge=False)
    if meaningful:
        unit = identity.tick_unit.name.lower()
        table.add_column(f"{unit} (emulated)" if identity.emulated else unit, justify="right")
    table.add_column("output")
    for layer in layers:
        cost = [f"{layer.ticks:,}"] if meaningful else []
        verdict = "same" if layer.same else "DIFFERS"
        table.add_row(str(layer.image), str(layer.index), layer.op, f"{layer.bytes:,}", *cost, verdict)
    Console().print(table)
