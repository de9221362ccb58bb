"""What the host asks of a model, by an entry point: it imports nothing of this side."""

from pathlib import Path

from boardproof_export.aot.cores import CORES, kernel_name
from boardproof_export.aot.memory import memory_plan
from boardproof_export.aot.network import Network, resolve
from boardproof_export.commands.memory import tflm_arena
from boardproof_export.operators.registry import constant_bytes, macs
from boardproof_export.shared.facts import ModelFacts
from boardproof_export.shared.manifest import OpInfo
from boardproof_export.shared.model import read_graph


def facts_of(path: Path, engine: str, kernels: str) -> ModelFacts:
    """Operators and memory plan of the .tflite file `path`, quickly: nothing is packed.

    Args:
        engine, kernels: as a board says them in hello; for the engine aot the kernels are a core profile's name.

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
        memory = memory_plan(network, core, tflm_arena(graph, path))
    ops = (
        OpInfo(op.code, names.get(op.index), macs(graph, op), constant_bytes(graph, op)) for op in graph.ops
    )
    return ModelFacts(tuple(ops), memory)
