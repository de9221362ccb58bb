"""Renders model_config.h: what the firmware, whatever its engine, knows of a model. Text out, no files written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boardproof_export.model.rendering import comment, from_template
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph, Tensor

_ROLES = {"INPUT": 0, "OUTPUT": 1}  # enum tensor_role of firmware/protocol.toml
_TYPES = {"FLOAT32": 0, "INT32": 2, "UINT8": 3, "BOOL": 6, "INT16": 7, "INT8": 9}  # enum tensor_type
_MOST_MACS = 2**32 - 1  # what the macro holds; a board that does more needs minutes


@dataclass(frozen=True)
class AotConfig:
    """What model_config.h says of the ahead-of-time engine."""

    kernels: str  # the core profile, e.g. "dsp"
    arena_bytes: int


@dataclass(frozen=True)
class TflmConfig:
    """What model_config.h says of TensorFlow Lite Micro."""

    arena_bytes: int
    mve_bytes: int  # more, on cores with MVE


def render_config(
    graph: Graph, *, macs: int = 0, aot: AotConfig | None = None, tflm: TflmConfig | None = None
) -> dict[str, str]:
    """model_config.h, by file name. It states nothing of an engine that is not given. `macs`: of one inference.

    Raises:
        InputError: an input or output has a type or a quantization that the protocol cannot tell.
    """
    edges = [("INPUT", graph.tensors[index]) for index in graph.inputs]
    edges += [("OUTPUT", graph.tensors[index]) for index in graph.outputs]
    written = [graph.tensors[index] for op in graph.ops for index in op.outputs]
    codes = [op.builtin for op in graph.ops]
    context = {
        "name": comment(graph.name),
        "bytes": len(graph.content),
        "sha256_rows": _rows((f"0x{byte:02x}" for byte in bytes.fromhex(graph.sha256)), 8),
        "schema_version": graph.schema_version,
        "op_codes": codes,
        "op_code_rows": _rows(map(str, codes), 16),
        "macs": min(macs, _MOST_MACS),
        "op_output_count": len(written),
        "op_output_bytes": sum(tensor.bytes or 0 for tensor in written),
        "roles": [
            {"name": role, "sizes": [tensor.bytes for of, tensor in edges if of == role]} for role in _ROLES
        ],
        "dims": [extent for _, tensor in edges for extent in tensor.shape],
        "tensors": list(_table(edges)),
        "has_variables": graph.keeps_state,
        "packed_fill": _packed_fill(graph.tensors[graph.inputs[0]]),
        "aot": aot,
        "tflm": tflm,
    }
    return {"model_config.h": from_template("boardproof_export.model", "model_config.h.j2", context)}


def _table(edges: Iterable[tuple[str, Tensor]]) -> Iterable[dict[str, Any]]:
    first_dim = 0
    for role, tensor in edges:
        scale, zero_point = _affine(tensor) or (np.float32(0), 0)
        yield {
            "role": _ROLES[role],
            "type": _TYPES[_edge_type(tensor)],
            "first_dim": first_dim,
            "rank": len(tensor.shape),
            "quantized": int(_affine(tensor) is not None),
            "scale": f"{float(scale).hex()}f",
            "zero_point": zero_point,
            "what": comment(f"{role.lower()} {'x'.join(map(str, tensor.shape))}, scale {float(scale):.9g}"),
        }
        first_dim += len(tensor.shape)


def _edge_type(tensor: Tensor) -> str:
    if tensor.type not in _TYPES:
        raise InputError(
            f"tensor {tensor.index} is an input or output of type {tensor.type}, which boards do not exchange",
            hint=f"give a model whose inputs and outputs are one of: {', '.join(_TYPES)}",
        )
    return tensor.type


def _affine(tensor: Tensor) -> tuple[np.float32, int] | None:
    """Scale and zero point of an input or output; None where it has none."""
    quantization = tensor.quantization
    if quantization is None:
        return None
    if quantization.per_channel:
        raise InputError(
            f"tensor {tensor.index} is an input or output with {len(quantization.scales)} scales",
            hint="give a model whose inputs and outputs have one scale each",
        )
    return np.float32(quantization.scales[0]), quantization.zero_points[0]


def _packed_fill(tensor: Tensor) -> int:
    """The zero point of a tensor of bytes; 0 for every other: zeros are what its memory holds."""
    affine = _affine(tensor)
    return affine[1] & 0xFF if affine is not None and tensor.type in ("INT8", "UINT8") else 0


def _rows(items: Iterable[str], width: int) -> Sequence[str]:
    listed = list(items)
    return [", ".join(listed[start : start + width]) for start in range(0, len(listed), width)]
