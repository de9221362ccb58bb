"""The size of TensorFlow Lite Micro's arena for a model, measured on this machine's interpreter.

The rule, and what it is good for, stand in docs/ENGINE_TFLM.md.
"""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.memory import TflmArena
from boardproof_export.shared.model import Graph, Op

_ALIGNMENT = 16  # MicroArenaBufferAlignment()
_PROBE_SECONDS = 120.0
_NOT_INSTALLED = 4
_PROBE = """\
import sys
try:
    from tflite_micro import runtime
except ImportError:
    sys.exit(4)
content = sys.stdin.buffer.read()
runtime.Interpreter.from_bytes(content, arena_size=int(sys.argv[1])).print_allocations()
"""
_LINE = re.compile(r"Arena allocation (head|tail) (\d+) bytes")
# Structures of nothing but pointers, each padded to one: half as large on a 32-bit core.
_POINTERS = re.compile(r"'(?:TfLiteEvalTensor data|NodeAndRegistration struct)' used (\d+) bytes")


@dataclass(frozen=True)
class Arena:
    """What the interpreter allocated on a 64-bit host, in bytes: tensors and scratch at the bottom, the rest on top."""

    head: int
    tail: int
    pointers: int  # of the tail: what is half as large on a 32-bit core


def arena_bytes(graph: Graph, path: Path) -> int:
    """Bytes to give the arena on a board, a multiple of 16: an upper bound for 32-bit cores.

    Raises:
        InputError: as `board_arena`.
    """
    return board_arena(graph, path).bytes


def board_arena(graph: Graph, path: Path) -> TflmArena:
    """What the arena holds on a board: upper bounds for 32-bit cores.

    The allocators' own structures are smaller there, which is the margin. Cores with MVE need `mve_scratch` more. Where
    `tflite_micro` is not installed (there are wheels for x86-64 Linux alone) the parts are bounded from the graph.

    Raises:
        InputError: the host's interpreter cannot prepare the model `path`; its own words are in the message.
    """
    found = measured(graph, path)
    arena = found or estimated(graph)
    return TflmArena(
        tensors=_aligned(max(arena.head, _planning_bytes(graph))) + _kernel_scratch(graph),
        structures=_aligned(arena.tail - arena.pointers // 2),
        measured=found is not None,
    )


def measured(graph: Graph, path: Path) -> Arena | None:
    """What the host's interpreter allocates, None without one; in a process of its own, as a bad model may crash it.

    Raises:
        InputError: it cannot prepare the model `path`.
    """
    roomy = 2 * (estimated(graph).head + estimated(graph).tail + len(graph.content)) + (1 << 20)
    command = [sys.executable, "-c", _PROBE, str(roomy)]
    try:
        done = subprocess.run(
            command, input=graph.content, capture_output=True, check=False, timeout=_PROBE_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"TensorFlow Lite Micro did not prepare {path} within {_PROBE_SECONDS:.0f} s",
            hint=f"see what the file holds: boardproof inspect {shlex.quote(str(path))}",
        ) from error
    if done.returncode == _NOT_INSTALLED:
        return None
    said = (done.stdout + done.stderr).decode(errors="replace")
    sizes = {name: int(size) for name, size in _LINE.findall(said)}
    if done.returncode != 0 or set(sizes) != {"head", "tail"}:
        raise InputError(
            f"TensorFlow Lite Micro cannot prepare {path}: {_complaint(said, done.returncode)}",
            hint=f"see what runs where: boardproof inspect {shlex.quote(str(path))}",
        )
    return Arena(sizes["head"], sizes["tail"], sum(map(int, _POINTERS.findall(said))))


def _complaint(said: str, code: int) -> str:
    """The interpreter's first line; what its Python raised, where it said nothing before."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or [f"exit code {code}"]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]


def estimated(graph: Graph) -> Arena:
    """Bounds from the graph alone: no two activations share memory, structures are those of a 64-bit host.

    What a kernel keeps beside its parameters (look-up tables, a transposed convolution's scratch) is not in there.
    """
    head = sum(_aligned(tensor.bytes or 0) for tensor in graph.tensors if tensor.data is None)
    channels = sum(_channels(graph, op) for op in graph.ops)
    pointers = 24 * len(graph.tensors) + 64 * len(graph.ops)
    return Arena(head, 1024 + pointers + 192 * len(graph.ops) + 8 * channels, pointers)


def _planning_bytes(graph: Graph) -> int:
    """What preparing takes at the bottom for a while, on a 32-bit core.

    First an operator's tensors with the zero points of its per-channel weights and bias (AllocateTempTfLiteTensor),
    later the planner's lists: 24 bytes a tensor (AllocationInfo) and 44 one that gets memory
    (GreedyMemoryPlanner::per_buffer_size), each beside 12 scratch requests.
    """
    tensors = 160 + 2 * (12 + 4 * max((_channels(graph, op) for op in graph.ops), default=0))
    planned = sum(1 for tensor in graph.tensors if tensor.data is None)
    return 192 + max(tensors, 24 * len(graph.tensors) + 44 * planned)


def _channels(graph: Graph, op: Op) -> int:
    """Scales of an operator's per-channel weights, 0 without."""
    weights = graph.optional(op, 1)
    if weights is None or weights.quantization is None or not weights.quantization.per_channel:
        return 0
    return len(weights.quantization.scales)


def mve_scratch(graph: Graph) -> int:
    """Bytes that the arena needs more on cores with MVE, where CMSIS-NN keeps 4 bytes an output of a dense layer."""
    return _kernel_scratch(graph, mve=True) - _kernel_scratch(graph)


def _kernel_scratch(graph: Graph, *, mve: bool = False) -> int:
    """What CMSIS-NN's kernels ask for and the reference kernels of the host do not: one operator's at a time.

    Formulas: the *_get_buffer_size functions of CMSIS-NN (4 bytes an output of a dense layer, on cores with MVE; two
    columns of int16 for a convolution; one int16 a weight for a depthwise one).
    """
    return _aligned(max((_op_scratch(graph, op, mve) for op in graph.ops), default=0))


def _op_scratch(graph: Graph, op: Op, mve: bool) -> int:
    weights = graph.optional(op, 1)
    if weights is None or weights.type != "INT8" or not weights.shape:
        return 0
    if op.code == "FULLY_CONNECTED":
        return 4 * weights.shape[0] if mve else 0
    if op.code == "CONV_2D":
        return 4 * _aligned(weights.count // max(weights.shape[0], 1))
    if op.code == "DEPTHWISE_CONV_2D":
        return 2 * weights.count
    return weights.count if op.code == "TRANSPOSE_CONV" else 0


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
