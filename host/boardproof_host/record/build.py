"""From what the boards and the oracles gave to the record: pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from boardproof_export.shared.errors import ExitCode, LinkError
from boardproof_export.shared.quality import kind_of
from boardproof_export.shared.tensors import split_rows
from boardproof_host.record import metrics
from boardproof_host.record.assessment import assess
from boardproof_host.record.facts import (
    Circumstances,
    Footprint,
    Gates,
    Images,
    LinkUse,
    Measured,
    OracleFacts,
)
from boardproof_host.record.metrics import IntArray, Parity, Values, Verdict
from boardproof_host.record.mismatches import flips, mismatches
from boardproof_host.record.outputs import compare
from boardproof_host.record.schema import (
    Cost,
    Dataset,
    Flip,
    Gate,
    Link,
    Measurement,
    Model,
    OracleParity,
    Outcome,
    Reference,
    Report,
    Selection,
    Target,
)

MOST_CONFUSED = 100  # classes: a confusion matrix of more no one could read
VERDICTS: tuple[Verdict, ...] = ("exact", "equivalent", "diverged")
# Interpreters of one model differ by rounding: by a step or a few, and in few of the images. Where all others are far
# from the reference in so many images, it is the reference that wants an explanation.
DOUBTFUL = 0.1
CODES: dict[Outcome, ExitCode] = {
    "proven": ExitCode.PROVEN,
    "diverged": ExitCode.DIVERGED,
    "missed": ExitCode.DIVERGED,
    "incomplete": ExitCode.LINK,
    "interrupted": ExitCode.INTERRUPTED,
    "failed": ExitCode.LINK,
}


def build_record(
    *,
    model: Model,
    target: Target,
    images: Images,
    measured: Measured,
    oracles: Mapping[str, OracleFacts],
    reference: Reference,
    footprint: Footprint,
    link: LinkUse,
    circumstances: Circumstances,
    gates: Gates | None = None,
    not_run: Mapping[str, str] | None = None,
    advice: str | None = None,
) -> Report:
    """Compares, decides and summarizes.

    Args:
        model: with its outputs' table.
        oracles: outputs over all N selected images, in their order, `reference.oracle` among them.
        not_run: oracles that gave nothing, and why.
        advice: what to do about a run that was cut short.

    Raises:
        LinkError: no image was measured, so there is no verdict.
    """
    if len(measured.positions) == 0:
        raise LinkError(
            f"no image was measured: {measured.reason or 'none was selected'}",
            hint="look at the board and its port, then run again",
        )
    found = _measurement(model, target, images, measured, oracles, reference, footprint, link, not_run or {})
    missing = len(images.indices) - found.images
    reason = measured.reason or (
        f"{found.images} of {len(images.indices)} images came back" if missing else None
    )
    held = hold(gates or Gates(), found, len(images.indices))
    outcome = decide(found.verdict, held, interrupted=measured.interrupted)
    if measured.untrusted:
        outcome = "failed"
    return Report(
        outcome=outcome,
        exit_code=CODES[outcome],
        reason=reason,
        next=advice,
        gates=held,
        command=circumstances.command,
        created=circumstances.created,
        boardproof=circumstances.boardproof,
        model=model,
        target=target,
        dataset=images.dataset,
        selection=images.selection,
        measured=found,
        timing=dict(circumstances.timing),
        host=circumstances.host,
    )


def failed(
    reason: str,
    advice: str,
    code: int,
    circumstances: Circumstances,
    *,
    model: Model | None = None,
    target: Target | None = None,
    dataset: Dataset | None = None,
    selection: Selection | None = None,
) -> Report:
    """The record of a run that measured nothing: what was known of it, and why it failed."""
    return Report(
        outcome="interrupted" if code == ExitCode.INTERRUPTED else "failed",
        exit_code=code,
        reason=reason,
        next=advice,
        gates=(),
        command=circumstances.command,
        created=circumstances.created,
        boardproof=circumstances.boardproof,
        model=model,
        target=target,
        dataset=dataset,
        selection=selection,
        measured=None,
        timing=dict(circumstances.timing),
        host=circumstances.host,
    )


def hold(gates: Gates, found: Measurement, requested: int) -> tuple[Gate, ...]:
    """Holds what was measured to every gate."""
    held = [
        Gate("complete", f"{requested} images", f"{found.images} images", found.images == requested),
        Gate(
            "verdict",
            gates.verdict,
            found.verdict,
            VERDICTS.index(found.verdict) <= VERDICTS.index(gates.verdict),
        ),
    ]
    if gates.min_accuracy is not None:
        reached = found.accuracy["device"]
        passed = reached is not None and reached >= gates.min_accuracy
        held.append(
            Gate(
                "min-accuracy", f"{gates.min_accuracy:g}", None if reached is None else f"{reached:g}", passed
            )
        )
    return tuple(held)


def decide(verdict: Verdict, gates: Sequence[Gate], *, interrupted: bool) -> Outcome:
    """What a run amounts to: a divergence counts also where images are missing."""
    passed = {gate.name: gate.passed for gate in gates}
    if verdict == "diverged":
        return "diverged"
    if interrupted and not passed["complete"]:
        return "interrupted"
    if not passed["complete"]:
        return "incomplete"
    return "proven" if all(passed.values()) else "missed"


def _measurement(
    model: Model,
    target: Target,
    images: Images,
    measured: Measured,
    oracles: Mapping[str, OracleFacts],
    reference: Reference,
    footprint: Footprint,
    link: LinkUse,
    not_run: Mapping[str, str],
) -> Measurement:
    count = len(measured.positions)
    device = split_rows(measured.outputs, model.outputs)
    theirs = {name: facts.outputs[measured.positions] for name, facts in oracles.items()}
    values = {name: split_rows(rows, model.outputs) for name, rows in theirs.items()}
    labels = _class_labels(images, measured, model)
    parity = {name: compare(measured.outputs, rows, model.outputs) for name, rows in theirs.items()}
    readable = labels is not None and device[0].shape[1] <= MOST_CONFUSED
    confusion = metrics.confusion(labels, device[0]) if labels is not None and readable else None
    return Measurement(
        verdict=metrics.verdict(
            parity[reference.oracle], in_steps=all(part.dtype.kind != "f" for part in device)
        ),
        images=count,
        resumed=measured.resumed,
        legs=measured.legs,
        accuracy={"device": metrics.accuracy(device[0], labels)}
        | {name: metrics.accuracy(outputs[0], labels) for name, outputs in values.items()},
        class_accuracy=None if confusion is None else metrics.class_accuracy(confusion.tolist()),
        confusion=None if confusion is None else tuple(tuple(row) for row in confusion.tolist()),
        reference=replace(reference, doubt=_doubt(reference, values, not_run)),
        parity={
            name: _oracle_parity(parity[name], facts, flips(images, measured, device[0], values[name][0]))
            for name, facts in oracles.items()
        },
        not_run=dict(not_run),
        mismatches=mismatches(images, measured, theirs[reference.oracle], model.outputs),
        cost=_cost(measured, target, footprint, model),
        link=_link(link, count),
        quality=assess(images, measured, model, {"device": device[0]} | {n: v[0] for n, v in values.items()}),
    )


def _class_labels(images: Images, measured: Measured, model: Model) -> IntArray | None:
    """Labels of the measured images; None where the model's first output is not one value a class."""
    output = model.outputs[0]
    vector = sum(extent > 1 for extent in output.shape) == 1
    if images.labels is None or not vector or int(images.labels.max()) >= output.count:
        return None
    if model.inputs and kind_of(images.labels, model.inputs, model.outputs) == "reconstruction":
        return None
    return images.labels[measured.positions]


