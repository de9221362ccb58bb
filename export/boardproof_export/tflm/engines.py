"""Which engine can run a graph, and if not, why. `aot`: the ahead-of-time engine; `tflm`: TensorFlow Lite Micro."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from boardproof_export.aot.limits import Reason, Support
from boardproof_export.aot.network import Network, reasons_of, resolve
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph, read_graph
from boardproof_export.tflm.arena import measured
from boardproof_export.tflm.limits import firmware_reasons, stateful_reasons, tflm_reasons


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


def require_engine(path: Path, engine: str, where: str) -> None:
    """Refuses a model that firmware with an engine cannot run, before anything is built or started; the host finds this
    by its entry point. TensorFlow Lite Micro itself is not asked: whoever runs it will.

    Args:
        engine: "aot" or "tflm".
        where: completes "cannot run", such as "on qemu_cortex_m3".

    Raises:
        InputError: it cannot, or the file cannot be read.
    """
    graph = read_graph(path)
    reasons = firmware_reasons(graph) if engine == "tflm" else reasons_of(graph)
    require(graph, reasons, path, f"cannot run {where}")


def require(graph: Graph, reasons: Iterable[Reason], path: Path, what: str) -> None:
    """Refuses a graph for which there is a reason.

    Raises:
        InputError: it names the file, `what` cannot be done, the first reason, and the way out.
    """
    first = next(iter(reasons), None)
    if first is not None:
        raise InputError(f"{path} {what}: {first}", hint=_way_out(graph, path))


def _way_out(graph: Graph, path: Path) -> str:
    file = shlex.quote(str(path))
    if isinstance(resolve(graph), Network):
        return f"the engine aot runs it: boardproof run --target qemu_cortex_m4 --model {file}"
    if next(firmware_reasons(graph), None) is None:
        return f"TensorFlow Lite Micro runs it: boardproof run --target tflm_host --model {file}"
    if graph.subgraphs != 1:
        return (
            "convert it without control flow and without state that is set up once: a board runs one subgraph"
        )
    stateful = any(stateful_reasons(graph))  # a conversion takes no state away
    if not stateful and any(tensor.type == "FLOAT32" for tensor in graph.tensors):
        return "export the full int8 rung of `boardproof convert`"
    return f"see what runs where: boardproof inspect {file}"
