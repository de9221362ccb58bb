"""Lowers a graph to what the ahead-of-time engine executes: steps over one planned arena."""

from dataclasses import dataclass

from boardproof_export.aot.pack import Pack
from boardproof_export.aot.plan import Buffer, Plan, plan_buffers
from boardproof_export.operators.fully_connected import DenseLayer, resolve_dense
from boardproof_export.shared.model import Graph, Op


@dataclass(frozen=True)
class Step:
    """An operator with its buffers, named as in the plan. `dense` is None for RESHAPE, which computes nothing.

    `scratch` is None where nothing is listed.
    """

    op: Op
    dense: DenseLayer | None
    source: str
    output: str
    output_bytes: int
    scratch: str | None


@dataclass(frozen=True)
class Program:
    """What model_aot.c holds: steps, the buffers they use and where those lie."""

    steps: tuple[Step, ...]
    buffers: tuple[Buffer, ...]
    plan: Plan
    input: str
    output: str


def lower(graph: Graph, pack: Pack) -> Program:
    """Lowers a graph that the aot engine supports (support.aot_reasons) for `pack`.

    A RESHAPE's output is its input under another name: no operator writes a buffer after it is read.
    """
    home = {graph.inputs[0]: graph.inputs[0]}  # tensor -> the tensor whose buffer it shares
    first = {graph.inputs[0]: -1}
    last = {graph.inputs[0]: 0}
    steps = []
    scratch = []
    for op in graph.ops:
        source, output = home[op.inputs[0]], op.outputs[0]
        dense = resolve_dense(graph, op) if op.code == "FULLY_CONNECTED" else None
        home[output] = output if dense else source
        first.setdefault(home[output], op.index)
        last[source] = op.index
        last[home[output]] = op.index
        list_name = None
        if dense and pack.lists:
            list_name = f"inputs of operator {op.index}"
            scratch.append(Buffer(list_name, pack.scratch_bytes(dense.depth), op.index, op.index))
        steps.append(
            Step(op, dense, _name(source), _name(home[output]), graph.tensors[output].count, list_name)
        )
    final = home[graph.outputs[0]]
    last[final] = len(graph.ops)
    tensors = [Buffer(_name(index), graph.tensors[index].count, first[index], last[index]) for index in first]
    buffers = (*tensors, *scratch)
    return Program(tuple(steps), buffers, plan_buffers(buffers), _name(graph.inputs[0]), _name(final))


def _name(tensor: int) -> str:
    return f"tensor {tensor}"
