"""From a network to what is executed on one kind of core: a kernel each, over one planned arena."""

from dataclasses import dataclass

from boardproof_export.aot.cores import Core
from boardproof_export.aot.network import Network, Node
from boardproof_export.aot.plan import Buffer, Plan, plan_buffers
from boardproof_export.operators.records import Kernel


@dataclass(frozen=True)
class Step:
    """A node with its kernel and its buffers, named as in the plan.

    Without a kernel nothing is computed; without `scratch` the kernel needs none.
    """

    node: Node
    kernel: Kernel | None  # type: ignore[type-arg]
    source: str
    output: str
    output_bytes: int
    scratch: str | None


@dataclass(frozen=True)
class Program:
    """What model_aot.c holds: steps, the buffers they use and where those lie; inputs and outputs by buffer."""

    steps: tuple[Step, ...]
    buffers: tuple[Buffer, ...]
    plan: Plan
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def schedule(network: Network, core: Core) -> Program:
    """Chooses a kernel for each node and plans the arena.

    Where nothing is computed, the output is the input under another name: no operator writes a buffer after it is
    read. Inputs are all written before the first operator, outputs all read after the last.
    """
    graph = network.graph
    home = {index: index for index in graph.inputs}  # tensor -> the tensor whose buffer it shares
    first = dict.fromkeys(home, -1)
    last = dict.fromkeys(home, 0)
    steps, scratches = [], []
    for node in network.nodes:
        kernel = node.operator.kernel_for(core.features)
        moment, source = node.op.index, home[node.source]
        home[node.output] = node.output if kernel else source
        first.setdefault(home[node.output], moment)
        last[source] = last[home[node.output]] = moment
        scratch = None
        if kernel and (size := kernel.scratch(node.layer)):
            scratch = f"scratch of operator {moment}"
            scratches.append(Buffer(scratch, size, moment, moment))
        size = graph.tensors[node.output].count
        steps.append(Step(node, kernel, _name(source), _name(home[node.output]), size, scratch))
    for output in graph.outputs:
        last[home[output]] = len(graph.ops)
    tensors = [Buffer(_name(index), graph.tensors[index].count, first[index], last[index]) for index in first]
    buffers = (*tensors, *scratches)
    return Program(
        tuple(steps),
        buffers,
        plan_buffers(buffers),
        tuple(_name(index) for index in graph.inputs),
        tuple(_name(home[index]) for index in graph.outputs),
    )


def _name(tensor: int) -> str:
    return f"tensor {tensor}"
