"""A model's edges, its inputs and outputs, as the oracles and their worker need them."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.tensors import TENSOR_TYPES, TensorInfo, total_bytes

if TYPE_CHECKING:
    from boardproof_export.shared.model import Graph

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Edges:
    """Inputs and outputs, in the model's order."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    @property
    def input_bytes(self) -> int:
        return total_bytes(self.inputs)

    @property
    def output_bytes(self) -> int:
        return total_bytes(self.outputs)

    def to_json(self) -> dict[str, Any]:
        """For the worker's job."""
        return asdict(self)

    @classmethod
    def of(cls, graph: "Graph", path: Path) -> "Edges":
        """The edges of a model.

        Raises:
            InputError: it has none, or one of a type that no board takes.
        """
        if not graph.inputs or not graph.outputs:
            raise InputError(
                f"{path} has no input or no output", hint=f"boardproof inspect {shlex.quote(str(path))}"
            )
        return cls(
            tuple(_edge(graph, index, "input", path) for index in graph.inputs),
            tuple(_edge(graph, index, "output", path) for index in graph.outputs),
        )

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Edges":
        """The reverse of `to_json`."""
        return cls(*(tuple(map(TensorInfo.from_json, record[side])) for side in ("inputs", "outputs")))


def split(row: Bytes, tensors: tuple[TensorInfo, ...]) -> list[NDArray[Any]]:
    """A request's inputs, uint8 (total_bytes,), as arrays of the tensors' types and shapes."""
    arrays, at = [], 0
    for tensor in tensors:
        part = np.ascontiguousarray(row[at : at + tensor.bytes])
        arrays.append(part.view(tensor.dtype).reshape(tensor.shape))
        at += tensor.bytes
    return arrays


def _edge(graph: "Graph", index: int, side: str, path: Path) -> TensorInfo:
    tensor = graph.tensors[index]
    info = tensor.info
    if info is None:
        raise InputError(
            f"the {side} {tensor.name!r} of {path} is {tensor.type}, which no board takes",
            hint=f"convert it with edges of one of these types: {', '.join(TENSOR_TYPES)}",
        )
    return info
