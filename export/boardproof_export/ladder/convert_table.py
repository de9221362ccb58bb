"""`boardproof convert` for people: words the record, computes nothing."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boardproof_export.precision import words
from boardproof_export.shared.sources.opening import SourceOptions
from boardproof_export.shared.sources.pixels import UNIT

_BY_CHANCE = 0.05  # how likely a difference is by chance, from which on it is none
_GUESSING = 1 / 8  # of the way from chance to always right


def lines(record: dict[str, Any], model: Path, folder: Path, source: SourceOptions) -> Iterator[str]:
    """The ladder of the model `model`, written to `folder`, as a table of 60 columns; which data calibrated and
    measured it; what is against a rung; and last the next command, on the same data."""
    yield f"{record['model']['file']}: {record['original']} {record['h5_bytes']:,} bytes"
    yield from _table(record)
    yield f"{_measured(record)}; files in {folder}"
    yield from _told_apart(record["rungs"])
    yield from _calibrated(record["calibration"])
    for rung in record["rungs"]:
        if rung["reason"]:
            yield f"{rung['name']}: {rung['reason']}"
    for name, reason in record["failed"].items():
        yield f"{name}: {reason}"
    if record["better_range"] is not None:
        yield from _doubts(record, model, source)
        return
    yield from _chance(record)
    yield _next(record, folder, source)


def _table(record: dict[str, Any]) -> Iterator[str]:
    """Size, quality and engines of each rung. Without labels the quality is how far the outputs are from float32's."""
    share = "of .h5" if record["original"] == ".h5" else "share"
    heading = words.name_of(record["rungs"][0]["quality"]) or "SNR"
    rows: list[tuple[str, ...]] = [("rung", "bytes", share, heading, "runs on")]
    rows += [_cells(rung) for rung in record["rungs"]]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if 0 < at < len(row) - 1 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _cells(rung: dict[str, Any]) -> tuple[str, ...]:
    where = "host only"
    if rung["engines"]:
        where = "microcontroller" if "aot" in rung["engines"] else "tflm alone"
    return (rung["name"], f"{rung['bytes']:,}", f"{rung['share_of_h5']:.1%}", _quality(rung), where)


def _quality(rung: dict[str, Any]) -> str:
    if words.name_of(rung["quality"]) is None:
        return "-" if rung["snr_db"] is None else f"{rung['snr_db']:.1f} dB"
    return words.figure(rung["quality"])


def _measured(record: dict[str, Any]) -> str:
    figure = words.name_of(record["rungs"][0]["quality"])
    count, available = record["test_images"], record["test_available"]
    of = "" if count == available else f" of {available:,}"
    which = f"{count:,}{of} samples of {record['test']}"
    if figure is None:
        return f"SNR: the outputs against those of {record['rungs'][0]['name']}, over {which}"
    return f"{figure} over {which}"


def _told_apart(rungs: list[dict[str, Any]]) -> Iterator[str]:
    """How sure the accuracies are, and which rungs differ from the first by more than chance explains."""
    first = rungs[0]
    if first["interval"] is None:
        return
    low, high = first["interval"]
    yield f"95 % interval of {first['name']}: {low:.2%} to {high:.2%}"
    pairs = {rung["name"]: rung["mcnemar"][first["name"]] for rung in rungs[1:]}
    for name, pair in pairs.items():
        if pair["p"] < _BY_CHANCE:
            better = "better" if pair["alone"] > pair["other_alone"] else "worse"
            yield (
                f"{name} is {better} than {first['name']} (McNemar, p {pair['p']:.2g}): of the samples, "
                f"{pair['alone']:,} are right in it alone, {pair['other_alone']:,} in the other"
            )
    least = min((pair["p"] for pair in pairs.values()), default=0.0)
    if least >= _BY_CHANCE:
        yield f"no other rung is better or worse than {first['name']} (McNemar, p {least:.2g} or more)"


def _calibrated(calibration: dict[str, Any]) -> Iterator[str]:
    """How many samples, and how they were chosen."""
    count, available = calibration["images"], calibration["available"]
    how = (
        "all" if count == available else f"{count:,} of {available:,}, drawn with seed {calibration['seed']}"
    )
    among = ", which are measured as well" if calibration["tested_too"] and not calibration["random"] else ""
    yield f"int8 calibrated on {calibration['data']}: {how}{among}"
    if calibration["random"]:
        yield (
            "warning: random values are no representative data: the int8 files are good for trying speed and parity, "
            "not for use; name real samples with --data"
        )
    elif count < 100:
        yield f"warning: {count} samples are few: values beyond theirs are cut; 100 to 500 are usual"


def _doubts(record: dict[str, Any], model: Path, source: SourceOptions) -> Iterator[str]:
    """Where pixels of another range are recognized better, the range may be the fault: the user knows."""
    better = record["better_range"]
    low, high = record["input_range"]
    other_low, other_high = better["range"]
    yield (
        f"warning: with pixels of {other_low:g} to {other_high:g} {better['accuracy']:.1%} of the images are right, "
        f"with {low:g} to {high:g} {record['rungs'][0]['accuracy']:.1%}: what was it trained on?"
    )
    again = (
        f"boardproof convert {shlex.quote(str(model))}{_data(source)} --input-range {_range(better['range'])}"
    )
    yield f"next, if on the former: {again}"


def _chance(record: dict[str, Any]) -> Iterator[str]:
    accuracies = [rung["accuracy"] for rung in record["rungs"] if rung["accuracy"] is not None]
    classes = record["classes"]
    chance = 1 / max(classes, 1)
    if accuracies and max(accuracies) < chance + _GUESSING * (1 - chance):
        yield (
            f"warning: {max(accuracies):.1%} of the samples are right at best, hardly more than by chance: was it "
            "trained, on these classes in this order, and on pixels of this range (--input-range LOW:HIGH)?"
        )


def _next(record: dict[str, Any], folder: Path, source: SourceOptions) -> str:
    int8_first = sorted(record["rungs"], key=lambda rung: not rung["name"].startswith("int8"))
    for engine, target in (("aot", ""), ("tflm", " --target tflm_host")):
        for rung in int8_first:
            if engine in rung["engines"]:
                span = record["input_range"]
                stated = "" if tuple(span) == UNIT else f" --input-range {_range(span)}"
                file = shlex.quote(str(folder / rung["file"]))
                return f"next: boardproof prove --model {file}{target}{_data(source)}{stated}"
    return "none of these runs on a microcontroller with boardproof; the reasons are above"


def _data(source: SourceOptions) -> str:
    """The data as the command line names them, but for the range of pixels."""
    if source.data is None:
        return ""
    words = f" --data {shlex.quote(source.data)}"
    if source.label_column is not None:
        words += f" --label-column {shlex.quote(source.label_column)}"
    words += " --resize" if source.resize else ""
    return words + (f" --data-type {source.data_type}" if source.data_type else "")


def _range(span: list[float]) -> str:
    """As `--input-range` takes it."""
    return f"{span[0]:g}:{span[1]:g}"
