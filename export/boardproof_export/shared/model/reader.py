"""Reads a .tflite file into plain records: operators, tensors, quantization and constants.

The layout is TensorFlow Lite's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3), read with the
accessors of PyPI's `tflite`. A file is data from outside: whatever its bytes are, the answer is a graph whose
indices and sizes hold, or an InputError. Nothing here judges what an engine can run, nor knows an operator by name.
"""

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from flatbuffers import number_types
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator
from tflite.Model import Model
from tflite.TensorType import TensorType

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model.inside import OutsideError, with_constants_inside
from boardproof_export.shared.model.records import ABSENT, Graph, Op, Quantization, Subgraph, Tensor
from boardproof_export.shared.options import Options

SCHEMA_VERSION = 3
IDENTIFIER = b"TFL3"
_MAX_FILE_BYTES = 1 << 30
_MAX_ELEMENTS = 1 << 31
_MAX_RANK = 8  # of a tensor; the kernels of TensorFlow Lite know 6 at most

_Entry = TypeVar("_Entry")


def read_graph(path: Path) -> Graph:
    """Reads the .tflite file at `path`.

    Raises:
        InputError: the file cannot be read, or is no valid .tflite file.
    """
    hint = "give a .tflite file, such as `boardproof convert` writes"
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a .tflite file", hint=hint)
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise InputError(f"{path} is larger than {_MAX_FILE_BYTES} bytes", hint=hint)
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", hint=hint) from error
    return parse_graph(content, path)


def parse_graph(content: bytes, path: Path) -> Graph:
    """Parses the bytes of a .tflite file; `path` only names it in errors and gives the model's name.

    Raises:
        InputError: the bytes are no valid .tflite file.
    """
    hint = "the file is damaged or cut short: convert or copy it again"
    if not content:
        raise InputError(f"{path} is empty", hint=hint)
    if content[4:8] != IDENTIFIER:
        raise InputError(
            f"{path} is not a .tflite file: bytes 4 to 7 are not {IDENTIFIER.decode()}",
            hint="give a .tflite file, such as `boardproof convert` writes",
        )
    try:
        return _Reader(content, path.stem).graph()
    except (_DamagedError, OutsideError) as error:
        raise InputError(f"{path} is not a usable .tflite file: {error}", hint=hint) from error
    # What the generated accessors raise where an offset leads out of the file.
    except (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError) as error:
        raise InputError(
            f"{path} is not a usable .tflite file: an offset leads out of the file ({error})", hint=hint
        ) from error


class _DamagedError(Exception):
    """The file contradicts itself; the message completes 'is not a usable .tflite file:'."""


def _inside(content: bytes) -> bytes:
    model = Model.GetRootAs(content, 0)
    length = model.BuffersLength()
    if not 0 <= length <= len(content):
        raise _DamagedError("its vectors are longer than the file")
    return with_constants_inside(content, [model.Buffers(position) for position in range(length)])


