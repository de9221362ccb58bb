"""What quantization costs each layer: a float model's tensors against its quantized one's, over samples.

Two comparisons a layer. *So far*: the float model's tensor against the quantized model's, with all that went wrong on
the way. *Alone*: both layers are given what the float model gave its layer, as the quantized model's tensors hold it:
the error that this layer adds, whatever the others did. A layer costs accuracy where it is bad alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.precision.match import Matches, Pair, makes_numbers, same_inputs
from boardproof_export.precision.observe import Observed, Single, real, taken_apart
from boardproof_export.precision.score import signal_to_noise
from boardproof_export.shared.model import Graph, Tensor
from boardproof_export.shared.tensors import quantize

Sample = Sequence[NDArray[Any]]  # an array an input of the model


@dataclass(frozen=True)
class Error:
    """Of a tensor's values, over all samples."""

    snr_db: float | None  # None where nothing but float32's own rounding differs
    largest: float  # in real units
    largest_steps: float | None  # in steps of the quantized tensor's scale
    saturated: float  # share of values, 0 to 1, that lie beyond what the quantized tensor holds by half a step or more


@dataclass(frozen=True)
class LayerError:
    """An input of the quantized model, or the first output of one of its operators."""

    op: int | None  # index; None for an input of the model
    code: str  # the operator's kind, or "input"
    tensor: str
    type: str
    shape: tuple[int, ...]
    matched: str  # "input", or as match.Pair has it
    float_tensor: str | None
    alone: Error | None  # None where the float layer cannot be given the same
    so_far: Error | None  # None where the float model has no such tensor

    @property
    def rank(self) -> tuple[bool, float]:
        """Worst first: by the layer alone; where that is not known, behind those, by all so far."""
        error = self.alone or self.so_far
        return self.alone is None, np.inf if error is None or error.snr_db is None else error.snr_db


@dataclass
class _Sums:
    """Powers and extremes of one comparison, a sample after the other."""

    tensor: Tensor  # the quantized one
    signal: float = 0.0
    noise: float = 0.0
    largest: float = 0.0
    outside: int = 0
    count: int = 0

    def add(self, wanted: NDArray[np.float64], found: NDArray[np.float64]) -> None:
        if wanted.shape != found.shape:
            raise ValueError("tensors of different sizes")
        finite = np.isfinite(wanted)
        wanted, found = wanted[finite], found[finite]
        apart = np.abs(wanted - found)
        self.signal += float(np.dot(wanted, wanted))
        self.noise += float(np.dot(apart, apart))
        self.largest = max(self.largest, float(apart.max(initial=0.0)))
        self.count += len(wanted)
        ends = _ends(self.tensor)
        if ends is not None:
            self.outside += int(np.count_nonzero((wanted < ends[0]) | (wanted > ends[1])))

    def error(self) -> Error | None:
        if self.count == 0:
            return None
        scale = _scale(self.tensor)
        return Error(
            signal_to_noise(self.signal, self.noise),
            self.largest,
            None if scale is None else self.largest / scale,
            self.outside / self.count,
        )


@dataclass
class _Layer:
    pair: Pair | None  # None for an input of the model
    tensor: Tensor
    floating: Tensor | None
    singles: tuple[Single | None, Single] | None = (
        None  # float, quantized; no float one for a change of scale
    )
    alone: _Sums = field(init=False)
    so_far: _Sums = field(init=False)

    def __post_init__(self) -> None:
        self.alone, self.so_far = _Sums(self.tensor), _Sums(self.tensor)

    def error(self) -> LayerError:
        op = None if self.pair is None else self.pair.quantized
        return LayerError(
            op=None if op is None else op.index,
            code="input" if op is None else op.code,
            tensor=self.tensor.name,
            type=self.tensor.type.lower(),
            shape=self.tensor.shape,
            matched="input" if self.pair is None else self.pair.how,
            float_tensor=None if self.floating is None else self.floating.name,
            alone=self.alone.error(),
            so_far=self.so_far.error(),
        )


