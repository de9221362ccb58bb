"""Random graphs of several operators: every tensor that every core profile's C writes, on the way to the outputs,
too, is TensorFlow Lite Micro's."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, resolve
from support.exactness import ARENA_BYTES, Case, compiled, graph_of, random_case, split
from support.random_graphs import graphs

INFERENCES = 3


def tensors(case: Case, row: NDArray[np.uint8]) -> list[tuple[int, bytes]]:
    """What TensorFlow Lite Micro writes of a row of inputs: (operator, the bytes of an output), in order."""
    graph = graph_of(case.content)
    preserve = runtime.InterpreterConfig.kPreserveAllTensors
    interpreter = runtime.Interpreter.from_bytes(
        case.content, arena_size=ARENA_BYTES, intrepreter_config=preserve
    )
    for position, values in enumerate(split(row, [graph.tensors[index] for index in graph.inputs])):
        interpreter.set_input(values.reshape(interpreter.get_input_details(position)["shape"]), position)
    interpreter.invoke()
    return [
        (op.index, interpreter.GetTensor(output, 0)["tensor_data"].tobytes())
        for op in graph.ops
        for output in op.outputs
    ]


@settings(max_examples=6, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(graphs(), min_size=1, max_size=8), st.integers(0, 2**32))
def test_every_tensor_is_the_interpreters(contents: list[bytes], seed: int) -> None:
    """Many graphs a compilation: the compiler takes most of the time."""
    cases = [random_case(one, seed, INFERENCES) for one in contents if runs(one)]
    with compiled(cases) as engine:
        for number, case in enumerate(cases):
            wanted = [one for row in case.rows for one in tensors(case, row)]
            for position, core in enumerate(CORES):
                found = engine.trace(number * len(CORES) + position, case.rows)
                assert found == wanted, first_difference(case, core, found, wanted)


def runs(content: bytes) -> bool:
    """Whether there is anything to compute, with scales that the interpreter defines."""
    graph = graph_of(content)
    network = resolve(graph)
    if isinstance(network, Network):
        return bool(graph.ops)
    assert all("TensorFlow Lite Micro" in str(reason) or not graph.ops for reason in network), network
    return False


def first_difference(
    case: Case, core: str, found: list[tuple[int, bytes]], wanted: list[tuple[int, bytes]]
) -> str:
    """The operator that differs first."""
    for (index, one), (_, other) in zip(found, wanted, strict=True):
        if one != other:
            return f"{core}: {graph_of(case.content).ops[index].code}, {one!r} instead of {other!r}"
    return f"{core}: {len(found)} tensors instead of {len(wanted)}"
