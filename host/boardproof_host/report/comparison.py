"""The board beside each interpreter: how many each has right, and where they predict different classes."""

from boardproof_host.record.schema import Measurement, Report
from boardproof_host.report.numbers import UNKNOWN, class_name, number, percent

Rows = tuple[tuple[str, ...], ...]
_TOLD_APART = 0.05  # how likely at most a difference is by chance, that is called one
_FLIPS_SHOWN = 5  # of an interpreter


def pairs(found: Measurement) -> Rows:
    """A row for the board and for each interpreter; none where outputs are no classes."""
    quality = found.quality
    if quality is None or quality.interval is None:
        return ()
    rows = [("board", percent(quality.metrics["device"]["top_1"]), _interval(quality.interval), "", "", "")]
    for name, pair in quality.mcnemar.items():
        reached = quality.metrics.get(name, {}).get("top_1")
        counts = (number(pair.device_alone), number(pair.oracle_alone))
        rows.append(
            (name, percent(reached), _interval(quality.intervals.get(name)), *counts, _chance(pair.p))
        )
    return tuple(rows)


def better(found: Measurement) -> str:
    """Which of them is better, in a sentence of what the board reaches."""
    quality = found.quality
    if quality is None or quality.interval is None:
        return ""
    said = f"95 % interval {_interval(quality.interval)}"
    apart = [(name, pair) for name, pair in quality.mcnemar.items() if pair.p < _TOLD_APART]
    if not apart:
        least = min([pair.p for pair in quality.mcnemar.values()], default=1.0)
        return f"{said}; no interpreter is better (McNemar, p {_chance(least)})"
    names = ", ".join(
        f"{name} is {'better' if pair.oracle_alone > pair.device_alone else 'worse'} (p {_chance(pair.p)})"
        for name, pair in apart
    )
    return f"{said}; by McNemar's test {names}"


def flips(report: Report, found: Measurement) -> Rows:
    """Images of which board and interpreter predict different classes, those of the largest margins."""
    return tuple(
        (
            str(flip.image),
            name,
            class_name(report, flip.oracle),
            class_name(report, flip.device),
            f"{_margin(flip.oracle_margin)} and {_margin(flip.device_margin)}",
        )
        for name, parity in found.parity.items()
        for flip in parity.flips[:_FLIPS_SHOWN]
    )


def _interval(ends: tuple[float, ...] | None) -> str:
    return UNKNOWN if ends is None else f"{percent(ends[0])} to {percent(ends[1])}"


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def _margin(margin: float | None) -> str:
    return UNKNOWN if margin is None else f"{margin:g}"