class Comparison:
    """Both models, fed with the same samples."""

    def __init__(self, floating: Graph, quantized: Graph, matches: Matches) -> None:
        self._graphs = (floating, quantized)
        self._matches = matches
        self._parts = (taken_apart(floating), taken_apart(quantized))
        self._float, self._quantized = Observed(floating.content), Observed(quantized.content)
        self._layers = [
            _Layer(None, quantized.tensors[index], floating.tensors[matches.tensors[index]])
            for index in quantized.inputs
            if quantized.tensors[index].quantization is not None
        ]
        shown = (pair for pair in matches.pairs if makes_numbers(quantized, pair.quantized))
        self._layers += [self._layer(pair) for pair in shown]

    def add(self, floats: Sample, quantized: Sample) -> None:
        """One sample, as each model takes it: an array an input, in each model's order.

        Raises:
            RuntimeError, ValueError: the interpreter cannot run a model.
        """
        for observed, graph, sample in zip(
            (self._float, self._quantized), self._graphs, (floats, quantized), strict=True
        ):
            observed.run(dict(zip(graph.inputs, sample, strict=True)))
        for layer in self._layers:
            self._add(layer)

    def errors(self) -> list[LayerError]:
        """Worst first, alone; behind them those of which only the error so far is known."""
        return sorted((layer.error() for layer in self._layers), key=lambda error: error.rank)

    def _layer(self, pair: Pair) -> _Layer:
        floating, quantized = self._graphs
        index = pair.quantized.outputs[0]
        other = self._matches.tensors.get(index)
        layer = _Layer(pair, quantized.tensors[index], None if other is None else floating.tensors[other])
        try:
            if pair.float is None:
                layer.singles = None, Single(quantized, self._parts[1], pair.quantized)
            elif same_inputs(self._matches, floating, quantized, pair):
                layer.singles = (
                    Single(floating, self._parts[0], pair.float),
                    Single(quantized, self._parts[1], pair.quantized),
                )
        except (RuntimeError, ValueError):  # control flow, or a kernel that must see its neighbours
            layer.singles = None
        return layer

    def _add(self, layer: _Layer) -> None:
        if layer.floating is not None:
            wanted = real(layer.floating, self._float.tensor(layer.floating.index))
            found = real(layer.tensor, self._quantized.tensor(layer.tensor.index))
            layer.so_far.add(wanted, found)
            if layer.pair is None:
                layer.alone.add(wanted, found)
        if layer.pair is not None and layer.singles is not None:
            try:
                layer.alone.add(*self._alone(layer, layer.pair, *layer.singles))
            except (RuntimeError, ValueError):
                layer.singles = None  # it cannot be run by itself: nothing is said of it alone

    def _alone(
        self, layer: _Layer, pair: Pair, floating: Single | None, quantized: Single
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What both operators make of the same, in real numbers."""
        given = {index: self._given(self._graphs[1].tensors[index]) for index in quantized.inputs}
        (found,) = quantized.run(given, pair.quantized.outputs[:1])
        mine = real(layer.tensor, found)
        if floating is None or pair.float is None:
            (source,) = given
            return real(self._graphs[1].tensors[source], given[source]), mine
        values = {index: self._float.tensor(index) for index in floating.inputs}
        for index, array in given.items():
            other = self._matches.tensors.get(index)
            if other in values:
                wide = real(self._graphs[1].tensors[index], array)
                values[other] = wide.astype(values[other].dtype).reshape(values[other].shape)
        (wanted,) = floating.run(values, pair.float.outputs[:1])
        return real(self._graphs[0].tensors[pair.float.outputs[0]], wanted), mine

    def _given(self, tensor: Tensor) -> NDArray[Any]:
        """What the float model has for a tensor of the quantized one, as that holds it."""
        held = self._quantized.tensor(tensor.index)
        other = self._matches.tensors.get(tensor.index)
        if other is None:
            return held
        values = self._float.tensor(other)
        scale = _scale(tensor)
        if scale is not None and tensor.quantization is not None and held.dtype.kind in "iu":
            values = quantize(values, scale, tensor.quantization.zero_points[0], held.dtype)
        return values.astype(held.dtype).reshape(held.shape)


def _scale(tensor: Tensor) -> float | None:
    quantization = tensor.quantization
    if quantization is None or quantization.per_channel or quantization.scales[0] <= 0:
        return None
    return float(quantization.scales[0])


def _ends(tensor: Tensor) -> tuple[float, float] | None:
    """The least and the largest real value that rounds to one of the tensor's; None where it is not quantized."""
    scale = _scale(tensor)
    if scale is None or tensor.quantization is None or not tensor.type.startswith(("INT", "UINT")):
        return None
    limits, zero_point = np.iinfo(tensor.type.lower()), tensor.quantization.zero_points[0]
    return (limits.min - zero_point - 0.5) * scale, (limits.max - zero_point + 0.5) * scale
