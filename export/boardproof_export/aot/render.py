"""Renders C from a graph with the Jinja templates beside this module: text in, text out, no files written.

Templates only loop; every literal is formed here. The same graph and core profile give the same text.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.aot.cores import Core
from boardproof_export.aot.schedule import Program, Step
from boardproof_export.model.rendering import comment, from_template
from boardproof_export.operators.records import Array, Call, Member
from boardproof_export.shared.model import Graph

_ROW_BYTES = 16


def render_aot(graph: Graph, core: Core, program: Program) -> tuple[dict[str, str], dict[int, int]]:
    """model_aot.c, by file name, and the bytes of flash that the constants of each operator take, by its index."""
    layers, steps, flash, asserts = [], [], {}, []
    for step in program.steps:
        calls = _calls(step)
        layers += [_layer(step, call, name) for name, call in calls.items()]
        if step.kernel is not None:
            flash[step.node.op.index] = sum(call.flash_bytes for call in calls.values())
        for call in calls.values():
            asserts += [{"condition": condition, "says": says} for condition, says in call.asserts]
        steps.append(_step(step, calls, program.plan.offsets))
    offsets = program.plan.offsets
    context = {
        "model": {"name": comment(graph.name)},
        "core": core.name,
        "headers": sorted(
            {f"engine/aot/operators/{step.node.operator.c_room}.h" for step in program.steps if step.kernel}
        ),
        "target_checks": [core.refuses] if core.refuses else [],
        "arena_bytes": program.plan.arena_bytes,
        "inputs": [offsets[name] for name in program.inputs],
        "outputs": [offsets[name] for name in program.outputs],
        "places": [
            {"what": buffer.name, "offset": offsets[buffer.name], "bytes": buffer.size}
            for buffer in program.buffers
        ],
        "states": [_state(offsets[name], values) for name, values in program.initial],
        "asserts": list({tuple(entry.items()): entry for entry in asserts}.values()),
        "layers": layers,
        "steps": steps,
    }
    return {"model_aot.c": from_template("boardproof_export.aot", "model_aot.c.j2", context)}, flash


def _calls(step: Step) -> dict[str, Call]:
    """The calls of a step, by their descriptors' names."""
    if step.kernel is None:
        return {}
    name, packed = f"op{step.node.op.index}", step.kernel.pack(step.node.layer)
    if isinstance(packed, Call):
        return {name: packed}
    return {f"{name}_call{number}": call for number, call in enumerate(packed)}


def _layer(step: Step, call: Call, name: str) -> dict[str, Any]:
    """The arrays and the descriptor of a call."""
    index, node = step.node.op.index, step.node
    assert step.kernel is not None
    return {
        "index": index,
        "name": name,
        "what": f"{node.op.code}, {node.operator.describe(node.layer)}",
        "type": step.kernel.descriptor or f"aot_{node.operator.c_room}_t",
        "arrays": [
            {
                "name": f"{name}_{array.name}",
                "type": array.c_type,
                "what": array.what,
                "pieces": _pieces(array, f"{name}_{array.name}"),
                "cut": bool(array.lengths),
            }
            for array in call.arrays
        ],
        "members": [
            {"name": member, "value": _member(value, name)} for member, value in call.descriptor.items()
        ],
    }


def _state(offset: int, values: NDArray[np.uint8]) -> dict[str, Any]:
    """How a state is put back: filled with a byte, or written from an array, whose lines are `rows`."""
    return {
        "place": f"ARENA({offset})",
        "bytes": len(values),
        "fill": int(values[0]),
        "rows": "" if np.all(values == values[0]) else _array_rows(values),
    }


def _member(value: Member, name: str) -> str:
    if isinstance(value, str):
        return f"{name}_{value}"
    if isinstance(value, tuple):
        return f"{{{', '.join(map(_number, value))}}}"
    return f"{value.hex()}f" if isinstance(value, float) else _number(value)


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


def _step(step: Step, calls: dict[str, Call], offsets: dict[str, int]) -> dict[str, Any]:
    """The calls of an operator, and what the hook is told of its outputs."""
    node = step.node
    what = node.op.code
    if node.values is not None:
        what += ": known at export"
    elif step.kernel is None:
        what += ": in place"
    texts = []
    for name, call in calls.items():
        places = [*_chosen(step.sources, call.sources), *_chosen(step.outputs, call.outputs)]
        places += [*step.states, *([step.scratch] if step.scratch else [])]
        buffers = [f"ARENA({offsets[place]})" for place in places]
        assert step.kernel is not None
        texts.append(f"{call.function or step.kernel.name}({', '.join([f'&{name}', *buffers])})")
    return {
        "index": node.op.index,
        "what": what,
        "calls": texts,
        "outputs": [
            {"place": f"ARENA({offsets[place]})", "bytes": size}
            for place, size in zip(step.outputs, step.output_bytes, strict=False)
        ]
        or [
            {
                "place": f"op{node.op.index}_output{number}" if len(values) else "NULL",  # of a handle
                "bytes": len(values),
                "values": values.tolist(),
            }
            for number, values in enumerate(node.values or ())
        ],
    }


def _chosen(places: tuple[str, ...], positions: tuple[int, ...] | None) -> tuple[str, ...]:
    return places if positions is None else tuple(places[position] for position in positions)


def _number(value: int) -> str:
    # In C, -2147483648 is a minus before a number that does not fit int.
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _hexadecimal(value: int) -> str:
    return f"0x{value:08x}u"
