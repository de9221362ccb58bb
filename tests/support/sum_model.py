"""What sum_engine.c computes, in Python, and a model file that states its edges."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_builder import INT8, INT32, ModelBuilder, schema

Edge = tuple[int, tuple[int, ...]]  # type of the schema, shape
_ITEM_BYTES = {0: 4, 2: 4, 3: 1, 6: 1, 7: 2, 9: 1}


@dataclass(frozen=True)
class Edges:
    """Inputs and outputs of a model that sums: any types and shapes."""

    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]
    zero_point: int = -128  # of int8 edges

    @staticmethod
    def of_bytes(inputs: int, outputs: int) -> "Edges":
        """One int8 input and one int8 output."""
        return Edges(((INT8, (1, inputs)),), ((INT8, (1, outputs)),))

    @property
    def input_bytes(self) -> int:
        return sum(map(_size, self.inputs))

    @property
    def output_bytes(self) -> int:
        return sum(map(_size, self.outputs))

    def model(self) -> bytes:
        """A .tflite file with these edges and two operators, as sum_engine.c has them; it is never run."""
        builder = ModelBuilder()

        def tensor(edge: Edge) -> int:
            kind, shape = edge
            if kind == INT8:
                return builder.tensor(shape, 0.5, self.zero_point)
            return builder.tensor(shape, dtype=kind)

        inputs, outputs = list(map(tensor, self.inputs)), list(map(tensor, self.outputs))
        middle = [builder.tensor((1,), dtype=INT32), builder.tensor((1,), dtype=INT32)]
        builder.op(schema.BuiltinOperator.SPLIT, inputs, middle)
        builder.op(schema.BuiltinOperator.PACK, middle, outputs)
        return builder.build(inputs, outputs)

    def input(self, seed: int) -> bytes:
        """All inputs one behind the other, a third of them at the zero point."""
        rng = np.random.default_rng(seed)
        values = rng.integers(0, 256, self.input_bytes, dtype=np.uint8)
        values[: len(values) // 3] = self.zero_point & 0xFF
        values[0] = seed % 128
        return values.tobytes()

    def output(self, data: bytes) -> bytes:
        """What the engine makes of `data`."""
        at = np.arange(self.output_bytes, dtype=np.uint64)
        crc: NDArray[np.uint64] = np.frombuffer(zlib.crc32(data).to_bytes(4, "little"), np.uint8).astype(
            np.uint64
        )
        return (crc[at % 4] + 7 * at + at // 256).astype(np.uint8).tobytes()


def _size(edge: Edge) -> int:
    kind, shape = edge
    return int(np.prod(shape)) * _ITEM_BYTES[kind]
