"""What is built into a virtual board: the model, the engine that runs it, and who the board says it is."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from boardproof_export.shared.model import Graph, parse_graph
from boardproof_export.shared.tensors import TensorInfo
from boardproof_host.boards.virtual import engine as virtual_engine
from boardproof_host.boards.virtual.engine import EngineError, TflmEngine
from boardproof_host.oracles.edges import Edges
from boardproof_host.protocol import messages
from boardproof_host.protocol.messages import TensorRole, TensorType

TARGET = "tflm_host"
LAYER_HEAD_BYTES = 11  # of a `layer` before its inputs


class Engine(Protocol):
    """What computes the model; see TflmEngine, and firmware/src/engine/engine.h."""

    name: str
    kernels: str
    ram_used: int
    ram_given: int

    @property
    def can_profile(self) -> bool: ...

    def reset(self) -> None: ...

    def invoke(self, data: bytes, *, keep: bool = False) -> bytes: ...

    def profile(self, data: bytes) -> list[tuple[bytes, ...]]: ...


@dataclass(frozen=True)
class Firmware:
    """What is built into a board. `engine` is the failure where the engine did not start."""

    graph: Graph
    edges: Edges
    build_id: bytes
    engine: Engine | EngineError
    target: str = TARGET
    core: str = virtual_engine.core_name()

    @property
    def model_sha256(self) -> bytes:
        return bytes.fromhex(self.graph.sha256)

    @property
    def answers_kept(self) -> int:
        """As many as take 4 KiB at most, but one (APP_ANSWERS_KEPT)."""
        kept = messages.ANSWERS_KEPT
        while kept > 1 and kept * (20 + self.edges.output_bytes) > 4096:
            kept //= 2
        return kept

    @property
    def longest_request(self) -> int:
        """Bytes of the longest payload: a `layer`, or an echo where that is shorter (APP_LONGEST_REQUEST)."""
        return max(LAYER_HEAD_BYTES + self.edges.input_bytes, messages.ECHO_MAX)

    @property
    def longest_answer(self) -> int:
        """Bytes of the longest payload: of hello with full texts, an inference, a profile, or a layer
        (APP_LONGEST_ANSWER)."""
        hello = 84 + 4 * (1 + messages.TEXT_MAX)
        hello += sum(len(tensor.pack()) for tensor in self.tensors)
        inference = 8 + self.edges.output_bytes
        profile = 15 * sum(len(op.outputs) for op in self.graph.ops)
        return max(hello, inference, profile, messages.LAYER_BYTES)

    @property
    def packed_fill(self) -> int:
        """The first input's zero point as a byte; 0 where it has none, or elements of more than a byte."""
        first = self.edges.inputs[0]
        return (first.zero_point or 0) & 0xFF if first.dtype.itemsize == 1 else 0

    @property
    def tensors(self) -> tuple[messages.Tensor, ...]:
        """The table that hello carries."""
        roles = (TensorRole.INPUT, self.edges.inputs), (TensorRole.OUTPUT, self.edges.outputs)
        return tuple(_tensor(role, tensor) for role, tensors in roles for tensor in tensors)


def _tensor(role: TensorRole, tensor: TensorInfo) -> messages.Tensor:
    quantized = tensor.scale is not None
    return messages.Tensor(
        role=role,
        type=TensorType[tensor.type.upper()],
        dims=tensor.shape,
        quantized=quantized,
        scale=tensor.scale or 0.0,
        zero_point=tensor.zero_point or 0,
    )


def build(model: bytes, arena_bytes: int | None = None, name: str = "the model") -> Firmware:
    """The virtual board's firmware over a .tflite file.

    Args:
        arena_bytes: RAM given to the interpreter; None for as much as the model needs.

    Raises:
        InputError: the file is no .tflite model that a board can run.
        ToolMissingError: `tflite-micro` is not installed.
    """
    path = Path(name)
    graph = parse_graph(model, path)
    edges = Edges.of(graph, path)
    try:
        engine: TflmEngine | EngineError = TflmEngine(graph, edges, arena_bytes)
    except EngineError as error:
        engine = error
    return Firmware(graph, edges, _build_id(), engine)


def _build_id() -> bytes:
    """First 8 bytes of the SHA-256 over the interpreter's version and the virtual board's own sources."""
    digest = hashlib.sha256(virtual_engine.engine_version().encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.digest()[:8]
