"""`random:N`: seeded inputs over the whole range of the types. They tell nothing of accuracy, and much of parity."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources import Meaning
from boardproof_export.shared.tensors import TensorInfo, total_bytes

PREFIX = "random:"
MOST = 10_000_000


@dataclass(frozen=True)
class RandomInputs:
    """A data source: input i depends on the seed, on i and on the model's input types alone.

    Integers are uniform over their type, float32 is normal with standard deviation 1, a bool is either.
    """

    count: int
    seed: int = 0

    @property
    def name(self) -> str:
        return f"random inputs, seed {self.seed}"

    @property
    def sha256(self) -> str:
        """Over how they are made: what they are depends on the model."""
        return hashlib.sha256(f"{PREFIX}{self.count}:{self.seed}".encode()).hexdigest()

    @property
    def meaning(self) -> Meaning:
        return "parity"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ()

    @property
    def labels(self) -> None:
        return None

    def doubt(self, inputs: tuple[TensorInfo, ...]) -> str | None:
        """See DataSource."""
        return None

    def __len__(self) -> int:
        return self.count

    def rows(self, inputs: tuple[TensorInfo, ...], indices: NDArray[np.intp]) -> NDArray[np.uint8]:
        """See DataSource."""
        rows = np.empty((len(indices), total_bytes(inputs)), np.uint8)
        for row, index in zip(rows, indices, strict=True):
            random = np.random.Generator(np.random.PCG64([self.seed, int(index)]))
            parts = [_values(tensor, random).tobytes() for tensor in inputs]
            row[:] = np.frombuffer(b"".join(parts), np.uint8)
        return rows


def _values(tensor: TensorInfo, random: np.random.Generator) -> NDArray[Any]:
    if tensor.type == "float32":
        return random.standard_normal(tensor.count, np.float32).astype(tensor.dtype)
    if tensor.type == "bool":
        return random.integers(0, 2, tensor.count).astype(np.bool_)
    limits = np.iinfo(tensor.type)
    return random.integers(limits.min, limits.max, tensor.count, np.int64, endpoint=True).astype(tensor.dtype)


def parse(text: str) -> RandomInputs:
    """Reads `random:N` or `random:N:SEED`.

    Raises:
        InputError: it is not that.
    """
    count, _, seed = text.removeprefix(PREFIX).partition(":")
    if not count.isdecimal() or not 1 <= int(count) <= MOST or (seed and not seed.isdecimal()):
        raise InputError(
            f"--data {text} is not random:N with 1 to {MOST:,} inputs",
            hint="write random:100, or random:100:7 for another seed",
        )
    return RandomInputs(int(count), int(seed or 0))
