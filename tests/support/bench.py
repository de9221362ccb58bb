"""A model builder with the words of tests of operators that move values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_builder import INT8, INT32, ModelBuilder, schema

FLOAT32, INT16 = schema.TensorType.FLOAT32, schema.TensorType.INT16
Shape = tuple[int, ...]


class Bench(ModelBuilder):
    """A builder with the words of these tests."""

    def data(self, shape: Sequence[int], dtype: int = INT8, values: NDArray[Any] | None = None) -> int:
        quantized = dtype in (INT8, INT16)
        point = 3 if dtype == INT8 else 0
        return self.tensor(tuple(shape), 0.5 if quantized else None, point, dtype=dtype, data=values)

    def numbers(self, values: Sequence[int] | NDArray[Any], shape: Shape | None = None) -> int:
        array = np.array(values, np.int32)
        return self.tensor(array.shape if shape is None else shape, dtype=INT32, data=array)

    def one(
        self,
        builtin: int,
        shape: Sequence[int],
        wanted: Sequence[int],
        *parameters: Any,
        options: Any = None,
        kind: int = 0,
        dtype: int = INT8,
    ) -> bytes:
        """One operator of one input, parameters behind it."""
        source = self.data(shape, dtype)
        inputs = [source, *(self.numbers(parameter) for parameter in parameters)]
        output = self.data(wanted, dtype)
        self.op(builtin, inputs, [output], options, kind)
        return self.build([source], [output])
