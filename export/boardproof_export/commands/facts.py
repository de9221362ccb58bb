"""What the host asks of a model, by an entry point: it imports nothing of this side."""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from boardproof_export.aot.cores import CORES, kernel_name
from boardproof_export.aot.memory import memory_plan
from boardproof_export.aot.network import Network, resolve
from boardproof_export.commands.digest import exporter_digest
from boardproof_export.commands.memory import tflm_arena
from boardproof_export.operators.registry import constant_bytes, macs
from boardproof_export.shared.facts import ModelFacts
from boardproof_export.shared.manifest import OpInfo
from boardproof_export.shared.memory import TflmArena
from boardproof_export.shared.model import Graph, read_graph


def facts_of(path: Path, engine: str, kernels: str, kept: Path) -> ModelFacts:
    """Operators and memory plan of the .tflite file `path`, quickly: nothing is packed.

    Args:
        engine, kernels: as a board says them in hello; for the engine aot the kernels are a core profile's name.
        kept: a folder for what TensorFlow Lite Micro was asked: that takes half a second.

    Raises:
        InputError: the file cannot be read.
    """
    graph = read_graph(path)
    core = CORES.get(kernels) if engine == "aot" else None
    network = resolve(graph) if core is not None else None
    names: dict[int, str | None] = {}
    memory = None
    if core is not None and isinstance(network, Network):
        names = {node.op.index: kernel_name(node.operator, node.layer, core) for node in network.nodes}
        memory = memory_plan(network, core, _arena(graph, path, kept))
    ops = (
        OpInfo(op.code, names.get(op.index), macs(graph, op), constant_bytes(graph, op)) for op in graph.ops
    )
    return ModelFacts(tuple(ops), memory)


def _arena(graph: Graph, path: Path, kept: Path) -> TflmArena | None:
    """What TensorFlow Lite Micro takes, as it was kept for this model and by what asked it."""
    try:
        asked = version("tflite-micro")
    except PackageNotFoundError:
        asked = "none"
    place = kept / f"{graph.sha256[:32]}-{exporter_digest()[:16]}-{asked}.json"
    with suppress(OSError, ValueError, TypeError):
        found = json.loads(place.read_text(encoding="utf-8"))
        return None if found is None else TflmArena(**found)
    arena = tflm_arena(graph, path)
    with suppress(OSError):  # the answer is as good without
        kept.mkdir(parents=True, exist_ok=True)
        scratch = place.with_suffix(f".{os.getpid()}")
        scratch.write_text(json.dumps(None if arena is None else asdict(arena)), encoding="utf-8")
        scratch.replace(place)
    return arena
