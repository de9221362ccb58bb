"""The words and numbers of a report, the same in every format."""

from dataclasses import dataclass

from boardproof_host.record.metrics import Summary
from boardproof_host.record.schema import Cost, Mismatch, Report

NOT_A_LATENCY = "(emulated; not a latency)"
UNKNOWN = "-"

ORACLE_COLUMNS = (
    "",
    "accuracy",
    "identical images",
    "differing values",
    "largest difference",
    "argmax flips",
    "version",
)
COST_COLUMNS = ("", "min", "median", "mean", "max")
MISMATCH_COLUMNS = ("image", "label", "board", "oracle")

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Wording:
    """Everything a format shows, as text. Rows have as many cells as their columns."""

    title: str
    verdict: str
    headline: str
    notes: tuple[str, ...]
    facts: Rows  # name, value
    oracles: Rows  # ORACLE_COLUMNS
    costs: Rows  # COST_COLUMNS
    sizes: Rows  # name, value
    link: Rows  # name, value
    timing: Rows  # name, value
    mismatches: Rows  # MISMATCH_COLUMNS
    origin: str  # when and with what it was made


def number(value: float | None, decimals: int = 1) -> str:
    """With thousands separators; decimals only where the value has any."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{decimals}f}"


def percent(share: float | None) -> str:
    """A share of 0 to 1 with two decimals."""
    return UNKNOWN if share is None else f"{share * 100:.2f} %"


def word(report: Report) -> Wording:
    """Words a record."""
    return Wording(
        title=f"{report.model.name} on {report.target.name}",
        verdict=report.verdict,
        headline=headline(report),
        notes=_notes(report),
        facts=_facts(report),
        oracles=_oracles(report),
        costs=_costs(report.cost, report.target.emulated),
        sizes=_sizes(report.cost),
        link=_link(report),
        timing=tuple((phase, f"{seconds:,.1f} s") for phase, seconds in report.timing.items()),
        mismatches=tuple(_mismatch(mismatch) for mismatch in report.mismatches),
        origin=_origin(report),
    )


def headline(report: Report) -> str:
    """The verdict as a sentence."""
    board = "emulated board" if report.target.emulated else "board"
    oracle = report.reference.oracle
    parity = report.parity[oracle]
    differ = f"{number(parity.mismatched_values)} of {number(parity.values)} outputs"
    over = f"on {number(report.images)} images"
    if report.verdict == "exact":
        return f"The {board} computed exactly what Python computes: {differ} differ from {oracle} {over}."
    if report.verdict == "equivalent":
        return (
            f"Every output of the {board} is within 1 of {oracle}: {differ} differ {over}, no argmax flips."
        )
    return (
        f"The {board} computed something else: {differ} differ from {oracle} {over}, "
        f"by up to {parity.max_abs_diff}; argmax flips: {number(parity.argmax_flips)}."
    )


def _notes(report: Report) -> tuple[str, ...]:
    notes = []
    reference = report.reference.oracle
    if not report.complete:
        notes.append(
            f"The run was cut short: {report.reason}. The verdict covers {number(report.images)} "
            f"of {number(report.selection.requested)} images."
        )
    if report.reference.stand_in:
        notes.append(f"tflite-micro has no package for this host: {reference} stands in for it.")
    others = [parity for name, parity in report.parity.items() if name != reference]
    if report.verdict == "exact" and any(parity.mismatched_values for parity in others):
        notes.append(
            "The other interpreters round differently when they requantize: "
            "those differences are between interpreters, not the board's."
        )
    if report.cost.saturated:
        notes.append(
            f"{number(report.cost.saturated)} costs are lower bounds: the board's counter saturated."
        )
    return tuple(notes)


def _facts(report: Report) -> Rows:
    target, model, selection = report.target, report.model, report.selection
    clock = "" if target.clock_hz is None else f" at {number(target.clock_hz / 1e6)} MHz"
    choice = [f"{number(report.images)} of {number(selection.requested)} requested"]
    if selection.images is not None:
        choice.append(f"range {selection.images}")
    choice.append("dataset order" if selection.seed is None else f"seed {selection.seed}")
    rows = [
        ("model", f"{model.name}, {number(model.bytes)} B, SHA-256 {model.sha256[:16]}"),
        ("ops", ", ".join(model.ops)),
        ("target", f"{target.name}, {target.core}{clock}{', emulated' if target.emulated else ''}"),
        ("engine", f"{target.engine}, {target.kernels} kernels, build {target.build_id}"),
        ("images", ", ".join(choice)),
    ]
    if report.dataset is not None:
        rows.append(("data set", f"{report.dataset.name}, SHA-256 {report.dataset.sha256[:16]}"))
    return tuple(rows)


def _oracles(report: Report) -> Rows:
    device = ("board", percent(report.accuracy["device"]), *[""] * (len(ORACLE_COLUMNS) - 2))
    rows = [device]
    for name, parity in report.parity.items():
        mark = " (reference)" if name == report.reference.oracle else ""
        rows.append(
            (
                name + mark,
                percent(report.accuracy.get(name)),
                number(parity.exact_images),
                number(parity.mismatched_values),
                number(parity.max_abs_diff),
                number(parity.argmax_flips),
                parity.version,
            )
        )
    return tuple(rows)


def _costs(cost: Cost, emulated: bool) -> Rows:
    suffix = f" {NOT_A_LATENCY}" if emulated else ""
    named: list[tuple[str, Summary | None]] = [
        (f"instructions per inference{suffix}", cost.instructions_per_inference),
        (f"cycles per inference{suffix}", cost.cycles_per_inference),
        ("microseconds per inference", cost.microseconds),
    ]
    return tuple(
        (name, number(summary.min), number(summary.median), number(summary.mean), number(summary.max))
        for name, summary in named
        if summary is not None
    )


def _sizes(cost: Cost) -> Rows:
    named = [
        ("flash", cost.flash_bytes),
        ("RAM", cost.ram_bytes),
        ("arena", cost.arena_bytes),
        ("model file", cost.model_bytes),
    ]
    return tuple((name, "unknown" if size is None else f"{number(size)} B") for name, size in named)


def _link(report: Report) -> Rows:
    link = report.link
    rows = [
        ("time on the link", f"{link.seconds:,.1f} s"),
        ("images per second", number(link.images_per_second)),
        ("bytes down, up", f"{number(link.bytes_down)}, {number(link.bytes_up)}"),
        ("retransmits, damaged frames", f"{number(link.retransmits)}, {number(link.crc_errors)}"),
    ]
    if link.baud is not None:
        rows.append(("line rate", f"{percent(link.line_rate_fraction)} of {number(link.baud)} baud"))
        rows.append(("the same, in bytes of inputs", percent(link.payload_rate_fraction)))
    if link.faults is not None:
        injected = ", ".join(f"{number(count)} {kind}" for kind, count in link.faults.items())
        rows.append(("faults put in on purpose", injected or "0"))
    return tuple(rows)


def _mismatch(mismatch: Mismatch) -> tuple[str, ...]:
    return (
        str(mismatch.image),  # an index, to be typed again
        UNKNOWN if mismatch.label is None else str(mismatch.label),
        " ".join(str(value) for value in mismatch.device),
        " ".join(str(value) for value in mismatch.oracle),
    )


def _origin(report: Report) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in report.host.packages.items())
    host = f"{report.host.os}, Python {report.host.python}"
    return f"boardproof {report.boardproof}, {report.created}, {host}{', ' if packages else ''}{packages}"