class _Reader:
    """Walks the flatbuffer once.

    Vectors of a damaged file may overlap, so that a small file could describe a huge graph: `_budget` bounds the
    elements read by the file's own size.
    """

    def __init__(self, file: bytes, name: str) -> None:
        self._file = file
        self._name = name
        self._content = _inside(file)
        self._budget = len(self._content)
        self._model = Model.GetRootAs(self._content, 0)

    def graph(self) -> Graph:
        """Reads everything; raises _DamagedError or what the accessors raise."""
        model = self._model
        if model.Version() != SCHEMA_VERSION:
            raise _DamagedError(f"its schema version is {model.Version()}, not {SCHEMA_VERSION}")
        subgraphs = self._length(model.SubgraphsLength())
        if subgraphs == 0:
            raise _DamagedError("it has no subgraph")
        main = model.Subgraphs(0)
        codes = self._each(model.OperatorCodesLength, model.OperatorCodes, self._code)
        tensors, ops = self._subgraph(main, codes)
        return Graph(
            name=self._name,
            content=self._content,
            sha256=hashlib.sha256(self._file).hexdigest(),
            file_bytes=len(self._file),
            schema_version=model.Version(),
            description=self._text(model.Description()),
            subgraphs=subgraphs,
            tensors=tensors,
            ops=ops,
            inputs=self._indices(main.InputsLength(), main.Inputs, len(tensors), "an input of the graph"),
            outputs=self._indices(main.OutputsLength(), main.Outputs, len(tensors), "an output of the graph"),
            others=tuple(
                Subgraph(*self._subgraph(model.Subgraphs(number), codes)) for number in range(1, subgraphs)
            ),
        )

    def _subgraph(
        self, subgraph: Any, codes: tuple[tuple[int, str, int], ...]
    ) -> tuple[tuple[Tensor, ...], tuple[Op, ...]]:
        tensors = self._each(subgraph.TensorsLength, subgraph.Tensors, self._tensor)
        ops = tuple(
            self._op(index, subgraph.Operators(index), codes, len(tensors))
            for index in range(self._length(subgraph.OperatorsLength()))
        )
        return tensors, ops

    def _length(self, length: int) -> int:
        self._budget -= length
        if length < 0 or self._budget < 0:
            raise _DamagedError("its vectors are longer than the file")
        return length

    def _text(self, value: bytes | None) -> str:
        """A text of the file, charged to the budget: tensors of a damaged file may share one long name."""
        if value is None:
            return ""
        self._length(len(value))
        return value.decode("utf-8", errors="replace")

    def _each(
        self, length: Callable[[], int], get: Callable[[int], Any], read: Callable[[int, Any], _Entry]
    ) -> tuple[_Entry, ...]:
        return tuple(read(index, get(index)) for index in range(self._length(length())))

    def _vector(self, length: int, get: Callable[[int], Any]) -> tuple[Any, ...]:
        return tuple(get(position) for position in range(self._length(length)))

    def _indices(self, length: int, get: Callable[[int], Any], limit: int, what: str) -> tuple[int, ...]:
        indices = self._vector(length, get)
        for index in indices:
            if not 0 <= index < limit:
                raise _DamagedError(f"{what} is tensor {index}, and there are {limit} tensors")
        return indices

    def _code(self, _index: int, code: Any) -> tuple[int, str, int]:
        builtin = _builtin(code)
        name = _BUILTIN_NAMES.get(builtin, f"BUILTIN_{builtin}")
        if builtin == BuiltinOperator.CUSTOM:
            name = self._text(code.CustomCode()) or "CUSTOM"
        return builtin, name, int(code.Version())

    def _op(self, index: int, op: Any, codes: tuple[tuple[int, str, int], ...], tensors: int) -> Op:
        position = op.OpcodeIndex()
        if not 0 <= position < len(codes):
            raise _DamagedError(f"operator {index} has operator code {position}, and there are {len(codes)}")
        builtin, name, version = codes[position]
        inputs = self._vector(op.InputsLength(), op.Inputs)
        for tensor in inputs:
            if not ABSENT <= tensor < tensors:
                raise _DamagedError(
                    f"operator {index} reads tensor {tensor}, and there are {tensors} tensors"
                )
        return Op(
            index=index,
            code=name,
            builtin=builtin,
            custom=builtin == BuiltinOperator.CUSTOM,
            version=version,
            inputs=inputs,
            outputs=self._indices(op.OutputsLength(), op.Outputs, tensors, f"an output of operator {index}"),
            options=Options.of(op),
        )

    def _tensor(self, index: int, tensor: Any) -> Tensor:
        if tensor.ShapeLength() > _MAX_RANK:
            raise _DamagedError(f"tensor {index} has {tensor.ShapeLength()} dimensions")
        shape = self._vector(tensor.ShapeLength(), tensor.Shape)
        type_name = _TYPE_NAMES.get(tensor.Type())
        if type_name is None:
            raise _DamagedError(f"tensor {index} has unknown type {tensor.Type()}")
        record = Tensor(
            index=index,
            name=self._text(tensor.Name()),
            type=type_name,
            # A dimension of -1 is open; it counts as 1, so that sizes stay sizes.
            shape=tuple(1 if extent < 0 else extent for extent in shape),
            # What the shape signature leaves open the shape has closed: it is `shape` that interpreters allocate.
            dynamic=any(extent < 0 for extent in shape),
            variable=bool(tensor.IsVariable()),
            sparse=tensor.Sparsity() is not None,
            quantization=self._quantization(index, tensor.Quantization()),
            data=self._data(index, tensor.Buffer()),
        )
        if record.count > _MAX_ELEMENTS:
            raise _DamagedError(f"tensor {index} has {record.count} elements")
        _check_constant(record)
        return record

    def _quantization(self, index: int, table: Any) -> Quantization | None:
        # Interpreters take scales only together with zero points.
        if table is None or table.ScaleLength() == 0 or table.ZeroPointLength() == 0:
            return None
        scales = self._vector(table.ScaleLength(), table.Scale)
        zero_points = self._vector(table.ZeroPointLength(), table.ZeroPoint)
        if len(zero_points) not in (1, len(scales)):
            raise _DamagedError(f"tensor {index} has {len(scales)} scales and {len(zero_points)} zero points")
        return Quantization(
            scales=np.array(scales, dtype=np.float32),
            zero_points=tuple(int(value) for value in zero_points),
            axis=int(table.QuantizedDimension()),
        )

    def _data(self, index: int, position: int) -> NDArray[np.uint8] | None:
        if position >= self._model.BuffersLength():
            raise _DamagedError(f"tensor {index} has buffer {position}, which does not exist")
        buffer = self._model.Buffers(position)
        length = buffer.DataLength()
        if length == 0:
            return None
        data: NDArray[np.uint8] = buffer.DataAsNumpy()
        if len(data) != length:
            raise _DamagedError(f"the data of tensor {index} leads out of the file")
        return data


def _check_constant(tensor: Tensor) -> None:
    if tensor.data is None or tensor.bytes is None or tensor.sparse:
        return
    if len(tensor.data) != tensor.bytes:
        raise _DamagedError(
            f"tensor {tensor.index} needs {tensor.bytes} bytes and its buffer has {len(tensor.data)}"
        )


def _builtin(code: Any) -> int:
    """The larger of both fields of an OperatorCode: new files may fill builtin_code alone, old ones the deprecated one.

    Read from the raw fields: the accessor BuiltinCode() takes a small code for an absent one.
    """
    table = code._tab
    deprecated, current = table.Offset(4), table.Offset(10)
    old = table.Get(number_types.Int8Flags, deprecated + table.Pos) if deprecated else 0
    new = table.Get(number_types.Int32Flags, current + table.Pos) if current else 0
    return max(int(old), int(new))


def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


_TYPE_NAMES = _names(TensorType)
_BUILTIN_NAMES = _names(BuiltinOperator)
