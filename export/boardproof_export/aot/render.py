"""Renders C from a graph with the Jinja templates beside this module: text in, text out, no files written.

Templates only loop; every literal is formed here. The same graph and core profile give the same text.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.aot.cores import Core
from boardproof_export.aot.schedule import Program, Step
from boardproof_export.model.rendering import comment, from_template
from boardproof_export.operators.records import Array, Call
from boardproof_export.shared.model import Graph

_ROW_BYTES = 16


def render_aot(graph: Graph, core: Core, program: Program) -> tuple[dict[str, str], dict[int, int]]:
    """model_aot.c, by file name, and the bytes of flash that the constants of each operator take, by its index."""
    layers, flash, asserts = [], {}, []
    for step in program.steps:
        if step.kernel is not None:
            call = step.kernel.pack(step.node.layer)
            layers.append(_layer(step, call))
            flash[step.node.op.index] = call.flash_bytes
            asserts += [{"condition": condition, "says": says} for condition, says in call.asserts]
    offsets = program.plan.offsets
    context = {
        "model": {"name": comment(graph.name)},
        "core": core.name,
        "headers": sorted(
            {f"engine/aot/operators/{step.node.operator.name}.h" for step in program.steps if step.kernel}
        ),
        "target_checks": [core.refuses] if core.refuses else [],
        "arena_bytes": program.plan.arena_bytes,
        "inputs": [offsets[name] for name in program.inputs],
        "outputs": [offsets[name] for name in program.outputs],
        "places": [
            {"what": buffer.name, "offset": offsets[buffer.name], "bytes": buffer.size}
            for buffer in program.buffers
        ],
        "asserts": list({tuple(entry.items()): entry for entry in asserts}.values()),
        "layers": layers,
        "steps": [_step(step, offsets) for step in program.steps],
    }
    return {"model_aot.c": from_template("boardproof_export.aot", "model_aot.c.j2", context)}, flash


def _layer(step: Step, call: Call) -> dict[str, Any]:
    """An operator's arrays and descriptor."""
    index, node = step.node.op.index, step.node
    return {
        "index": index,
        "what": f"{node.op.code}, {node.operator.describe(node.layer)}",
        "type": f"aot_{node.operator.name}_t",
        "arrays": [
            {
                "name": f"op{index}_{array.name}",
                "type": array.c_type,
                "what": array.what,
                "pieces": _pieces(array, f"op{index}_{array.name}"),
                "cut": bool(array.lengths),
            }
            for array in call.arrays
        ],
        "members": [
            {"name": name, "value": f"op{index}_{value}" if isinstance(value, str) else value}
            for name, value in call.descriptor.items()
        ],
    }


def _pieces(array: Array, name: str) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{name}_{number}" if array.lengths else name,
            "count": len(values) if array.lengths or values.ndim == 1 else "",
            "rows": _array_rows(values),
        }
        for number, values in enumerate(array.pieces)
    ]


def _array_rows(values: NDArray[Any]) -> str:
    """The lines of an initializer: one string, as there may be millions of numbers."""
    if values.ndim == 2:
        return "\n".join(f"    {{{', '.join(map(_number, row))}}}," for row in values.tolist())
    word = _hexadecimal if values.dtype == np.uint32 else _number
    width = _ROW_BYTES // values.itemsize
    rows = (values[start : start + width].tolist() for start in range(0, len(values), width))
    return "\n".join(f"    {', '.join(map(word, row))}," for row in rows)


def _step(step: Step, offsets: dict[str, int]) -> dict[str, Any]:
    node = step.node
    calls = []
    what = f"{node.op.code}: in place"
    if step.kernel is not None:
        what = node.op.code
        places = [step.source, step.output, *([step.scratch] if step.scratch else [])]
        buffers = ", ".join(f"ARENA({offsets[place]})" for place in places)
        calls.append(f"{step.kernel.name}(&op{node.op.index}, {buffers})")
    return {
        "index": node.op.index,
        "what": what,
        "calls": calls,
        "output_offset": offsets[step.output],
        "output_bytes": step.output_bytes,
    }


def _number(value: int) -> str:
    # In C, -2147483648 is a minus before a number that does not fit int.
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _hexadecimal(value: int) -> str:
    return f"0x{value:08x}u"
