"""Damaged .tflite files, made of good ones: bytes that change between the constants, and tables whose fields do.

A damaged file is a function of the good files and a number, so that a finding can be made again.
"""

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite.Model import Model

_MOST_REPACKED = 1 << 18  # bytes of a file whose tables are changed: Python packs no large ones in good time
_EXTREMES = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    127,
    128,
    255,
    32767,
    32768,
    65535,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
)
_EXTENTS = (-1, 0, 1, 2, 3, 5, 1000, 65536, 1 << 20, 2**31 - 1)
_SCALES = (0.0, -1.0, 1e-45, 1e-38, 1e-10, 1.0, 1e10, 3e38, float("inf"), float("nan"))


class Mutator:
    """Files to damage. `damaged(number)` is the same for the same files and number."""

    def __init__(self, files: Sequence[bytes]) -> None:
        self._files = [(content, _places(content)) for content in files]

    def damaged(self, number: int) -> bytes:
        """One of the files, with a few changes."""
        random = np.random.default_rng(number)
        content, places = self._files[int(random.integers(len(self._files)))]
        if len(content) <= _MOST_REPACKED and random.random() < 0.5:
            return _repacked(content, random)
        return self._bytes_changed(content, places, random)

    def _bytes_changed(
        self, content: bytes, places: np.ndarray[Any, Any], random: np.random.Generator
    ) -> bytes:
        changed = bytearray(content)
        for _ in range(int(random.integers(1, 5))):
            at, kind = int(random.choice(places)), random.integers(4)
            if kind == 0:
                changed[at] ^= 1 << int(random.integers(8))
            elif kind == 1:
                size, at = int(random.choice((1, 2, 4))), at & ~3
                value = int(random.choice(_EXTREMES)) % (1 << 8 * size)
                changed[at : at + size] = value.to_bytes(size, "little")
            elif kind == 2:
                near = int.from_bytes(changed[at & ~3 : (at & ~3) + 4], "little") + int(
                    random.integers(-8, 9)
                )
                changed[at & ~3 : (at & ~3) + 4] = (near % (1 << 32)).to_bytes(4, "little")
            else:
                other, there = self._files[int(random.integers(len(self._files)))]
                start, size = int(random.choice(there)), int(random.integers(4, 65))
                changed[at : at + size] = other[start : start + size]
        end = int(random.choice(places)) if random.random() < 0.05 else len(content)
        return bytes(changed[:end])


def _places(content: bytes) -> np.ndarray[Any, Any]:
    """Where bytes are no constants: tables, vectors and names."""
    inside = np.zeros(len(content), bool)
    model = Model.GetRootAs(content, 0)
    for position in range(model.BuffersLength()):
        table = model.Buffers(position)._tab
        if field := table.Offset(4):
            start = table.Vector(field)
            inside[start : start + table.VectorLen(field)] = True
    return np.flatnonzero(~inside)


def _repacked(content: bytes, random: np.random.Generator) -> bytes:
    """The file packed anew, with fields of its tables changed: sound offsets, and what they lead to is not."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    for _ in range(int(random.integers(1, 4))):
        random.choice((_change_tensor, _change_quantization, _change_op, _change_options, _change_buffer))(  # type: ignore[arg-type]
            model, graph, random
        )
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    except Exception:  # a number that its field does not hold
        return content
    return bytes(builder.Output())


def _one(entries: Any, random: np.random.Generator) -> Any:
    return entries[int(random.integers(len(entries)))]


def _change_tensor(model: Any, graph: Any, random: np.random.Generator) -> None:
    tensor, kind = _one(graph.tensors, random), random.integers(6)
    shape = [int(extent) for extent in (tensor.shape if tensor.shape is not None else ())]
    if kind == 0 and shape:
        shape[int(random.integers(len(shape)))] = int(
            random.choice((-1, 0, 1, 2, 3, 5, 1000, 65536, 1 << 20, 2**31 - 1))
        )
    elif kind == 1:
        shape.insert(int(random.integers(len(shape) + 1)), int(random.integers(0, 4)))
    elif kind == 2 and shape:
        del shape[int(random.integers(len(shape)))]
    elif kind == 3:
        tensor.type = int(random.integers(0, 18))
    elif kind == 4:
        tensor.buffer = int(random.integers(len(model.buffers)))
    else:
        tensor.isVariable = True
    tensor.shape = shape


def _change_quantization(_model: Any, graph: Any, random: np.random.Generator) -> None:
    table, kind = _one(graph.tensors, random).quantization, random.integers(5)
    if table is None or table.scale is None or table.zeroPoint is None or not len(table.scale):
        return
    scales, points = np.array(table.scale, np.float32), np.array(table.zeroPoint, np.int64)
    if kind == 0:
        scales[int(random.integers(len(scales)))] = random.choice(_SCALES)
    elif kind == 1 and len(points):
        points[int(random.integers(len(points)))] = int(
            random.choice((-129, -128, -1, 0, 1, 127, 128, 2**31, 2**62))
        )
    elif kind == 2:
        scales = scales[: int(random.integers(len(scales)))]
    elif kind == 3:
        scales, points = np.repeat(scales, 2), np.repeat(points, 2)
    else:
        table.quantizedDimension = int(random.integers(-2, 6))
    table.scale, table.zeroPoint = scales, points


def _change_op(model: Any, graph: Any, random: np.random.Generator) -> None:
    op, kind = _one(graph.operators, random), random.integers(5)
    inputs = [int(index) for index in (op.inputs if op.inputs is not None else ())]
    outputs = [int(index) for index in (op.outputs if op.outputs is not None else ())]
    some = int(random.integers(-1, len(graph.tensors)))
    if kind == 0 and inputs:
        inputs[int(random.integers(len(inputs)))] = some
    elif kind == 1 and inputs:
        del inputs[int(random.integers(len(inputs)))]
    elif kind == 2:
        inputs.append(some)
    elif kind == 3:
        outputs = [max(some, 0)] if random.random() < 0.7 else []
    else:
        code = _one(model.operatorCodes, random)
        code.builtinCode = int(random.integers(0, 210))
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    op.inputs, op.outputs = inputs, outputs


def _change_options(_model: Any, graph: Any, random: np.random.Generator) -> None:
    op = _one(graph.operators, random)
    numbers = [
        name for name, value in vars(op.builtinOptions or op).items() if isinstance(value, int | float | bool)
    ]
    if op.builtinOptions is None or not numbers:
        return
    name = str(random.choice(numbers))
    if isinstance(getattr(op.builtinOptions, name), float):
        setattr(op.builtinOptions, name, float(random.choice(_SCALES)))
    else:
        setattr(op.builtinOptions, name, int(random.choice((-2, -1, 0, 1, 2, 3, 100, 65536, 2**31 - 1))))


def _change_buffer(model: Any, _graph: Any, random: np.random.Generator) -> None:
    buffer = _one(model.buffers, random)
    if buffer.data is None or not len(buffer.data):
        return
    data = np.array(buffer.data, np.uint8)
    if random.random() < 0.3:
        data = data[: int(random.integers(len(data)))]
    elif len(data) <= 64:  # shapes, axes, paddings
        words = data[: len(data) // 4 * 4].view(np.int32)
        if len(words):
            words[int(random.integers(len(words)))] = int(
                random.choice((-100, -2, -1, 0, 1, 2, 3, 7, 65536, 2**31 - 1))
            )
    else:
        data[:] = int(random.choice((0, 0x80, 0x7F)))
    buffer.data = data
