"""`boardproof inspect --quantization` for people: words the record, computes nothing."""

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

from boardproof_export.precision import words
from boardproof_export.shared.text import printable, shortened

_UNBOUNDED = 1 << 16  # columns of a pipe
_HEADINGS = (" #", "operator", "alone", "so far", "largest", "cut")
_LEGEND = (
    "dB: signal to noise. alone: what the layer adds itself, given the same as the float one. so far: with all before "
    "it. largest: the largest error, in steps of the layer's scale. cut: values that the layer's type and scale "
    "cannot hold."
)
_LEGEND_COLUMNS = 80
_POOR = 20.0  # dB alone: a tenth of the signal is noise
_CUT = 0.01  # share of values


def show(record: dict[str, Any]) -> None:
    """Prints what was compared, the layers, worst first, and last the layer to look at."""
    for line in lines(record, shutil.get_terminal_size((_UNBOUNDED, 24)).columns):
        print(line)


def lines(record: dict[str, Any], columns: int) -> Iterator[str]:
    """The lines; a tensor's name is cut where it does not fit."""
    data = record["data"]
    yield f"{printable(record['quantized']['name'])} against {printable(record['float']['name'])}"
    yield f"over {data['samples']:,} of {data['available']:,} samples of {printable(data['name'])}"
    yield ""
    costly = [layer for layer in record["layers"] if _rank(layer) is not None]
    yield from _table(costly, columns)
    for line in _rest(record, len(record["layers"]) - len(costly)):
        yield from textwrap.wrap(line, columns, subsequent_indent="    ")
    yield ""
    yield from textwrap.wrap(_LEGEND, min(columns, _LEGEND_COLUMNS))
    yield ""
    yield from textwrap.wrap(_outputs(record), columns)
    yield from textwrap.wrap(_blame(costly), columns)


def _rank(layer: dict[str, Any]) -> float | None:
    error = layer["alone"] or layer["so_far"]
    return None if error is None else error["snr_db"]


def _table(layers: list[dict[str, Any]], columns: int) -> Iterator[str]:
    rows = [_HEADINGS, *(_cells(layer) for layer in layers)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    room = columns - sum(widths) - 2 * len(widths)
    names = ["tensor", *(printable(layer["tensor"]) for layer in layers)]
    for row, name in zip(rows, names, strict=True):
        cells = [
            cell.ljust(width) if at == 1 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        text = "  ".join(cells)
        yield f"{text}  {shortened(name, room)}" if room >= len(_HEADINGS[1]) else text


def _cells(layer: dict[str, Any]) -> tuple[str, ...]:
    error = layer["alone"] or layer["so_far"]
    steps = error["largest_steps"]
    return (
        "-" if layer["op"] is None else str(layer["op"]),
        printable(layer["code"]),
        _db(layer["alone"]),
        _db(layer["so_far"]),
        f"{error['largest']:.3g}" if steps is None else f"{steps:.1f}",
        f"{error['saturated']:.1%}",
    )


def _db(error: dict[str, Any] | None) -> str:
    if error is None:
        return "?"
    return "exact" if error["snr_db"] is None else f"{error['snr_db']:.1f} dB"


def _rest(record: dict[str, Any], exact: int) -> Iterator[str]:
    if exact:
        yield f"{exact} layer{'s' * (exact != 1)} more {'add' if exact != 1 else 'adds'} no error"
    by_order = [layer for layer in record["layers"] if layer["matched"] == "order"]
    if by_order:
        yield f"matched by their order, not by name: {_listed(by_order)}"
    for key, which in (("unmatched", "quantized"), ("unmatched_float", "float")):
        if record[key]:
            yield f"not matched, of the {which} model: {_listed(record[key])}"


def _listed(ops: list[dict[str, Any]]) -> str:
    return ", ".join(
        f"{op['op']} {printable(op['code'])}" for op in sorted(ops, key=lambda op: int(op["op"]))
    )


def _outputs(record: dict[str, Any]) -> str:
    apart, same = record["outputs"]["snr_db"], record["outputs"]["same_argmax"]
    text = "outputs: the same" if apart is None else f"outputs: {apart:.1f} dB"
    if same is not None:
        text += f", the largest is the same for {same:.1%} of the samples"
    figure = words.name_of(record["float"]["quality"])
    if figure is None:
        return text
    values = [words.figure(record[side]["quality"]) for side in ("float", "quantized")]
    return f"{text}; {figure} {values[0]} float, {values[1]} quantized"


def _blame(layers: list[dict[str, Any]]) -> str:
    """The layer to look at, and what such an error usually means."""
    if not layers:
        return "no layer adds an error"
    worst = layers[0]
    error = worst["alone"] or worst["so_far"]
    name = (
        "the model's input" if worst["op"] is None else f"operator {worst['op']} ({printable(worst['code'])})"
    )
    if error["snr_db"] >= _POOR:
        return f"{name} costs the most, and is good: no layer is below {_POOR:g} dB alone"
    if error["saturated"] >= _CUT:
        return (
            f"{name} costs the most: {error['saturated']:.1%} of its values are cut; calibrate on samples that hold "
            "such values"
        )
    return (
        f"{name} costs the most: {error['snr_db']:.1f} dB; see its weights' scales (boardproof inspect): one scale for "
        "channels of unlike size, or a scale that does not fit"
    )
