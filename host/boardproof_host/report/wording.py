"""The words and numbers of a report, the same in every format."""

import shlex
from dataclasses import dataclass

from boardproof_host.record.metrics import Summary
from boardproof_host.record.schema import Cost, Gate, Link, Measurement, Mismatch, Report
from boardproof_host.report import comparison
from boardproof_host.report.headline import headline, notes
from boardproof_host.report.numbers import UNKNOWN, class_name, number, percent, size

NOT_A_LATENCY = "(emulated; not a latency)"

ORACLE_COLUMNS = ("", "accuracy", "same images", "values differ", "largest diff.", "argmax flips")
VERSION_COLUMNS = ("interpreter", "version", "how it rounds")
FLIP_COLUMNS = ("image", "interpreter", "its class", "the board's", "margins, its and the board's")
PAIR_COLUMNS = (
    "interpreter",
    "accuracy",
    "95 % interval",
    "board alone right",
    "it alone right",
    "McNemar p",
)
GATE_COLUMNS = ("gate", "wanted", "reached", "")
OUTPUTS_SHOWN = 20  # of an image; of more, those that differ

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Worst:
    """An image whose outputs differ: rows are output, board, reference, and whether these two differ."""

    title: str
    rows: tuple[tuple[str, str, str, bool], ...]
    left_out: int  # outputs that are not shown: they are the same


@dataclass(frozen=True)
class Wording:
    """Everything a format shows, as text. Rows have as many cells as their columns."""

    title: str
    stamp: str  # a word or two: the verdict, and what became of the run where that is not all of it
    good: bool  # the exit code is 0
    headline: str
    notes: tuple[str, ...]
    gates: Rows  # GATE_COLUMNS
    facts: Rows  # name, value
    quality: Rows  # name, value: what the outputs are worth; empty where nothing tells
    oracles: Rows  # ORACLE_COLUMNS
    pairs: Rows  # PAIR_COLUMNS; empty where outputs are no classes
    better: str  # the same in a sentence; empty likewise
    flips: Rows  # FLIP_COLUMNS
    versions: Rows  # VERSION_COLUMNS
    cost_columns: tuple[str, ...]
    costs: Rows
    sizes: Rows  # name, value
    link: Rows  # name, value
    timing: Rows  # name, value
    worst: tuple[Worst, ...]
    origin: str  # when and with what it was made
    command: str  # that makes such a report; empty where it is not known


def word(report: Report) -> Wording:
    """Words a record."""
    found = report.measured
    emulated = report.target is not None and report.target.emulated
    return Wording(
        title=_title(report),
        stamp=_stamp(report),
        good=report.exit_code == 0,
        headline=headline(report),
        notes=notes(report),
        gates=tuple(_gate(gate) for gate in report.gates),
        facts=_facts(report),
        quality=() if found is None else _quality(found),
        oracles=() if found is None else _oracles(found),
        pairs=() if found is None else comparison.pairs(found),
        better="" if found is None else comparison.better(found),
        flips=() if found is None else comparison.flips(report, found),
        versions=() if found is None else _versions(found),
        cost_columns=() if found is None else ("", *_cost_names(found.cost, emulated)),
        costs=() if found is None else _costs(found.cost),
        sizes=() if found is None else _sizes(found.cost),
        link=() if found is None else _link(found.link),
        timing=tuple((phase, f"{seconds:,.1f} s") for phase, seconds in report.timing.items()),
        worst=() if found is None else tuple(_worst(report, mismatch) for mismatch in found.mismatches),
        origin=_origin(report),
        command=shlex.join(report.command),
    )


def _stamp(report: Report) -> str:
    found = report.measured
    if found is None or report.outcome == "failed":
        return report.outcome
    besides = {"missed": "gate missed", "incomplete": "incomplete", "interrupted": "interrupted"}
    return ", ".join(filter(None, (found.verdict, besides.get(report.outcome))))


def _title(report: Report) -> str:
    model = "no model" if report.model is None else report.model.name
    return model if report.target is None else f"{model} on {report.target.name}"


def _gate(gate: Gate) -> tuple[str, ...]:
    return gate.name, gate.wanted, gate.reached or "nothing", "passed" if gate.passed else "MISSED"


def _facts(report: Report) -> Rows:
    rows = []
    if report.model is not None:
        model = report.model
        rows.append(("model", f"{model.name}, {size(model.bytes)}, SHA-256 {model.sha256[:16]}"))
        rows.append(("operators", _counted([op.name for op in model.ops])))
    if report.target is not None:
        target = report.target
        clock = "" if target.clock_hz is None else f" at {number(target.clock_hz / 1e6)} MHz"
        rows.append(
            ("target", f"{target.name}, {target.core}{clock}{', emulated' if target.emulated else ''}")
        )
        rows.append(("engine", f"{target.engine}, {target.kernels} kernels, build {target.build_id}"))
    if report.selection is not None:
        rows.append(("images", _choice(report)))
    if report.dataset is not None:
        rows.append(("data", f"{report.dataset.name}, SHA-256 {report.dataset.sha256[:16]}"))
    return tuple(rows)


def _counted(names: list[str]) -> str:
    """Names in the order of their first use, with how often they occur."""
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in counts.items())


def _choice(report: Report) -> str:
    selection, found = report.selection, report.measured
    assert selection is not None
    choice = [f"{number(0 if found is None else found.images)} of {number(selection.requested)} requested"]
    if found is not None and found.resumed:
        choice.append(f"{number(found.resumed)} of them in an earlier leg")
    if selection.images is not None:
        choice.append(f"range {selection.images}")
    choice.append("dataset order" if selection.seed is None else f"seed {selection.seed}")
    if selection.stateful:
        choice.append("one sequence, state kept")
    return ", ".join(choice)


