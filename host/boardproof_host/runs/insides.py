"""What a run tells of the inside of an inference: operators' kernels and cost, and where tensors lie."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import BoardproofError
from boardproof_export.shared.manifest import OpInfo
from boardproof_export.shared.model import Graph, read_graph
from boardproof_host.boards.open import Boards
from boardproof_host.boards.options import LinkOptions
from boardproof_host.boards.which_model import facts_of
from boardproof_host.link.session import Session
from boardproof_host.protocol import messages
from boardproof_host.protocol.messages import Feature
from boardproof_host.record.profile import profile
from boardproof_host.record.schema import Op, Profile, Report
from boardproof_host.runs import layers
from boardproof_host.runs.circumstances import cost_unit
from boardproof_host.runs.data import Work
from boardproof_host.runs.stream import Measurement

FACTS = "facts"  # folder of the state: what export was asked of models


def with_insides(
    report: Report,
    boards: Boards,
    link: LinkOptions,
    work: Work,
    inputs: NDArray[np.uint8],
    measurement: Measurement,
    state: Path,
) -> Report:
    """The record with what is known beside the measurement; it stands without, whatever fails here.

    The image that is profiled is the one whose cost is the median.
    """
    if report.model is None or report.measured is None:
        return report
    with suppress(BoardproofError, KeyboardInterrupt):
        facts = facts_of(boards.model, boards.identity, state / FACTS)
        ops = tuple(Op(op.name, op.macs, op.kernel) for op in facts.ops)
        measured = replace(report.measured, memory=facts.memory)
        report = replace(report, model=replace(report.model, ops=ops), measured=measured)
        if _can_profile(boards, link, measurement):
            row = int(np.argsort(measurement.ticks, kind="stable")[len(inputs) // 2])
            image = int(work.chosen.indices[row])
            found = look(
                boards.sessions[0], read_graph(boards.model), facts.ops, inputs[[row]], [image], link.patience
            )
            report = replace(report, measured=replace(measured, profile=found))
    return report


def _can_profile(boards: Boards, link: LinkOptions, measurement: Measurement) -> bool:
    """Whether a board is there that counts, over a link that is whole; a session that keeps state allows no look."""
    if any(session.stateful for session in boards.sessions):
        return False
    whole = measurement.complete and measurement.untrusted is None and not measurement.failures
    features, unit = boards.identity.features, cost_unit(boards.identity)
    return whole and not link.faults and unit is not None and bool(features & Feature.PROFILE)


def look(
    session: Session,
    graph: Graph,
    ops: Sequence[OpInfo],
    rows: NDArray[np.uint8],
    images: Sequence[int],
    patience: float | None = None,
) -> Profile:
    """The profile of images: on the board, each with and without the hook.

    Args:
        rows: uint8 (I, input bytes) of the images.
        patience: seconds that the board may take for an answer; None: as it says in hello.

    Raises:
        LinkError: the board does not answer, or with something else.
    """
    assert session.identity is not None
    inferences: list[int] = []
    sections: list[list[int | None]] = []
    for row in rows:
        # One at a time: the next one's bytes would interrupt a board whose interrupts count.
        inferences += [answer.ticks for answer in session.stream([(0, row.tobytes())])]
        request = messages.Profile(row.tobytes())
        payload = (
            session.look(request) if patience is None else session.ask(request, timeout=patience, tries=2)
        )
        entries = layers.read_entries(payload, graph)
        sections.append(
            [
                sum(entry.ticks for entry in entries if entry.op == op.index) if op.outputs else None
                for op in graph.ops
            ]
        )
    return profile(ops, sections, inferences, images, cost_unit(session.identity))
