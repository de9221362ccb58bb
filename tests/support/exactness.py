"""Every output of a model, of every core profile's kernels on the host, against TensorFlow Lite Micro.

A missing `tflite-micro` fails at the import below: an absent oracle proves nothing.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, Node, resolve
from boardproof_export.commands import export
from boardproof_export.shared.model import parse_graph
from host_engine import RenderedModel, compile_engine


@dataclass(frozen=True)
class Case:
    """A model's bytes and its inputs, int8 (count, input elements)."""

    content: bytes
    inputs: NDArray[np.int8]


def oracle(case: Case) -> NDArray[np.int8]:
    """TensorFlow Lite Micro's outputs, int8 (count, output elements)."""
    interpreter = runtime.Interpreter.from_bytes(case.content, arena_size=200_000)
    shape = interpreter.get_input_details(0)["shape"]
    outputs = []
    for row in case.inputs:
        interpreter.set_input(row.reshape(shape), 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).ravel().copy())
    return np.array(outputs)


def prove(batch: list[Case]) -> None:
    """Renders every case for every pack, compiles them as one program and compares every output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = []
        for number, case in enumerate(batch):
            path = folder / f"{number}.tflite"
            path.write_bytes(case.content)
            for manifest in export.render(path, folder / str(number), list(CORES)):
                rendered = folder / str(number) / manifest.core
                models.append(RenderedModel(rendered, manifest.inputs[0].count, manifest.outputs[0].count))
        engine = compile_engine(folder / "build", models)
        for number, case in enumerate(batch):
            expected = oracle(case)
            for position, pack in enumerate(CORES):
                outputs = engine.run(number * len(CORES) + position, case.inputs)
                np.testing.assert_array_equal(outputs, expected, err_msg=pack)


def node_of(content: bytes) -> Node:
    """The first operator of a model that the aot engine takes."""
    network = resolve(parse_graph(content, Path("model.tflite")))
    assert isinstance(network, Network), network
    return network.nodes[0]


def reasons_of(content: bytes) -> list[str]:
    """Why the aot engine does not take a model."""
    network = resolve(parse_graph(content, Path("model.tflite")))
    assert not isinstance(network, Network)
    return [str(reason) for reason in network]


def random_case(content: bytes, seed: int, count: int = 5) -> Case:
    """A model with random inputs of one tensor; the first is constant, the second at both ends of int8."""
    source = parse_graph(content, Path("model.tflite"))
    size = source.tensors[source.inputs[0]].count
    rng = np.random.default_rng(seed)
    rows = rng.integers(-128, 128, (count, size))
    rows[0] = 5
    rows[1] = rng.choice([-128, 127], size)
    return Case(content, rows.astype(np.int8))


def check_reference(case: Case) -> None:
    """The NumPy reference of the model's only operator gives TensorFlow Lite Micro's outputs."""
    node = node_of(case.content)
    for row, wanted in zip(case.inputs, oracle(case), strict=True):
        np.testing.assert_array_equal(node.operator.reference(node.layer, row), wanted, str(node.layer))