_METRICS = {
    "top_1": "top-1",
    "top_5": "top-5",
    "auc": "AUC",
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "r2": "R²",
    "mse": "mean squared error",
}


def _quality(found: Measurement) -> Rows:
    """A row a metric: the board's, and the reference's where it is another."""
    quality = found.quality
    if quality is None:
        return ()
    rows = []
    for name, value in quality.metrics["device"].items():
        text = _metric(name, value)
        other = _metric(name, quality.metrics.get(found.reference.oracle, {}).get(name, value))
        if name == "top_1" and quality.interval is not None:
            text += f", 95 % interval {percent(quality.interval[0])} to {percent(quality.interval[1])}"
        rows.append(
            (
                _METRICS[name],
                text if other == _metric(name, value) else f"{text}; {found.reference.oracle} {other}",
            )
        )
    return tuple(rows)


def _metric(name: str, value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return percent(value) if name.startswith("top_") else f"{value:.4g}"


def _oracles(found: Measurement) -> Rows:
    rows = [("board", percent(found.accuracy["device"]), *[""] * (len(ORACLE_COLUMNS) - 2))]
    for name, parity in found.parity.items():
        mark = " (reference)" if name == found.reference.oracle else ""
        rows.append(
            (
                name + mark,
                percent(found.accuracy.get(name)),
                number(parity.exact_images),
                number(parity.mismatched_values),
                number(parity.max_abs_diff, 6),
                number(parity.argmax_flips),
            )
        )
    return tuple(rows)


def _versions(found: Measurement) -> Rows:
    rows = [(name, parity.version, parity.rounding) for name, parity in found.parity.items()]
    return (*rows, *((name, UNKNOWN, reason) for name, reason in found.not_run.items()))


def _summaries(cost: Cost) -> list[tuple[str, Summary]]:
    named = [
        ("instructions per inference", cost.instructions_per_inference),
        ("cycles per inference", cost.cycles_per_inference),
        ("microseconds per inference", cost.microseconds),
    ]
    return [(name, summary) for name, summary in named if summary is not None]


def _cost_names(cost: Cost, emulated: bool) -> tuple[str, ...]:
    return tuple(f"{name} {NOT_A_LATENCY}" if emulated else name for name, _ in _summaries(cost))


def _costs(cost: Cost) -> Rows:
    """A row for each of min, median, mean and max; a column for each unit."""
    summaries = [summary for _, summary in _summaries(cost)]
    if not summaries:
        return ()
    return tuple(
        (name, *(number(getattr(summary, name)) for summary in summaries))
        for name in ("min", "median", "mean", "max")
    )


def _sizes(cost: Cost) -> Rows:
    return (
        ("flash", size(cost.flash_bytes)),
        ("RAM", size(cost.ram_bytes)),
        ("arena", size(cost.arena_bytes)),
        ("model file", size(cost.model_bytes)),
    )


def _link(link: Link) -> Rows:
    rows = [
        ("time on the link", f"{link.seconds:,.1f} s"),
        ("images per second", number(link.images_per_second)),
        ("bytes down, up", f"{number(link.bytes_down)}, {number(link.bytes_up)}"),
        ("retransmits, damaged frames", f"{number(link.retransmits)}, {number(link.crc_errors)}"),
    ]
    if link.boards > 1:
        rows.append(("boards", number(link.boards)))
    if link.restarts or link.reopened:
        rows.append(("restarts, ports that came back", f"{number(link.restarts)}, {number(link.reopened)}"))
    if link.confirmed is not None:
        rows.append(("images confirmed by a board's digest", number(link.confirmed)))
    if link.baud is not None:
        lines = "" if link.boards == 1 else f" on {link.boards} lines"
        rows.append(("line rate", f"{percent(link.line_rate_fraction)} of {number(link.baud)} baud{lines}"))
        rows.append(("the same, in bytes of inputs", percent(link.payload_rate_fraction)))
    if link.faults is not None:
        injected = ", ".join(f"{number(count)} {kind}" for kind, count in link.faults.items())
        rows.append(("faults put in on purpose", injected or "0"))
    return tuple(rows)


def _worst(report: Report, mismatch: Mismatch) -> Worst:
    label = "" if mismatch.label is None else f", label {class_name(report, mismatch.label)}"
    at = range(len(mismatch.device)) if mismatch.at is None else mismatch.at
    outputs = () if report.model is None else report.model.outputs
    total = len(at) if mismatch.at is None else sum(output.count for output in outputs)
    pairs = list(zip(at, zip(mismatch.device, mismatch.oracle, strict=True), strict=True))
    shown = pairs if total <= OUTPUTS_SHOWN else [pair for pair in pairs if pair[1][0] != pair[1][1]]
    shown = shown[:OUTPUTS_SHOWN]
    rows = tuple(
        (class_name(report, at), _value(mine), _value(theirs), mine != theirs) for at, (mine, theirs) in shown
    )
    return Worst(f"image {mismatch.image}{label}", rows, total - len(shown))


def _value(value: float | None) -> str:
    return "no number" if value is None else f"{value:g}"


def _origin(report: Report) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in report.host.packages.items())
    host = f"{report.host.os}, Python {report.host.python}"
    return f"boardproof {report.boardproof}, {report.created}, {host}{', ' if packages else ''}{packages}"
