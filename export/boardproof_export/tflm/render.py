"""Renders a model for the engine `tflm`: the C array, its configuration, the op resolver and the arena's size."""

from pathlib import Path

from boardproof_export.model.config import TflmConfig, render_config
from boardproof_export.model.rendering import comment, from_template
from boardproof_export.operators.registry import total_macs
from boardproof_export.shared.model import Graph
from boardproof_export.tflm.arena import arena_bytes, mve_scratch
from boardproof_export.tflm.resolver import resolver

FOLDER = "tflm"  # beside the core profiles of the ahead-of-time engine
_BYTES_A_ROW = 16


def render(graph: Graph, path: Path) -> tuple[dict[str, str], int]:
    """The texts of all files by name, and the arena's bytes (without MVE), for a graph without `firmware_reasons`.

    Raises:
        InputError: the host's TensorFlow Lite Micro cannot prepare the model `path`.
    """
    config = TflmConfig(arena_bytes(graph, path), mve_scratch(graph))
    files = render_data(graph) | render_config(graph, macs=total_macs(graph), tflm=config)
    return files | render_resolver(graph), config.arena_bytes


def render_data(graph: Graph) -> dict[str, str]:
    """model_data.c and model_data.h, by file name: the .tflite file as a C array. Any model will do."""
    model = {"name": comment(graph.name), "bytes": len(graph.content), "sha256": graph.sha256}
    context = {"model": model, "data_rows": _byte_rows(graph.content)}
    return {
        name: from_template("boardproof_export.tflm", f"{name}.j2", context)
        for name in ("model_data.c", "model_data.h")
    }


def render_resolver(graph: Graph) -> dict[str, str]:
    """model_ops.h, by file name: the op resolver of TensorFlow Lite Micro."""
    found = resolver(graph)
    context = {
        "model": {"name": comment(graph.name)},
        "calls": found.calls,
        "headers": found.headers,
        "per_channel_dense": found.per_channel_dense,
    }
    return {"model_ops.h": from_template("boardproof_export.tflm", "model_ops.h.j2", context)}


def _byte_rows(content: bytes) -> str:
    """One string, as a model may have many megabytes."""
    rows = (content[start : start + _BYTES_A_ROW] for start in range(0, len(content), _BYTES_A_ROW))
    return "\n".join(f"    {', '.join(f'0x{byte:02x}' for byte in row)}," for row in rows)
