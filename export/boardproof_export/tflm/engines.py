"""Which engine can run a graph, and if not, why. `aot`: the ahead-of-time engine; `tflm`: TensorFlow Lite Micro."""

from pathlib import Path

from boardproof_export.aot.limits import Reason, Support
from boardproof_export.aot.network import Network, reasons_of, resolve
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph
from boardproof_export.tflm.arena import measured
from boardproof_export.tflm.limits import firmware_reasons, tflm_reasons


def support(graph: Graph) -> tuple[Support, ...]:
    """The verdict on every engine, from the graph alone: quick."""
    return (
        Support("aot", reasons_of(graph)),
        Support("tflm", tuple(tflm_reasons(graph))),
    )


def export_support(graph: Graph, network: Network | tuple[Reason, ...] | None = None) -> tuple[Support, ...]:
    """What `export` would say of each engine: TensorFlow Lite Micro itself is asked last, where it is installed.

    Args:
        network: what `resolve` says of the graph, where it was asked already.
    """
    answer = resolve(graph) if network is None else network
    aot = () if isinstance(answer, Network) else answer
    return (Support("aot", aot), Support("tflm", tuple(firmware_reasons(graph)) or _refusal(graph)))


def _refusal(graph: Graph) -> tuple[Reason, ...]:
    try:
        measured(graph, Path(f"{graph.name}.tflite"))
    except InputError as error:
        return (Reason(error.message),)
    return ()
