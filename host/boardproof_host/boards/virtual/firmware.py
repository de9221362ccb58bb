"""What is built into a virtual board: the model, the engine that runs it, and who the board says it is."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from boardproof_export.shared.model import Graph, parse_graph
from boardproof_host.boards.virtual import engine as virtual_engine
from boardproof_host.boards.virtual.engine import EngineError, TflmEngine
from boardproof_host.oracles.edges import Edges

TARGET = "tflm_host"


class Engine(Protocol):
    """What computes the model; see TflmEngine, and firmware/src/engine/engine.h."""

    name: str
    kernels: str
    ram_used: int
    ram_given: int

    @property
    def can_profile(self) -> bool: ...

    def invoke(self, data: bytes) -> bytes: ...

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
