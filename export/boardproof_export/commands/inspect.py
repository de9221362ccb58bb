"""`boardproof inspect`: what a .tflite file holds, and which engine can run it: what `export` would say. Needs no
TensorFlow; TensorFlow Lite Micro is asked in a process of its own, where it is installed."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from boardproof_export.aot.cores import CORES, kernel_name
from boardproof_export.aot.limits import Reason, Support, configuration_reasons
from boardproof_export.aot.network import Network, resolve
from boardproof_export.commands import inspect_table
from boardproof_export.commands.memory import lines, plans_of
from boardproof_export.operators.registry import activation_of, constant_bytes, macs, total_macs
from boardproof_export.shared.model import Graph, Op, Quantization, Tensor, read_graph
from boardproof_export.tflm.engines import export_support

SCHEMA = "boardproof.inspect/1"


def run(*, model: Path, as_json: bool, memory: str | None = None) -> int:
    """The command: a table, or the record as JSON. An engine that cannot run the model is no error.

    Args:
        memory: draw the memory plan for this core profile instead; in the record, add the plans.

    Raises:
        InputError: `model` is no valid .tflite file, or it has no memory plan.
    """
    graph = read_graph(model)
    plans = () if memory is None else plans_of(graph, model)
    if as_json:
        extra = {"memory": [asdict(plan) for plan in plans]} if plans else {}
        print(json.dumps(record(graph) | extra, indent=2))
        return 0
    if memory is not None:
        print("\n".join(lines(plans, memory, inspect_table.width())))
        return 0
    inspect_table.show(record(graph), model)
    return 0


def record(graph: Graph) -> dict[str, Any]:
    """The whole answer as a JSON record, schema "boardproof.inspect/1". Sizes are bytes, indices the file's own."""
    network = resolve(graph)
    kernels = _kernels(network)
    return {
        "schema": SCHEMA,
        "model": {
            "name": graph.name,
            "sha256": graph.sha256,
            "bytes": graph.file_bytes,
            "schema_version": graph.schema_version,
            "description": graph.description,
            "subgraphs": graph.subgraphs,
        },
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "tensors": [_tensor(tensor) for tensor in graph.tensors],
        "ops": [_op(graph, op) | {"kernels": kernels.get(op.index, {})} for op in graph.ops],
        "constants_bytes": sum(len(tensor.data) for tensor in graph.tensors if tensor.data is not None),
        "macs": total_macs(graph),
        # Why this project's firmware cannot serve the model, whatever the engine.
        "firmware_limits": [str(reason) for reason in configuration_reasons(graph)],
        "engines": [_engine(answer) for answer in export_support(graph, network)],
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "index": tensor.index,
        "name": tensor.name,
        "type": tensor.type,
        "shape": list(tensor.shape),
        "dynamic": tensor.dynamic,
        "constant_bytes": 0 if tensor.data is None else len(tensor.data),
        "quantization": _quantization(tensor.quantization),
    }


def _quantization(quantization: Quantization | None) -> dict[str, Any] | None:
    if quantization is None:
        return None
    return {
        "kind": "per-channel" if quantization.per_channel else "per-tensor",
        "axis": quantization.axis if quantization.per_channel else None,
        "scales": [_json_number(float(scale)) for scale in quantization.scales],
        "zero_points": list(quantization.zero_points),
    }


def _json_number(value: float) -> float | None:
    """JSON has neither infinity nor NaN; a damaged file may."""
    return value if abs(value) < float("inf") else None


def _op(graph: Graph, op: Op) -> dict[str, Any]:
    return {
        "index": op.index,
        "code": op.code,
        "custom": op.custom,
        "version": op.version,
        "inputs": list(op.inputs),
        "outputs": list(op.outputs),
        "activation": activation_of(op),
        "macs": macs(graph, op),
        "constant_bytes": constant_bytes(graph, op),
    }


def _kernels(network: Network | tuple[Reason, ...]) -> dict[int, dict[str, str | None]]:
    """What would compute each operator, by its index and the core profile; nothing where aot cannot run the graph."""
    if not isinstance(network, Network):
        return {}
    return {
        node.op.index: {core.name: kernel_name(node.operator, node.layer, core) for core in CORES.values()}
        for node in network.nodes
    }


def _engine(answer: Support) -> dict[str, Any]:
    return {
        "name": answer.engine,
        "runs": answer.runs,
        "reasons": [
            {"op": None if reason.op is None else reason.op.index, "text": str(reason)}
            for reason in answer.reasons
        ],
    }
