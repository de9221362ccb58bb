"""Which engine can run a graph, and if not, why. `aot`: the ahead-of-time engine; `tflm`: TensorFlow Lite Micro."""

from boardproof_export.aot.limits import Support
from boardproof_export.aot.network import reasons_of
from boardproof_export.shared.model import Graph
from boardproof_export.tflm.limits import tflm_reasons


def support(graph: Graph) -> tuple[Support, ...]:
    """The verdict on every engine."""
    return (
        Support("aot", reasons_of(graph)),
        Support("tflm", tuple(tflm_reasons(graph))),
    )