def _doubt(
    reference: Reference, values: Mapping[str, list[Values]], not_run: Mapping[str, str]
) -> str | None:
    """Whether the other interpreters, which only round differently, are far from the reference, or refuse the model."""
    mine = values[reference.oracle][0]
    others = [outputs[0] for name, outputs in values.items() if name != reference.oracle]
    if not others and not_run:
        return f"no interpreter but {reference.oracle} runs this model, so that nothing else vouches for the reference"
    if not others or mine.shape[1] < 2:
        return None
    shares = [metrics.far_apart(mine, other) for other in others]
    if min(shares) < DOUBTFUL:
        return None
    return (
        f"every other interpreter predicts another class than {reference.oracle} for {min(shares):.0%} of the images "
        "or more, by more than rounding explains: the reference itself may be wrong about this model"
    )


def _oracle_parity(parity: Parity, facts: OracleFacts, flips: tuple[Flip, ...]) -> OracleParity:
    return OracleParity(
        **asdict(parity),
        version=facts.version,
        rounding=facts.rounding,
        seconds=facts.seconds,
        cached=facts.cached,
        flips=flips,
    )


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
    """Several boards are several lines: what they carried together is held to their rates together."""
    rate = link.baud * link.boards
    return Link(
        seconds=link.seconds,
        images_per_second=metrics.images_per_second(images, link.seconds),
        bytes_down=link.bytes_down,
        bytes_up=link.bytes_up,
        retransmits=link.retransmits,
        crc_errors=link.crc_errors,
        baud=link.baud or None,
        line_rate_fraction=metrics.line_rate_fraction(link.bytes_down, link.bytes_up, link.seconds, rate),
        payload_rate_fraction=metrics.line_rate_fraction(link.payload_down, 0, link.seconds, rate),
        faults=None if link.faults is None else dict(sorted(link.faults.items())),
        boards=link.boards,
        restarts=link.restarts,
        reopened=link.reopened,
        confirmed=link.confirmed,
    )
