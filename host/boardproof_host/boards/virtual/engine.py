"""The engine of the virtual board: TensorFlow Lite Micro itself, from PyPI's `tflite-micro`.

The interpreter says why it refuses a model only in text on standard error, and crashes the process when its arena
does not hold its own bookkeeping. So its text is read while it is made, and its arena is always ample: what a model
uses is measured, then compared with what the board was given.
"""

import os
import platform
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_export.shared.model import Graph
from boardproof_host.oracles.edges import Edges, split
from boardproof_host.protocol.messages import ErrorCode

AMPLE_ARENA_BYTES = 64 << 20  # pages that are not touched cost nothing

_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")
_NO_OP = re.compile(r"Failed to get registration from op code (\S+)")
_FAILED_NODE = re.compile(r"Node \S+ \(number (\d+)\) failed")
_NO_MEMORY = re.compile(r"Failed to allocate|Unable to allocate|Arena size is too small|Failed to resize")


class EngineError(Exception):
    """The engine cannot compute the model; the numbers are those of firmware/protocol.toml, enum error_code."""

    def __init__(self, code: ErrorCode, detail_a: int = 0, detail_b: int = 0, said: str = "") -> None:
        super().__init__(f"{code.name.lower()} ({detail_a}, {detail_b}) {said}".rstrip())
        self.code, self.detail_a, self.detail_b, self.said = code, detail_a, detail_b, said


