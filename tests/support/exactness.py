"""Every output of a model, of every core profile's kernels on the host, against TensorFlow Lite Micro.

A missing `tflite-micro` fails at the import below: an absent oracle proves nothing.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, Node, resolve
from boardproof_export.commands import export
from boardproof_export.shared.model import Graph, Tensor, parse_graph
from host_engine import HostEngine, RenderedModel, compile_engine

ARENA_BYTES = 4_000_000


@dataclass(frozen=True)
class Case:
    """A model's bytes and its inputs (count, ...): a row holds the bytes of all inputs one behind the other."""

    content: bytes
    inputs: NDArray[Any]

    @property
    def rows(self) -> NDArray[np.uint8]:
        """The inputs' bytes, (count, bytes of all inputs)."""
        return np.ascontiguousarray(self.inputs).view(np.uint8).reshape(len(self.inputs), -1)


def graph_of(content: bytes) -> Graph:
    """The graph of a file's bytes."""
    return parse_graph(content, Path("model.tflite"))


def split(row: NDArray[np.uint8], tensors: Sequence[Tensor]) -> list[NDArray[Any]]:
    """Bytes as the tensors' values, flat."""
    arrays, at = [], 0
    for tensor in tensors:
        size = tensor.bytes or 0
        arrays.append(np.frombuffer(row[at : at + size].tobytes(), np.dtype(tensor.type.lower())))
        at += size
    return arrays


def oracle(case: Case, *, fresh: bool = False) -> NDArray[np.int8]:
    """TensorFlow Lite Micro's outputs as bytes, int8 (count, bytes of all outputs). `fresh`: each input meets an
    interpreter of its own."""
    interpreter = runtime.Interpreter.from_bytes(case.content, arena_size=ARENA_BYTES)
    graph = graph_of(case.content)
    inputs = [graph.tensors[index] for index in graph.inputs]
    found = []
    for row in case.rows:
        if fresh:
            interpreter = runtime.Interpreter.from_bytes(case.content, arena_size=ARENA_BYTES)
        for position, values in enumerate(split(row, inputs)):
            interpreter.set_input(values.reshape(interpreter.get_input_details(position)["shape"]), position)
        interpreter.invoke()
        outputs = [interpreter.get_output(position) for position in range(len(graph.outputs))]
        found.append(b"".join(np.ascontiguousarray(output).tobytes() for output in outputs))
    return np.frombuffer(b"".join(found), np.int8).reshape(len(found), -1)


def oracle_accepts(content: bytes) -> bool:
    """Whether TensorFlow Lite Micro allocates the model."""
    try:
        runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
    except RuntimeError:
        return False
    return True


@contextmanager
def compiled(batch: Sequence[Case]) -> Iterator[HostEngine]:
    """Every case's model, rendered for all kernels, as one program: models are by case, then in the order of CORES."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = []
        for number, case in enumerate(batch):
            path = folder / f"{number}.tflite"
            path.write_bytes(case.content)
            for manifest in export.render(path, folder / str(number), list(CORES)):
                models.append(RenderedModel.of(manifest, folder / str(number) / manifest.core))
        yield compile_engine(folder / "build", models)


def prove(batch: list[Case], *, stateful: bool = False) -> None:
    """Compares every output of every case and all kernels. `stateful`: with state kept through the inputs, and with
    state put back before each."""
    with compiled(batch) as engine:
        for number, case in enumerate(batch):
            for fresh in (False, True) if stateful else (False,):
                expected = oracle(case, fresh=fresh)
                for position, kernels in enumerate(CORES):
                    outputs = engine.run(number * len(CORES) + position, case.rows, fresh=fresh)
                    np.testing.assert_array_equal(
                        outputs, expected, f"case {number}, {kernels}, fresh: {fresh}"
                    )


def node_of(content: bytes) -> Node:
    """The first operator of a model that the aot engine takes."""
    network = resolve(graph_of(content))
    assert isinstance(network, Network), network
    return network.nodes[0]


def reasons_of(content: bytes) -> list[str]:
    """Why the aot engine does not take a model."""
    network = resolve(graph_of(content))
    assert not isinstance(network, Network)
    return [str(reason) for reason in network]


def random_case(content: bytes, seed: int, count: int = 5) -> Case:
    """A model with random inputs of any types; the first is constant, the second at both ends of the types."""
    graph = graph_of(content)
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        parts = [_values(graph.tensors[index], number, rng).tobytes() for index in graph.inputs]
        rows.append(np.frombuffer(b"".join(parts), np.int8))
    return Case(content, np.array(rows))


def _values(tensor: Tensor, number: int, rng: np.random.Generator) -> NDArray[Any]:
    dtype = np.dtype(tensor.type.lower())
    if dtype.kind == "f":
        ends, some = (-1e3, 1e3), rng.normal(0, 10.0 ** rng.integers(-3, 3), tensor.count)
    elif dtype.kind == "b":
        ends, some = (0, 1), rng.integers(0, 2, tensor.count).astype(np.float64)
    else:
        limits = np.iinfo(dtype)
        ends = (limits.min, limits.max)
        some = rng.integers(limits.min, limits.max, tensor.count, dtype, endpoint=True).astype(np.float64)
    if number == 0:
        return np.full(tensor.count, 1 if dtype.kind == "b" else 5).astype(dtype)
    return (rng.choice(ends, tensor.count) if number == 1 else some).astype(dtype)


def check_reference(case: Case) -> None:
    """The NumPy reference of the model's only operator gives TensorFlow Lite Micro's outputs."""
    node = node_of(case.content)
    graph = graph_of(case.content)
    inputs = [graph.tensors[index] for index in graph.inputs]
    states = [state.initial.copy() for state in node.states]
    for row, wanted in zip(case.rows, oracle(case), strict=True):
        given = dict(zip(graph.inputs, split(row, inputs), strict=True))
        made = node.operator.reference(node.layer, *(given[source] for source in node.sources), *states)
        written = dict(zip(node.outputs, made if isinstance(made, tuple) else (made,), strict=True))
        bytes_made = b"".join(np.ascontiguousarray(written[output]).tobytes() for output in graph.outputs)
        np.testing.assert_array_equal(np.frombuffer(bytes_made, np.int8), wanted, str(node.layer))
