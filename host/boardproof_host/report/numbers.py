"""How numbers are written, and classes named."""

from boardproof_host.record.schema import Report

UNKNOWN = "-"


def number(value: float | None, decimals: int = 1) -> str:
    """With thousands separators; decimals only where the value has any."""
    if value is None:
        return UNKNOWN
    if value in (float("inf"), float("-inf")) or value != value:
        return str(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{decimals}f}"


def percent(share: float | None) -> str:
    """A share of 0 to 1 with two decimals."""
    return UNKNOWN if share is None else f"{share * 100:.2f} %"


def size(count: int | None) -> str:
    """Bytes."""
    return "unknown" if count is None else f"{number(count)} B"


def class_name(report: Report, index: int) -> str:
    """What a class is called: its name, else its number."""
    classes = () if report.dataset is None else report.dataset.classes
    return classes[index] if index < len(classes) else str(index)
