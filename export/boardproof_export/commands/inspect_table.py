"""`boardproof inspect` for people: words the record, computes nothing. Plain text, as wide as the terminal; a pipe gets
it unwrapped."""

import shlex
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boardproof_export.shared.text import printable, shortened

_SHOWN_REASONS = 5
_UNBOUNDED = 1 << 16  # columns of a pipe
_INDENT = "  "
_LEAST_ROOM = 12  # columns for an operator's tensors; with less they take a line of their own


def show(record: dict[str, Any], path: Path) -> None:
    """Prints operators, tensors, totals and, last, what each engine says."""
    for line in lines(record, path, width()):
        print(line)


def width() -> int:
    """Columns: the terminal's, or $COLUMNS."""
    return shutil.get_terminal_size((_UNBOUNDED, 24)).columns


def lines(record: dict[str, Any], path: Path, columns: int) -> Iterator[str]:
    """The lines, none longer than `columns` where no single word is."""
    model = record["model"]
    yield from _wrapped(
        f"{model['name']}: {model['bytes']:,} bytes, schema {model['schema_version']}", columns
    )
    yield f"SHA-256 {shortened(model['sha256'], columns - 8)}"
    yield from _wrapped(
        f"{record['macs']:,} MACs an inference, {record['constants_bytes']:,} bytes of constants", columns
    )
    yield ""
    yield from _ops(record["ops"], columns)
    yield ""
    yield from _tensors(record, columns)
    yield ""
    for engine in record["engines"]:
        yield from _engine(engine, record["ops"], columns)
    if any(engine["runs"] for engine in record["engines"]):
        yield f"next: boardproof export {shlex.quote(str(path))}"  # whole, to be copied


def _engine(engine: dict[str, Any], ops: list[dict[str, Any]], columns: int) -> Iterator[str]:
    yield f"{engine['name']}: {'runs it' if engine['runs'] else 'cannot run it'}"
    for reason in engine["reasons"][:_SHOWN_REASONS]:
        yield from _wrapped(_INDENT + reason["text"], columns, 2 * _INDENT)
    rest = len(engine["reasons"]) - _SHOWN_REASONS
    if rest > 0:
        yield f"{_INDENT}and {rest} more"
    if engine["name"] == "aot":
        for kernel, cores in _kernels(ops).items():
            yield from _wrapped(f"{_INDENT}{kernel} on {', '.join(cores)}", columns, 2 * _INDENT)


def _ops(ops: list[dict[str, Any]], columns: int) -> Iterator[str]:
    """A row an operator: index, name, bytes of constants, MACs, and the tensors that it reads and writes."""
    names = [printable(op["code"]) + _fused(op["activation"]) for op in ops]
    sizes = [f"{op['constant_bytes']:,}" for op in ops]
    macs = [f"{op['macs']:,}" for op in ops]
    first, second, third = (
        max(len(heading), *map(len, cells), 0)
        for heading, cells in (("operator", names), ("constants", sizes), ("MACs", macs))
    )
    room = columns - (8 + first + second + third)
    heading = f" #  {'operator':<{first}}  {'constants':>{second}}  {'MACs':>{third}}"
    yield heading if room < _LEAST_ROOM else f"{heading}  tensors"
    for op, name, size, work in zip(ops, names, sizes, macs, strict=True):
        row = f"{op['index']:>2}  {name:<{first}}  {size:>{second}}  {work:>{third}}"
        tensors = f"{_indices(op['inputs'])} -> {_indices(op['outputs'])}"
        if room < _LEAST_ROOM:
            yield row
            yield from _wrapped(f"    {tensors}", columns, "    ")
        else:
            yield from _wrapped(f"{row}  {tensors}", columns, " " * (len(row) + 2))


def _tensors(record: dict[str, Any], columns: int) -> Iterator[str]:
    """Two lines a tensor: index, type, shape, what it is for and its name; then its quantization."""
    roles = dict.fromkeys(record["inputs"], "input") | dict.fromkeys(record["outputs"], "output")
    yield " #  tensor"
    for tensor in record["tensors"]:
        size = tensor["constant_bytes"]
        shape = "x".join(map(str, tensor["shape"])) or "scalar"
        facts = [f"{tensor['index']:>2}", tensor["type"], shape, roles.get(tensor["index"], "")]
        facts += [f"{size:,} B" if size else ""]
        row = "  ".join(fact for fact in facts if fact)
        name = printable(tensor["name"])
        fits = len(row) + 2 + len(name) <= columns
        if fits and name:
            row += f"  {name}"
        yield row
        if not fits:
            yield f"    {shortened(name, columns - 4)}"
        if tensor["quantization"] is not None:
            yield from _wrapped(f"    {_quantization(tensor['quantization'])}", columns, "    ")


def _quantization(quantization: dict[str, Any]) -> str:
    scales = [scale for scale in quantization["scales"] if scale is not None]
    if quantization["kind"] == "per-channel":
        spread = f"{min(scales):.4g} to {max(scales):.4g}" if scales else "none of them finite"
        return f"{len(quantization['scales'])} scales along axis {quantization['axis']}, {spread}"
    scale = f"{scales[0]:.6g}" if scales else "that is not finite"
    return f"scale {scale}, zero point {quantization['zero_points'][0]}"


def _kernels(ops: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Each kernel of the engine aot, with the core profiles that take it."""
    cores: dict[str, list[str]] = {}
    for op in ops:
        for core, kernel in op["kernels"].items():
            if kernel is not None and core not in cores.setdefault(kernel, []):
                cores[kernel].append(core)
    return cores


def _fused(activation: str | None) -> str:
    return "" if activation in (None, "NONE") else f" + {activation}"


def _indices(indices: list[int]) -> str:
    return " ".join("-" if index < 0 else str(index) for index in indices)


def _wrapped(text: str, columns: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        printable(text), columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
