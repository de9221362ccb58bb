"""From a network to what is executed on one kind of core: a kernel each, over one planned arena."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boardproof_export.aot.cores import Core
from boardproof_export.aot.network import Network, Node
from boardproof_export.aot.plan import Buffer, Plan, plan_buffers
from boardproof_export.operators.records import Kernel


@dataclass(frozen=True)
class Step:
    """A node with its kernel and its buffers, named as in the plan; `states` lie there from one inference to the next.

    Without a kernel nothing is computed; without `scratch` the kernel needs none. What is known at export has no
    buffers.
    """

    node: Node
    kernel: Kernel | None  # type: ignore[type-arg]
    sources: tuple[str, ...]
    outputs: tuple[str, ...]
    output_bytes: tuple[int, ...]
    scratch: str | None
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """What model_aot.c holds: steps, the buffers they use and where those lie; inputs and outputs by buffer."""

    steps: tuple[Step, ...]
    buffers: tuple[Buffer, ...]
    plan: Plan
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    initial: tuple[tuple[str, NDArray[np.uint8]], ...] = ()  # states at the start, by buffer


@dataclass
class _Lifetimes:
    """Which buffer each tensor lies in, by the tensor that the buffer was made for, and when it is needed."""

    home: dict[int, int] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    bytes: dict[int, int] = field(default_factory=dict)

    def begin(self, tensor: int, moment: int, size: int) -> None:
        """A buffer of its own."""
        self.home[tensor] = tensor
        self.first[tensor], self.last[tensor], self.bytes[tensor] = moment, moment, size

    def share(self, tensor: int, other: int, size: int) -> None:
        """The buffer that `other` lies in."""
        home = self.home[tensor] = self.home[other]
        self.bytes[home] = max(self.bytes[home], size)

    def use(self, tensor: int, moment: int) -> None:
        """It is needed then, too."""
        home = self.home[tensor]
        self.last[home] = max(self.last[home], moment)


def schedule(network: Network, core: Core) -> Program:
    """Chooses a kernel for each node and plans the arena.

    Where nothing is computed, the output is the input under another name; where an operator can work in place and
    nobody reads its input later, it does. Inputs are all written before the first operator, outputs all read after the
    last.
    """
    graph = network.graph
    sizes = {tensor.index: tensor.bytes or 0 for tensor in graph.tensors}
    needed = _last_reads(network)
    lives = _Lifetimes()
    for tensor in graph.inputs:
        lives.begin(tensor, -1, sizes[tensor])
        lives.use(tensor, 0)
    scratches: list[Buffer] = []
    kernels = [
        None if node.values is not None else node.operator.kernel_for(core.features, node.layer)
        for node in network.nodes
    ]
    for node, kernel in zip(network.nodes, kernels, strict=True):
        if node.values is not None:
            continue
        moment = node.op.index
        _place_outputs(node, kernel is None, needed, lives, sizes)
        for tensor in (*node.sources, *node.outputs):
            lives.use(tensor, moment)
        if kernel and (size := kernel.scratch(node.layer)):
            scratches.append(Buffer(_scratch(node), size, moment, moment))
    for tensor in graph.outputs:
        lives.use(tensor, len(graph.ops))
    buffers = [
        Buffer(_name(home), lives.bytes[home], lives.first[home], lives.last[home]) for home in lives.first
    ]

    # No other buffer's time is longer: a state shares its place with none.
    states = {state.name: f"state {number}" for number, state in enumerate(network.states)}
    initial = tuple((states[state.name], state.initial) for state in network.states)
    kept = [Buffer(name, len(values), -1, len(graph.ops)) for name, values in initial]

    def place(tensors: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(_name(lives.home[tensor]) for tensor in tensors)

    with_scratch = {buffer.name for buffer in scratches}
    steps = tuple(
        Step(
            node=node,
            kernel=kernel,
            sources=() if node.values is not None else place(node.sources),
            outputs=() if node.values is not None else place(node.outputs),
            output_bytes=tuple(sizes[output] for output in node.outputs),
            scratch=_scratch(node) if _scratch(node) in with_scratch else None,
            states=tuple(states[state.name] for state in node.states),
        )
        for node, kernel in zip(network.nodes, kernels, strict=True)
    )
    everything = (*kept, *buffers, *scratches)
    plan = plan_buffers(everything)
    return Program(steps, everything, plan, place(graph.inputs), place(graph.outputs), initial)


def _last_reads(network: Network) -> dict[int, int]:
    """By tensor, the operator that reads it last; what the model gives is read after all."""
    last = {tensor: node.op.index for node in network.nodes for tensor in node.sources}
    return last | dict.fromkeys(network.graph.outputs, len(network.graph.ops))


def _place_outputs(
    node: Node, renames: bool, needed: dict[int, int], lives: _Lifetimes, sizes: dict[int, int]
) -> None:
    for position, output in enumerate(node.outputs):
        if not node.sources:  # what it writes comes of states alone
            lives.begin(output, node.op.index, sizes[output])
            continue
        first = node.sources[0]
        others = [tensor for tensor, home in lives.home.items() if home == lives.home[first]]
        free = all(needed.get(tensor, -1) <= node.op.index for tensor in others)
        alone = lives.home[first] not in [lives.home[source] for source in node.sources[1:]]
        if renames or (node.operator.in_place and position == 0 and free and alone):
            lives.share(output, first, sizes[output])
        else:
            lives.begin(output, node.op.index, sizes[output])


def _scratch(node: Node) -> str:
    return f"scratch of operator {node.op.index}"


def _name(tensor: int) -> str:
    return f"tensor {tensor}"
