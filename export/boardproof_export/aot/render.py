"""Renders C from a graph with the Jinja templates beside this module: text in, text out, no files written.

Templates only loop; every literal is formed here. The same graph and pack give the same text.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from boardproof_export.aot.pack import CHANNEL_BYTES, Pack, PackedWeights
from boardproof_export.aot.schedule import Program, Step
from boardproof_export.operators.fully_connected import DenseLayer
from boardproof_export.shared.model import Graph
from boardproof_export.tflm.resolver import Resolver

_ROW_BYTES = 16
_AVR_POINTER_BYTES = 3  # of a table entry, in flash


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("boardproof_export.aot", "templates"),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )


def _render(template: str, context: dict[str, Any]) -> str:
    return _environment().get_template(template).render(context)


def render_data(graph: Graph) -> dict[str, str]:
    """model_data.c and model_data.h, by file name: the .tflite file as a C array. Any model will do."""
    context = {
        "model": _model(graph),
        "data_rows": _rows((f"0x{byte:02x}" for byte in graph.content), _ROW_BYTES),
    }
    return {name: _render(f"{name}.j2", context) for name in ("model_data.c", "model_data.h")}


def render_resolver(graph: Graph, resolver: Resolver) -> dict[str, str]:
    """model_ops.h, by file name: the op resolver of TensorFlow Lite Micro."""
    context = {
        "model": _model(graph),
        "calls": resolver.calls,
        "headers": resolver.headers,
        "per_channel_dense": resolver.per_channel_dense,
    }
    return {"model_ops.h": _render("model_ops.h.j2", context)}


def render_aot(graph: Graph, pack: Pack, program: Program) -> tuple[dict[str, str], int]:
    """model_aot.c, by file name, and the bytes of flash that its constants take."""
    layers, flash = [], 0
    for step in program.steps:
        if step.dense is not None:
            layer, size = _layer(step, pack)
            layers.append(layer)
            flash += size
    offsets = program.plan.offsets
    context = {
        "model": _model(graph),
        "pack": {
            "name": pack.name,
            "block": pack.block,
            "block_macro": pack.block_macro,
            "element_bytes": pack.element_bytes,
        },
        "target_checks": [_DSP_CHECK] if pack.needs_dsp else [],
        "plan": {
            "arena_bytes": program.plan.arena_bytes,
            "input_offset": offsets[program.input],
            "output_offset": offsets[program.output],
            "places": [
                {"what": buffer.name, "offset": offsets[buffer.name], "bytes": buffer.size}
                for buffer in program.buffers
            ],
        },
        "scratches": [
            {"units": pack.units(step.dense.depth), "bytes": pack.scratch_bytes(step.dense.depth)}
            for step in program.steps
            if step.dense is not None and pack.lists
        ],
        "layers": layers,
        "steps": [_step(step, pack, offsets) for step in program.steps],
    }
    return {"model_aot.c": _render("model_aot.c.j2", context)}, flash


_DSP_CHECK = {
    "condition": "defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARM_FEATURE_DSP)",
    "message": "this core has no DSP instructions: build the pack portable",
}


def _model(graph: Graph) -> dict[str, Any]:
    return {
        "name": _comment(graph.name),
        "name_literal": _literal(graph.name),
        "bytes": len(graph.content),
        "sha256": graph.sha256,
        "schema_version": graph.schema_version,
        "op_count": len(graph.ops),
    }


def _layer(step: Step, pack: Pack) -> tuple[dict[str, Any], int]:
    """A FULLY_CONNECTED layer's arrays and descriptor, and the arrays' bytes."""
    dense, index = step.dense, step.op.index
    assert dense is not None
    packed = pack.weights(dense.weights, dense.input_zero_point)
    layer = {
        "index": index,
        "what": f"FULLY_CONNECTED, {dense.depth} to {dense.outputs}, fused {dense.activation.name}",
        "weights": {
            "type": pack.element,
            "arrays": _arrays(index, packed, pack),
            "cut": bool(packed.lengths),
        },
        "channels": _channels(dense),
        "members": _members(step, packed, pack),
    }
    pointers = len(packed.lengths) * _AVR_POINTER_BYTES
    return layer, packed.words.nbytes + pointers + CHANNEL_BYTES * dense.outputs


def _arrays(index: int, packed: PackedWeights, pack: Pack) -> list[dict[str, Any]]:
    """The C arrays of a layer's weights."""
    name = f"op{index}_weights"
    return [
        {
            "name": f"{name}_{number}" if packed.lengths else name,
            "count": len(words),
            "rows": _rows(
                (_number(value, pack.element) for value in words.tolist()), _ROW_BYTES // words.itemsize
            ),
        }
        for number, words in enumerate(packed.arrays)
    ]


def _channels(dense: DenseLayer) -> list[str]:
    """The initializer of each output's aot_channel_t."""
    repeat = dense.outputs // len(dense.multipliers)
    scales = list(zip(dense.multipliers, dense.shifts, strict=True)) * repeat
    return [
        f"{{{_number(bias, 'int32_t')}, {multiplier}, {-shift}}}"
        for bias, (multiplier, shift) in zip(dense.bias.tolist(), scales, strict=True)
    ]


def _members(step: Step, packed: PackedWeights, pack: Pack) -> list[dict[str, Any]]:
    dense, index = step.dense, step.op.index
    assert dense is not None
    values = {
        "weights": f"op{index}_weights",
        "channels": f"op{index}_channels",
        "batches": dense.batches,
        "depth": dense.depth,
        "outputs": dense.outputs,
        "paired": int(packed.paired),
        "input_zero_point": dense.input_zero_point,
        "weights_zero_point": dense.weights_zero_point + pack.weights_offset,
        "output_zero_point": dense.output_zero_point,
        "output_min": dense.output_min,
        "output_max": dense.output_max,
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def _step(step: Step, pack: Pack, offsets: dict[str, int]) -> dict[str, Any]:
    calls = []
    what = f"{step.op.code}: in place"
    if step.dense is not None:
        what = step.op.code
        places = [step.source, step.output, *([step.scratch] if step.scratch else [])]
        buffers = ", ".join(f"ARENA({offsets[place]})" for place in places)
        calls.append(f"{pack.kernel}(&op{step.op.index}, {buffers})")
    return {
        "index": step.op.index,
        "what": what,
        "calls": calls,
        "output_offset": offsets[step.output],
        "output_bytes": step.output_bytes,
    }


def _number(value: int, element: str) -> str:
    if element == "uint32_t":
        return f"0x{value:08x}u"
    # In C, -2147483648 is a minus before a number that does not fit int.
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _rows(items: Iterable[str], width: int) -> Sequence[str]:
    listed = list(items)
    return [", ".join(listed[start : start + width]) for start in range(0, len(listed), width)]


def _comment(text: str) -> str:
    """A file's stem inside a C comment: nothing that could end it."""
    return "".join(char if char.isascii() and (char.isalnum() or char in "._- ") else "_" for char in text)


def _literal(text: str) -> str:
    return f'"{_comment(text)}"'
