"""From what a session and the oracles gave to the record: one pure function."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import LinkError
from boardproof_host.oracles.oracle import OracleOutputs
from boardproof_host.record import metrics
from boardproof_host.record.metrics import Int8Array, IntArray
from boardproof_host.record.schema import (
    Cost,
    CostUnit,
    Dataset,
    Host,
    Link,
    Mismatch,
    Model,
    OracleParity,
    Reference,
    Report,
    Selection,
    Target,
)

MISMATCHES_KEPT = 16


@dataclass(frozen=True)
class Measured:
    """What the board answered: M of the N selected images."""

    positions: NDArray[np.intp]  # (M,) which of the selected images, 0 to N - 1
    outputs: Int8Array  # (M, C)
    ticks: IntArray  # (M,) in `unit`
    unit: CostUnit
    reason: str | None = None  # why the run was cut short


@dataclass(frozen=True)
class Images:
    """The selected images, N of them."""

    selection: Selection
    indices: NDArray[np.intp]  # (N,) in the data set
    labels: IntArray | None  # (N,) class indices; None for a regressor
    dataset: Dataset | None


@dataclass(frozen=True)
class Footprint:
    """What the firmware takes, in bytes; None where it is not known."""

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    arena_bytes: int | None = None


@dataclass(frozen=True)
class LinkUse:
    """What the session counted on the link."""

    seconds: float  # from the first to the last image
    bytes_down: int
    bytes_up: int
    retransmits: int
    crc_errors: int
    baud: int  # 0 where the link has no rate
    payload_down: int = 0  # input bytes before packing and framing
    faults: Mapping[str, int] | None = None  # put in on purpose, by kind


@dataclass(frozen=True)
class Circumstances:
    """When, where and with what the run was made."""

    created: str  # UTC, ISO 8601
    boardproof: str  # version
    host: Host
    timing: Mapping[str, float]  # wall seconds by phase


def build_record(
    *,
    model: Model,
    target: Target,
    images: Images,
    measured: Measured,
    oracles: Mapping[str, OracleOutputs],
    reference: Reference,
    footprint: Footprint,
    link: LinkUse,
    circumstances: Circumstances,
) -> Report:
    """Compares, decides and summarizes.

    Args:
        oracles: outputs over all N selected images, in their order, `reference.oracle` among them.

    Raises:
        LinkError: no image was measured, so there is no verdict.
    """
    count = len(measured.positions)
    if count == 0:
        raise LinkError(
            f"no image was measured: {measured.reason or 'none was selected'}",
            hint="look at the board and its port, then run again",
        )
    complete = measured.reason is None and count == len(images.indices)
    theirs = {name: oracle.outputs.view(np.int8)[measured.positions] for name, oracle in oracles.items()}
    labels = _class_labels(images, measured)
    parity = {name: _parity(measured.outputs, theirs[name], oracle) for name, oracle in oracles.items()}
    confusion = None if labels is None else metrics.confusion(labels, measured.outputs)
    return Report(
        verdict=metrics.verdict(metrics.parity(measured.outputs, theirs[reference.oracle])),
        complete=complete,
        reason=None
        if complete
        else (measured.reason or f"{count} of {len(images.indices)} images came back"),
        created=circumstances.created,
        boardproof=circumstances.boardproof,
        model=model,
        target=target,
        dataset=images.dataset,
        selection=images.selection,
        images=count,
        reference=reference,
        accuracy={"device": metrics.accuracy(measured.outputs, labels)}
        | {name: metrics.accuracy(outputs, labels) for name, outputs in theirs.items()},
        class_accuracy=None if confusion is None else metrics.class_accuracy(confusion.tolist()),
        confusion=None if confusion is None else tuple(tuple(row) for row in confusion.tolist()),
        parity=parity,
        mismatches=_mismatches(images, measured, theirs[reference.oracle]),
        cost=_cost(measured, target, footprint, model),
        link=_link(link, count),
        timing=dict(circumstances.timing),
        host=circumstances.host,
    )


def _class_labels(images: Images, measured: Measured) -> IntArray | None:
    """Labels of the measured images; None where the model's outputs are not one value a class."""
    classes = measured.outputs.shape[1]
    if images.labels is None or classes < 2 or int(images.labels.max()) >= classes:
        return None
    return images.labels[measured.positions]


def _parity(device: Int8Array, theirs: Int8Array, oracle: OracleOutputs) -> OracleParity:
    return OracleParity(
        **asdict(metrics.parity(device, theirs)),
        version=oracle.version,
        rounding=str(oracle.oracle.rounding),
        seconds=oracle.seconds,
        cached=oracle.cached,
    )


def _mismatches(images: Images, measured: Measured, reference: Int8Array) -> tuple[Mismatch, ...]:
    def describe(row: int) -> Mismatch:
        position = measured.positions[row]
        return Mismatch(
            image=int(images.indices[position]),
            label=None if images.labels is None else int(images.labels[position]),
            device=_values(measured.outputs[row]),
            oracle=_values(reference[row]),
        )

    worst = metrics.mismatches(measured.outputs, reference, MISMATCHES_KEPT)
    return tuple(describe(int(row)) for row in worst)


def _values(outputs: NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(value) for value in outputs)


def _cost(measured: Measured, target: Target, footprint: Footprint, model: Model) -> Cost:
    # An emulator's clock says nothing about the silicon: it is not recorded at all.
    known = not (target.emulated and measured.unit == "microseconds")
    summary = metrics.cost(measured.ticks) if known else None
    microseconds = summary if measured.unit == "microseconds" else None
    if measured.unit == "cycles" and summary and target.clock_hz and not target.emulated:
        microseconds = metrics.scaled(summary, 1e6 / target.clock_hz)
    return Cost(
        unit=measured.unit if known else None,
        instructions_per_inference=summary if measured.unit == "instructions" else None,
        cycles_per_inference=summary if measured.unit == "cycles" else None,
        microseconds=microseconds,
        saturated=metrics.saturated(measured.ticks),
        histogram=metrics.histogram(measured.ticks) if known else None,
        flash_bytes=footprint.flash_bytes,
        ram_bytes=footprint.ram_bytes,
        arena_bytes=footprint.arena_bytes,
        model_bytes=model.bytes,
    )


def _link(link: LinkUse, images: int) -> Link:
    fraction = metrics.line_rate_fraction(link.bytes_down, link.bytes_up, link.seconds, link.baud)
    return Link(
        seconds=link.seconds,
        images_per_second=metrics.images_per_second(images, link.seconds),
        bytes_down=link.bytes_down,
        bytes_up=link.bytes_up,
        retransmits=link.retransmits,
        crc_errors=link.crc_errors,
        baud=link.baud or None,
        line_rate_fraction=fraction,
        payload_rate_fraction=metrics.line_rate_fraction(link.payload_down, 0, link.seconds, link.baud),
        faults=None if link.faults is None else dict(sorted(link.faults.items())),
    )
