"""`boardproof convert` for people: words the record, computes nothing."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boardproof_export.shared.sources.fashion_mnist import CLASS_NAMES
from boardproof_export.shared.sources.pixels import UNIT

_HEADINGS = ("rung", "bytes", "of .h5", "accuracy", "runs on")


def lines(record: dict[str, Any], model: Path, folder: Path) -> Iterator[str]:
    """The ladder of the Keras file `model`, written to `folder`, as a table of 60 columns; what is against a rung; and
    last the next command."""
    yield f"{record['model']['file']}: .h5 {record['h5_bytes']:,} bytes"
    yield from _table([_cells(rung) for rung in record["rungs"]])
    for rung in record["rungs"]:
        if rung["reason"]:
            yield f"{rung['name']}: {rung['reason']}"
    for name, reason in record["failed"].items():
        yield f"{name}: {reason}"
    yield f"accuracy over {record['test_images']:,} test images; files in {folder}"
    if record["better_range"] is not None:
        yield from _doubts(record, model)
        return
    best = max(rung["accuracy"] for rung in record["rungs"])
    if best < 2 / len(CLASS_NAMES):
        yield (
            f"warning: {best:.1%} of the images are right at best, hardly more than by chance: was it trained, on "
            "these classes in this order, and on pixels of this range (--input-range LOW:HIGH)?"
        )
    yield _next(record, folder)


def _cells(rung: dict[str, Any]) -> tuple[str, ...]:
    where = "host only"
    if rung["engines"]:
        where = "microcontroller" if "aot" in rung["engines"] else "tflm alone"
    return (
        rung["name"],
        f"{rung['bytes']:,}",
        f"{rung['share_of_h5']:.1%}",
        f"{rung['accuracy']:.2%}",
        where,
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, cells)) for cells in zip(_HEADINGS, *rows, strict=True)]
    for row in (_HEADINGS, *rows):
        cells = [
            cell.rjust(width) if 0 < at < len(row) - 1 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _doubts(record: dict[str, Any], model: Path) -> Iterator[str]:
    """Where pixels of another range are recognized better, the range may be the fault: the user knows."""
    better = record["better_range"]
    low, high = record["input_range"]
    other_low, other_high = better["range"]
    yield (
        f"warning: with pixels of {other_low:g} to {other_high:g} {better['accuracy']:.1%} of the images are right, "
        f"with {low:g} to {high:g} {record['rungs'][0]['accuracy']:.1%}: what was it trained on?"
    )
    again = f"boardproof convert {shlex.quote(str(model))} --input-range {_range(better['range'])}"
    yield f"next, if on the former: {again}"


def _next(record: dict[str, Any], folder: Path) -> str:
    int8_first = sorted(record["rungs"], key=lambda rung: not rung["name"].startswith("int8"))
    for engine, target in (("aot", ""), ("tflm", " --target tflm_host")):
        for rung in int8_first:
            if engine in rung["engines"]:
                span = record["input_range"]
                stated = "" if tuple(span) == UNIT else f" --input-range {_range(span)}"
                return f"next: boardproof prove --model {shlex.quote(str(folder / rung['file']))}{target}{stated}"
    return "none of these runs on a microcontroller with boardproof; the reasons are above"


def _range(span: list[float]) -> str:
    """As `--input-range` takes it."""
    return f"{span[0]:g}:{span[1]:g}"
