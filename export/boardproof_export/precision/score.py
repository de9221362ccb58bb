"""How good a model's outputs are over a data source, and how far they are from another model's."""

from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.precision.interpreter import Runner, inputs_of, samples
from boardproof_export.shared import quality
from boardproof_export.shared.model import parse_graph
from boardproof_export.shared.quality import Kind, Real
from boardproof_export.shared.sources import DataSource

MOST_DB = 120.0  # beyond it float32's own rounding is all that differs


@dataclass(frozen=True)
class Score:
    """A model's outputs over samples."""

    kind: Kind | None  # what the first output means; None where the data do not tell
    metrics: dict[str, float | None]  # of the first output, by name; empty likewise
    outputs: tuple[NDArray[Any], ...]  # real values (N, C) an output, float32
    right: NDArray[np.bool_] | None = (
        None  # (N,) whether the class is the label; None where outputs are no classes
    )


def score(content: bytes, source: DataSource, indices: NDArray[np.intp], path: Path) -> Score:
    """Runs a .tflite file over the chosen samples.

    Args:
        path: names the model in errors.

    Raises:
        InputError: the data do not fit the model's inputs.
    """
    graph = parse_graph(content, path)
    inputs = inputs_of(graph, path)
    runner, parts = Runner(content), []
    for arrays in samples(source, inputs, indices):
        parts.append([values.astype(np.float32) for values in runner.real(runner.run(arrays))])
    outputs = tuple(np.concatenate(output) for output in zip(*parts, strict=True))
    truth = None if source.labels is None else source.labels[indices]
    infos = tuple(graph.tensors[index].info for index in graph.outputs)
    kind = None if infos[0] is None else quality.kind_of(truth, inputs, (infos[0],))
    if kind is None:
        return Score(None, {}, outputs)
    wanted = _real_inputs(source, inputs, indices) if kind == "reconstruction" else None
    found = quality.metrics(kind, outputs[0].astype(np.float64), truth, wanted)
    right = outputs[0].argmax(axis=1) == truth if kind == "classes" else None
    return Score(kind, found, outputs, right)


def _real_inputs(source: DataSource, inputs: tuple[Any, ...], indices: NDArray[np.intp]) -> Real:
    """What a reconstruction is held to: the first input as the model sees it."""
    parts = [
        quality.real_values(arrays[0].reshape(len(arrays[0]), -1), inputs[0])
        for arrays in samples(source, inputs, indices)
    ]
    found: Real = np.concatenate(parts)
    return found


def signal_to_noise(signal: float, noise: float) -> float | None:
    """Of two powers, in dB, -MOST_DB at least; None where there is no noise worth the name: beyond MOST_DB."""
    if noise == 0:
        return None
    ratio = 10 * log10(signal / noise) if signal > 0 else -MOST_DB
    return None if ratio > MOST_DB else max(-MOST_DB, ratio)


def outputs_apart(one: Score, other: Score) -> float | None:
    """The signal-to-noise ratio of the outputs of `other`, with those of `one` for the signal; None where they are the
    same."""
    signal = noise = 0.0
    for mine, theirs in zip(one.outputs, other.outputs, strict=True):
        signal += float(np.sum(np.square(mine, dtype=np.float64)))
        noise += float(np.sum(np.square(mine.astype(np.float64) - theirs)))
    return signal_to_noise(signal, noise)
