"""Renders a model for the engine `tflm`: the C array, its configuration, the op resolver and the arena's size."""

from collections.abc import Iterator
from pathlib import Path

from boardproof_export.aot import render as codegen
from boardproof_export.aot.limits import Reason, configuration_reasons
from boardproof_export.model.config import render_config
from boardproof_export.operators.registry import total_macs
from boardproof_export.shared.model import Graph
from boardproof_export.tflm.arena import arena_bytes
from boardproof_export.tflm.limits import tflm_reasons
from boardproof_export.tflm.resolver import resolver

FOLDER = "tflm"  # beside the packs of the ahead-of-time engine

_STATEFUL = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "CIRCULAR_BUFFER"})


def firmware_reasons(graph: Graph) -> Iterator[Reason]:
    """Why firmware with the engine `tflm` cannot run the graph, in the graph's order."""
    yield from configuration_reasons(graph)
    yield from tflm_reasons(graph)
    for op in graph.ops:
        stateful = any(tensor >= 0 and graph.tensors[tensor].variable for tensor in (*op.inputs, *op.outputs))
        if stateful or op.code in _STATEFUL:
            # A repeated or reordered image would change the next one's output.
            yield Reason("keeps state from one input to the next, which the protocol does not", op)


def render(graph: Graph, path: Path) -> tuple[dict[str, str], int]:
    """The texts of all files by name, and the arena's bytes, for a graph without `firmware_reasons`.

    Raises:
        InputError: the host's TensorFlow Lite Micro cannot prepare the model `path`.
    """
    arena = arena_bytes(graph, path)
    files = codegen.render_data(graph) | render_config(graph, macs=total_macs(graph), tflm_arena_bytes=arena)
    return files | codegen.render_resolver(graph, resolver(graph)), arena