@dataclass
class TflmEngine:
    """TensorFlow Lite Micro over one model: the mirror of firmware/src/engine/engine.h.

    An input meets the state of a fresh start where nobody asks to keep it.

    Args:
        graph: the model; its content must not change.
        edges: of that model.
        arena_bytes: refuse a model that uses more; None for no limit.

    Raises:
        EngineError: the interpreter cannot take this model.
        ToolMissingError: `tflite-micro` is not installed.
    """

    graph: Graph
    edges: Edges
    arena_bytes: int | None = None
    ram_used: int = field(
        init=False, default=0
    )  # as this machine's 64-bit interpreter measured it; 0: unknown
    ram_given: int = field(init=False, default=0)

    name = "tflm"
    kernels = "reference"

    def __post_init__(self) -> None:
        self._runtime = _import_runtime()
        ample = max(AMPLE_ARENA_BYTES, 10 * len(self.graph.content))
        self._interpreter = self._make("kAllocationRecording", ample)
        self.invoke(bytes(self.edges.input_bytes))
        self.ram_used = self._measure()
        self.ram_given = ample if self.arena_bytes is None else self.arena_bytes
        if self.ram_used > self.ram_given:
            raise EngineError(ErrorCode.ENGINE_ARENA, self.ram_used, self.ram_given)
        # None where the model is too large to keep the outputs of all operators: no profile then.
        self._preserving = self._construct("kPreserveAllTensors", ample)[0]

    @property
    def can_profile(self) -> bool:
        """The outputs of single operators can be seen."""
        return self._preserving is not None

    def reset(self) -> None:
        """Puts the model's state back to the start."""
        self._interpreter.reset()

    def invoke(self, data: bytes, *, keep: bool = False) -> bytes:
        """The model's outputs for one set of inputs, each one behind the other. `keep`: state is as the inference
        before left it.

        Raises:
            EngineError: an operator failed.
        """
        if not keep:
            self.reset()
        self._run(self._interpreter, data)
        outputs = (self._interpreter.get_output(index) for index in range(len(self.edges.outputs)))
        return b"".join(output.tobytes() for output in outputs)

    def profile(self, data: bytes) -> list[tuple[bytes, ...]]:
        """The outputs of every operator, in execution order, for one set of inputs.

        Raises:
            EngineError: an operator failed.
        """
        assert self._preserving is not None
        self._preserving.reset()
        self._run(self._preserving, data)
        return [tuple(self._tensor(index) for index in op.outputs) for op in self.graph.ops]

    def _tensor(self, index: int) -> bytes:
        if self.graph.tensors[index].bytes is None:
            return b""  # a handle, or text: nothing that could be compared
        assert self._preserving is not None
        tensor = self._preserving.GetTensor(index, 0)["tensor_data"]
        return bytes(np.ascontiguousarray(tensor).tobytes())

    def _run(self, interpreter: Any, data: bytes) -> None:
        try:
            for index, values in enumerate(split(np.frombuffer(data, np.uint8), self.edges.inputs)):
                interpreter.set_input(values, index)
            interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise self._failed_operator(interpreter) from error

    def _failed_operator(self, interpreter: Any) -> EngineError:
        with _standard_error() as said, suppress(RuntimeError):
            interpreter.invoke()
        match = _FAILED_NODE.search(said.text)
        return EngineError(ErrorCode.ENGINE_INVOKE, 0, int(match.group(1)) if match else 0, said.text)

    def _make(self, config: str, arena: int) -> Any:
        interpreter, said = self._construct(config, arena)
        if interpreter is None:
            raise self._refused(said, arena)
        return interpreter

    def _construct(self, config: str, arena: int) -> tuple[Any | None, str]:
        """An interpreter, or None with what it said of its failure."""
        interpreter, raised = None, ""
        with _standard_error() as said:
            try:
                interpreter = self._runtime.Interpreter.from_bytes(
                    self.graph.content,
                    arena_size=arena,
                    intrepreter_config=self._runtime.InterpreterConfig[config],
                )
            except (
                Exception
            ) as error:  # its own, and of a damaged file whatever the accessors of flatbuffers raise
                raised = f"{type(error).__name__}: {error}"
        return interpreter, said.text or raised

    def _refused(self, said: str, arena: int) -> EngineError:
        """Names what the interpreter's text says: a missing operator, one that does not fit, or too small an arena."""
        missing = _NO_OP.search(said)
        if missing:
            names = ["CUSTOM" if op.custom else op.code for op in self.graph.ops]
            index = names.index(missing.group(1)) if missing.group(1) in names else 0
            return EngineError(ErrorCode.ENGINE_OP, self.graph.ops[index].builtin, index, said)
        if _NO_MEMORY.search(said):
            return EngineError(ErrorCode.ENGINE_ARENA, 0, arena, said)
        node = _FAILED_NODE.search(said)
        if node:
            return EngineError(ErrorCode.ENGINE_INVOKE, 0, int(node.group(1)), said)
        return EngineError(ErrorCode.ENGINE_MODEL, said=said)

    def _measure(self) -> int:
        with _standard_error() as said:
            self._interpreter.print_allocations()
        match = _TOTAL.search(said.text)
        return int(match.group(1)) if match else 0


def refusal(error: EngineError, model: Path) -> InputError:
    """A board that lacks nothing cannot run the model: no board will, and the interpreter's own words say more than
    the number that a board answers."""
    lines = [line.strip() for line in error.said.splitlines() if line.strip()] or [error.code.name.lower()]
    return InputError(
        f"TensorFlow Lite Micro cannot run {model}: {lines[0]}",
        hint=f"see what runs where: boardproof inspect {shlex.quote(str(model))}",
    )


def engine_version() -> str:
    """The version of the interpreter's package, for the build id."""
    return version("tflite-micro")


def core_name() -> str:
    """This machine as hello names it."""
    return f"host-{platform.machine()}"[:32]


def _import_runtime() -> Any:
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError as error:
        raise ToolMissingError(
            f"the virtual board needs the package tflite-micro: {error}",
            hint="python -m pip install .   (x86-64 Linux only); elsewhere prove an emulated target instead",
        ) from error
    return runtime


@dataclass
class _Said:
    text: str = ""


@contextmanager
def _standard_error() -> Iterator[_Said]:
    """Catches what the interpreter's C++ writes to descriptor 2 meanwhile; the text is there after the block."""
    said = _Said()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as log:
        saved = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            log.seek(0)
            said.text = log.read().decode(errors="replace")
