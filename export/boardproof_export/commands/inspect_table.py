"""`boardproof inspect` for people: renders the record, computes nothing."""

from typing import Any

from rich.console import Console
from rich.table import Table

from boardproof_export.shared.model import Graph
from boardproof_export.shared.text import printable

_SHOWN_REASONS = 5


def show(graph: Graph, record: dict[str, Any]) -> None:
    """Prints operators, tensors, totals and what each engine says."""
    console = Console(highlight=False, markup=False, emoji=False)
    model = record["model"]
    console.print(f"{model['name']}: {model['bytes']:,} bytes, schema {model['schema_version']}")
    console.print(f"SHA-256 {model['sha256']}", soft_wrap=True)
    console.print(_ops(record))
    console.print(_tensors(record, graph))
    console.print(f"{record['macs']:,} MACs an inference, {record['constants_bytes']:,} bytes of constants")
    for engine in record["engines"]:
        _show_engine(console, engine)
    for limit in record["firmware_limits"]:
        console.print(f"the firmware cannot serve it: {limit}", soft_wrap=True)


def _show_engine(console: Console, engine: dict[str, Any]) -> None:
    if engine["runs"]:
        console.print(f"{engine['name']}: runs it")
        return
    console.print(f"{engine['name']}: cannot run it")
    for reason in engine["reasons"][:_SHOWN_REASONS]:
        console.print(f"  {reason['text']}", soft_wrap=True)
    rest = len(engine["reasons"]) - _SHOWN_REASONS
    if rest > 0:
        console.print(f"  and {rest} more")


def _ops(record: dict[str, Any]) -> Table:
    table = Table(title="Operators", title_justify="left")
    for name, justify in (("#", "right"), ("operator", "left"), ("reads", "left"), ("writes", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name in ("constants", "MACs"):
        table.add_column(name, justify="right")
    for op in record["ops"]:
        fused = "" if op["activation"] in (None, "NONE") else f" + {op['activation']}"
        table.add_row(
            str(op["index"]),
            op["code"] + fused,
            _indices(op["inputs"]),
            _indices(op["outputs"]),
            f"{op['constant_bytes']:,}",
            f"{op['macs']:,}",
        )
    return table


def _tensors(record: dict[str, Any], graph: Graph) -> Table:
    table = Table(title="Tensors", title_justify="left")
    table.add_column("#", justify="right")
    for name in ("name", "type", "shape", "quantization"):
        table.add_column(name)
    table.add_column("constant", justify="right")
    roles = dict.fromkeys(graph.inputs, " (input)") | dict.fromkeys(graph.outputs, " (output)")
    for tensor in record["tensors"]:
        size = tensor["constant_bytes"]
        table.add_row(
            str(tensor["index"]),
            printable(tensor["name"]) + roles.get(tensor["index"], ""),
            tensor["type"],
            "x".join(str(extent) for extent in tensor["shape"]) or "scalar",
            _quantization(tensor["quantization"]),
            f"{size:,} B" if size else "",
        )
    return table


def _quantization(quantization: dict[str, Any] | None) -> str:
    if quantization is None:
        return ""
    scales = [scale for scale in quantization["scales"] if scale is not None]
    if quantization["kind"] == "per-channel":
        spread = f"{min(scales):.4g} to {max(scales):.4g}" if scales else "no finite scale"
        return f"per-channel, axis {quantization['axis']}, {len(quantization['scales'])} scales {spread}"
    scale = f"{scales[0]:.6g}" if scales else "not finite"
    return f"per-tensor, scale {scale}, zero point {quantization['zero_points'][0]}"


def _indices(indices: list[int]) -> str:
    return ", ".join("-" if index < 0 else str(index) for index in indices)
