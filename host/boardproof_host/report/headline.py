"""The sentences of a report: what was proven, and what has to be said beside it."""

from boardproof_host.record.schema import Gate, Measurement, Report, Target
from boardproof_host.report.numbers import number, percent


def headline(report: Report) -> str:
    """What came out, in a sentence or two. It claims no more than was compared."""
    found = report.measured
    if found is None or report.target is None:
        return f"Nothing was measured: {report.reason}."
    if report.outcome == "failed":
        return f"What was measured cannot be trusted: {report.reason}."
    parity = found.parity[found.reference.oracle]
    differ = f"{number(parity.mismatched_values)} of {number(parity.values)} outputs"
    compared = f"{differ} differ from {found.reference.oracle} on {number(found.images)} images"
    if found.reference.own_oracle:
        return (
            f"The board is a process that runs {found.reference.oracle} itself: {compared}. That proves the link and "
            "the host's side, not a microcontroller."
        )
    board = _board(report.target)
    if found.verdict == "exact":
        return f"The {board} computed exactly what Python computes: {compared}."
    if found.verdict == "equivalent":
        return f"Every output of the {board} is within 1 of {found.reference.oracle}: {compared}, no argmax flips."
    return (
        f"The {board} computed something else: {compared}, by up to {number(parity.max_abs_diff, 6)}; "
        f"argmax flips: {number(parity.argmax_flips)}."
    )


def _board(target: Target) -> str:
    if target.core == "host":
        return "firmware, compiled for this machine,"
    return "emulated board" if target.emulated else "board"


def notes(report: Report) -> tuple[str, ...]:
    """What a reader of the headline must know, too."""
    found = report.measured
    written = list(shortcomings(report))
    if found is None:
        return tuple(written)
    if found.legs > 1:
        written.append(
            f"The run was resumed: {number(found.resumed)} images are from an earlier leg; the link's figures are of "
            f"all {number(found.legs)} legs."
        )
    return (*written, *_about_the_reference(found), *_about_counts(found))


def shortcomings(report: Report) -> tuple[str, ...]:
    """Why the run's exit code is not 0 though its headline may sound well: a missed gate, images that are missing."""
    written = [_missed(gate) for gate in report.gates if not gate.passed and gate.name != "complete"]
    if report.measured is not None and not report.complete and report.selection is not None:
        written.append(
            f"The run was cut short: {report.reason}. The verdict covers {number(report.measured.images)} "
            f"of {number(report.selection.requested)} images."
        )
    return tuple(written)


def _missed(gate: Gate) -> str:
    reached = gate.reached or "nothing"
    if gate.name == "min-accuracy":
        wanted, reached = (
            percent(float(gate.wanted)),
            percent(None if gate.reached is None else float(gate.reached)),
        )
        return f"Below the gate: accuracy {reached}, wanted {wanted}."
    return f"Below the gate: {gate.name} {reached}, wanted {gate.wanted}."


def _about_the_reference(found: Measurement) -> list[str]:
    written = []
    reference = found.reference
    if reference.stand_in:
        written.append(f"tflite-micro has no package for this host: {reference.oracle} stands in for it.")
    if reference.doubt is not None:
        written.append(f"In doubt: {reference.doubt}.")
    for name, reason in found.not_run.items():
        written.append(f"{name} has no row: {reason}.")
    others = [parity for name, parity in found.parity.items() if name != reference.oracle]
    if (
        reference.doubt is None
        and found.verdict == "exact"
        and any(other.mismatched_values for other in others)
    ):
        written.append("Other interpreters round differently: those differences are not the board's.")
    return written


def _about_counts(found: Measurement) -> list[str]:
    if not found.cost.saturated:
        return []
    return [f"{number(found.cost.saturated)} costs are lower bounds: the board's counter saturated."]
