"""The record of a trace, schema "boardproof.trace/1": which operators differ, in which images, and what each costs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from boardproof_export.shared.model import Graph
from boardproof_host import oracles
from boardproof_host.link.handshake import Identity
from boardproof_host.record.schema import CostUnit, Target
from boardproof_host.runs.circumstances import cost_unit, target_of
from boardproof_host.runs.diagnosis import Diagnosis
from boardproof_host.runs.layers import Differing, Divergence, diverge
from boardproof_host.runs.pair import Profiled
from boardproof_host.runs.suspects import Suspects

SCHEMA = "boardproof.trace/1"


@dataclass(frozen=True)
class OpRow:
    """One operator over all images that were looked at."""

    index: int  # in execution order
    name: str
    bytes: int  # of its outputs
    ticks: float | None  # mean over the images, in the trace's unit; None where it has none
    share: float | None  # of all operators' ticks, 0 to 1
    differs_in: int  # images in which an output of it is not the reference's


@dataclass(frozen=True)
class Trace:
    """The record of a trace. It says nothing of images that it does not list."""

    model: str  # the file's name
    model_sha256: str
    target: Target
    own_reference: bool  # the board is the reference itself: nothing of an engine is proven
    unit: CostUnit | None  # of ticks; None where the board's ticks are no cost
    images: tuple[int, ...]
    looked_at: str  # the images in words, and where they come from
    report: str | None  # they come from
    expected: bool  # that report says that they differ
    rebuilt: bool  # that report is of another firmware
    ops: tuple[OpRow, ...]
    ticks: float | None  # sum over the operators
    divergences: tuple[Divergence, ...]  # the first one of every image that diverges
    diagnoses: tuple[Diagnosis, ...]  # what these usually mean, an operator's output each, in execution order
    schema: str = SCHEMA

    def to_json(self) -> str:
        """The record as JSON text, the schema first."""
        return json.dumps({"schema": self.schema} | asdict(self), indent=2, allow_nan=False) + "\n"


def build_trace(
    model: str,
    graph: Graph,
    identity: Identity,
    chosen: Suspects,
    profiled: Sequence[Profiled],
    differing: Sequence[Differing],
    meant: Sequence[Diagnosis],
) -> Trace:
    """From the profiles to the record. `profiled` holds one image at least."""
    unit = cost_unit(identity)
    rows = _rows(graph, profiled, known=unit is not None)
    return Trace(
        model=model,
        model_sha256=graph.sha256,
        target=target_of(identity),
        own_reference=oracles.is_itself(oracles.TFLM, identity.engine, identity.core),
        unit=unit,
        images=chosen.images,
        looked_at=chosen.words,
        report=None if chosen.report is None else str(chosen.report),
        expected=chosen.expected,
        rebuilt=chosen.build_id not in (None, identity.build_id),
        ops=rows,
        ticks=None if unit is None else sum(row.ticks or 0 for row in rows),
        divergences=tuple(diverge(graph, one) for one in differing),
        diagnoses=tuple(meant),
    )


def _rows(graph: Graph, profiled: Sequence[Profiled], *, known: bool) -> tuple[OpRow, ...]:
    rows = []
    for op in graph.ops:
        ticks = sum(entry.ticks for one in profiled for entry in one.board if entry.op == op.index)
        rows.append(
            OpRow(
                index=op.index,
                name=op.code,
                bytes=sum(entry.bytes for entry in profiled[0].board if entry.op == op.index),
                ticks=ticks / len(profiled) if known else None,
                share=None,
                differs_in=sum(any(entry.op == op.index for entry in one.wrong) for one in profiled),
            )
        )
    total = sum(row.ticks or 0 for row in rows)
    return tuple(replace(row, share=(row.ticks or 0) / total) if known and total else row for row in rows)
