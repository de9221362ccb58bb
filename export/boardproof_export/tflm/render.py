"""Renders a model for the engine `tflm`: the C array, its configuration, the op resolver and the arena's size."""

from pathlib import Path

from boardproof_export.aot import render as codegen
from boardproof_export.model.config import TflmConfig, render_config
from boardproof_export.operators.registry import total_macs
from boardproof_export.shared.model import Graph
from boardproof_export.tflm.arena import arena_bytes, mve_scratch
from boardproof_export.tflm.resolver import resolver

FOLDER = "tflm"  # beside the packs of the ahead-of-time engine


def render(graph: Graph, path: Path) -> tuple[dict[str, str], int]:
    """The texts of all files by name, and the arena's bytes (without MVE), for a graph without `firmware_reasons`.

    Raises:
        InputError: the host's TensorFlow Lite Micro cannot prepare the model `path`.
    """
    config = TflmConfig(arena_bytes(graph, path), mve_scratch(graph))
    files = codegen.render_data(graph) | render_config(graph, macs=total_macs(graph), tflm=config)
    return files | codegen.render_resolver(graph, resolver(graph)), config.arena_bytes
