"""`boardproof inspect --quantization FLOAT INT8`: what quantization costs a model, layer by layer, worst first."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from boardproof_export.precision.interpreter import inputs_of, samples
from boardproof_export.precision.layers import Comparison, LayerError
from boardproof_export.precision.match import Matches, match
from boardproof_export.precision.score import Score, outputs_apart, score
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.labels import check_labels
from boardproof_export.shared.model import Graph, Op, read_graph
from boardproof_export.shared.sources import DataSource
from boardproof_export.shared.sources.opening import SourceOptions, open_source
from boardproof_export.shared.tensors import TensorInfo

SCHEMA = "boardproof.quantization/1"
SAMPLES = 100
SEED = 1


def run(*, floating: Path, quantized: Path, source: SourceOptions, count: int, as_json: bool) -> int:
    """The command: a table, or the record as JSON.

    Args:
        floating, quantized: .tflite files of the same network.
        source: real samples; Fashion-MNIST where none are named and they fit.
        count: samples at most, drawn by a fixed seed.

    Raises:
        InputError: a file is no valid .tflite file, the two are not of one network, or the data do not fit.
    """
    found = record(floating, quantized, source, count)
    if as_json:
        print(json.dumps(found, indent=2))
        return 0
    from boardproof_export.commands import quantization_table

    quantization_table.show(found)
    return 0


def record(floating: Path, quantized: Path, options: SourceOptions, count: int) -> dict[str, Any]:
    """The whole answer as a JSON record, schema "boardproof.quantization/1"; raises as `run`."""
    if count < 1:
        raise InputError(f"--samples {count} leaves no sample", hint="pass 1 or more")
    graphs = read_graph(floating), read_graph(quantized)
    edges = inputs_of(graphs[0], floating), inputs_of(graphs[1], quantized)
    _check_models(graphs, (floating, quantized), edges)
    matches = match(*graphs)
    if not matches.pairs:
        raise InputError(
            f"no layer of {quantized} has its like in {floating}: neither names nor order agree",
            hint="name two files of one conversion, as `boardproof convert` writes them",
        )
    data = _source(options, edges[0])
    check_labels(data, graphs[0].tensors[graphs[0].outputs[0]].count)
    generator = np.random.default_rng(SEED)
    indices = np.sort(generator.choice(len(data), min(count, len(data)), replace=False))
    paths = floating, quantized
    try:
        errors = _compare(graphs, paths, matches, data, indices)
        scores = [
            score(graph.content, data, indices, path) for graph, path in zip(graphs, paths, strict=True)
        ]
    except (RuntimeError, ValueError) as error:
        said = str(error).strip().partition("\n")[0]
        raise InputError(
            f"LiteRT cannot run {floating} or {quantized}: {said}", hint="convert the model again"
        ) from error
    return {
        "schema": SCHEMA,
        "float": _model(graphs[0], scores[0]),
        "quantized": _model(graphs[1], scores[1]),
        "data": {
            "name": data.name,
            "sha256": data.sha256,
            "samples": len(indices),
            "available": len(data),
            "seed": SEED,
        },
        "outputs": {"snr_db": outputs_apart(*scores), "same_argmax": _same_argmax(*scores)},
        "layers": [asdict(error) for error in errors],
        "unmatched": [_op(graphs[1], op) for op in matches.unmatched],
        "unmatched_float": [_op(graphs[0], op) for op in matches.unmatched_float],
    }


def _source(options: SourceOptions, inputs: tuple[TensorInfo, ...]) -> DataSource:
    if options.data is None and [tensor.count for tensor in inputs] != [784]:
        shapes = ", ".join(f"{tensor.name} {' x '.join(map(str, tensor.shape))}" for tensor in inputs)
        raise InputError(
            f"the model takes {shapes}, and no data were named: an image of Fashion-MNIST is 28 x 28",
            hint="name real samples with --data, or random:100",
        )
    return open_source(replace(options, part="test"))


def _compare(
    graphs: tuple[Graph, Graph],
    paths: tuple[Path, Path],
    matches: Matches,
    data: DataSource,
    indices: np.ndarray[Any, np.dtype[np.intp]],
) -> list[LayerError]:
    comparison = Comparison(*graphs, matches)
    fed = [samples(data, inputs_of(graph, path), indices) for graph, path in zip(graphs, paths, strict=True)]
    for chunks in zip(*fed, strict=True):
        for at in range(len(chunks[0][0])):
            floats, steps = (
                [
                    values[at].reshape(graph.tensors[index].shape)
                    for index, values in zip(graph.inputs, chunk, strict=True)
                ]
                for graph, chunk in zip(graphs, chunks, strict=True)
            )
            comparison.add(floats, steps)
    return comparison.errors()


def _check_models(
    graphs: tuple[Graph, Graph], paths: tuple[Path, Path], edges: tuple[tuple[TensorInfo, ...], ...]
) -> None:
    """Refuses what is not a float model and its like."""
    steps = [
        tensor
        for op in graphs[0].ops
        for tensor in (graphs[0].tensors[index] for index in op.outputs)
        if tensor.quantization is not None and tensor.data is None
    ]
    if steps:
        raise InputError(
            f"{paths[0]} computes with {steps[0].type} itself, so it is no float model",
            hint="name the float32 file first, the quantized one second",
        )
    mine, theirs = ([tensor.count for tensor in side] for side in edges)
    if mine != theirs and sorted(mine) != sorted(theirs):
        shapes = [", ".join(" x ".join(map(str, tensor.shape)) for tensor in side) for side in edges]
        raise InputError(
            f"{paths[0]} takes {shapes[0]} and {paths[1]} takes {shapes[1]}: they are not of one network",
            hint="name two files of one conversion",
        )


def _model(graph: Graph, found: Score) -> dict[str, Any]:
    return {
        "name": graph.name,
        "sha256": graph.sha256,
        "bytes": graph.file_bytes,
        "quality": {"kind": found.kind, "metrics": found.metrics},
    }


def _same_argmax(one: Score, other: Score) -> float | None:
    """Share of samples whose largest output is the same; None where an output has one value."""
    if one.outputs[0].shape[1] < 2:
        return None
    return float(np.mean(one.outputs[0].argmax(axis=1) == other.outputs[0].argmax(axis=1)))


def _op(graph: Graph, op: Op) -> dict[str, Any]:
    return {"op": op.index, "code": op.code, "tensor": graph.tensors[op.outputs[0]].name}
