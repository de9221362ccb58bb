"""The one reader of `.tflite` files, and the records that it gives. No judgement of what an engine runs may live here,
and no operator by name."""

from boardproof_export.shared.model.reader import parse_graph, read_graph
from boardproof_export.shared.model.records import (
    ABSENT,
    Activation,
    Graph,
    Op,
    Quantization,
    Subgraph,
    Tensor,
)

__all__ = [
    "ABSENT",
    "Activation",
    "Graph",
    "Op",
    "Quantization",
    "Subgraph",
    "Tensor",
    "parse_graph",
    "read_graph",
]
