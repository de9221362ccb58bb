"""The plan of a network's arena as a record, to be drawn."""

from boardproof_export.aot.cores import Core
from boardproof_export.aot.network import Network
from boardproof_export.aot.schedule import Program, schedule
from boardproof_export.shared.memory import BufferKind, MemoryPlan, PlacedBuffer, TflmArena


def memory_plan(network: Network, core: Core, tflm: TflmArena | None) -> MemoryPlan:
    """Where everything lies on a kind of core.

    Args:
        tflm: what TensorFlow Lite Micro takes for the same graph.
    """
    program = schedule(network, core)
    homes = _tensors(network, program)
    buffers = [
        PlacedBuffer(
            kind=_kind(program, buffer.name, homes),
            tensors=tuple(homes.get(buffer.name, ())),
            offset=program.plan.offsets[buffer.name],
            bytes=buffer.size,
            first=buffer.first,
            last=buffer.last,
        )
        for buffer in program.buffers
    ]
    buffers.sort(key=lambda buffer: (buffer.first, buffer.offset, buffer.last))
    return MemoryPlan(core.name, program.plan.arena_bytes, len(network.graph.ops), tuple(buffers), tflm)


def _tensors(network: Network, program: Program) -> dict[str, list[int]]:
    """The tensors that lie in each buffer, in the order in which they are written."""
    homes: dict[str, list[int]] = {}
    places = [(network.graph.inputs, program.inputs)]
    places += [(step.node.outputs, step.outputs) for step in program.steps if step.outputs]
    for tensors, names in places:
        for tensor, name in zip(tensors, names, strict=True):
            homes.setdefault(name, []).append(tensor)
    return homes


def _kind(program: Program, name: str, homes: dict[str, list[int]]) -> BufferKind:
    if name not in homes:
        return "state" if name in [state for state, _ in program.initial] else "scratch"
    if name in program.inputs:
        return "input"
    return "output" if name in program.outputs else "between"
