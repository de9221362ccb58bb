"""Why a graph cannot be run: the words for it, and what holds for every engine. The answer names the operator and its
index."""

from collections.abc import Iterator
from dataclasses import dataclass

from boardproof_export.operators.checks import UnsupportedError, per_tensor
from boardproof_export.shared.model import ABSENT, Graph, Op, Tensor


@dataclass(frozen=True)
class Reason:
    """Why an engine cannot run a graph; `op` is None where it concerns the whole model."""

    text: str
    op: Op | None = None

    def __str__(self) -> str:
        if self.op is None:
            return self.text
        return f"operator {self.op.index} ({self.op.code}) {self.text}"


@dataclass(frozen=True)
class Support:
    """An engine and what keeps it from running the graph: nothing, if it can."""

    engine: str
    reasons: tuple[Reason, ...]

    @property
    def runs(self) -> bool:
        """Whether the engine can run the graph."""
        return not self.reasons


_QUANTIZED = ("INT8",)
_MOST_EDGES = 255  # what hello counts
_MOST_VALUES = 1 << 24  # of a tensor: what no board holds takes memory here, too
_MOST_DIMENSIONS = 6  # RuntimeShape::kMaxSmallSize: kernels of TensorFlow Lite Micro write past it


def configuration_reasons(graph: Graph) -> Iterator[Reason]:
    """Why firmware cannot serve the model, whatever the engine."""
    if not graph.ops:
        yield Reason("the model has no operators")
    if len(set(graph.inputs)) < len(graph.inputs):
        yield Reason("two of the model's inputs are one tensor: the second would overwrite the first")
    if any(graph.tensors[index].data is not None for index in graph.inputs):
        yield Reason("an input of the model is a constant")
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        if not 0 < len(indices) <= _MOST_EDGES:
            yield Reason(f"the model has {len(indices)} {what}s")
        for index in indices:
            yield from _edge_reasons(graph.tensors[index], what)
    for op in graph.ops:
        tensors = [graph.tensors[index] for index in (*op.inputs, *op.outputs) if index != ABSENT]
        if (rank := max((len(tensor.shape) for tensor in tensors), default=0)) > _MOST_DIMENSIONS:
            yield Reason(f"has a tensor of {rank} dimensions, and the reference holds {_MOST_DIMENSIONS}", op)


def size_reasons(graph: Graph) -> Iterator[Reason]:
    """Why nobody should look further: a damaged file of a few bytes may tell of gigabytes."""
    for ops, tensors in ((graph.ops, graph.tensors), *((other.ops, other.tensors) for other in graph.others)):
        for op in ops:
            counts = [tensors[index].count for index in (*op.inputs, *op.outputs) if index != ABSENT]
            if (most := max(counts, default=0)) > _MOST_VALUES:
                yield Reason(f"has a tensor of {most:,} values; boards hold {_MOST_VALUES:,} at most", op)


def _edge_reasons(tensor: Tensor, what: str) -> Iterator[Reason]:
    if tensor.info is None:
        yield Reason(f"the model's {what} is {tensor.type}, which boards do not exchange")
        return
    if tensor.dynamic:
        yield Reason(f"the model's {what} has an open batch or dimension: convert with a batch of 1")
    if tensor.count == 0:
        yield Reason(f"the model's {what} is empty")
    if tensor.type not in _QUANTIZED:
        if tensor.quantization is not None and tensor.quantization.per_channel:
            yield Reason(f"the model has an {what} with {len(tensor.quantization.scales)} scales")
        return
    try:
        per_tensor(tensor, what)
    except UnsupportedError as error:
        yield Reason(f"the model {error}")
