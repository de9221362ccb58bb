"""Data sources: what is streamed to a board. One module a kind of file; numpy and the standard library only."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.tensors import TensorInfo

Meaning = Literal["classes", "regression", "reconstruction", "parity"]


class DataSource(Protocol):
    """Inputs, optional labels, and a name with a hash."""

    @property
    def name(self) -> str:
        """What the report calls it, e.g. "Fashion-MNIST test set"."""

    @property
    def sha256(self) -> str:
        """Over everything that is streamed and the labels; lower-case hex."""

    @property
    def meaning(self) -> Meaning:
        """What the outputs are, and so which metrics make sense; "parity" for nothing but comparison."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """By label; empty where there are none."""

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """(N,), or None."""

    def doubt(self, inputs: tuple[TensorInfo, ...]) -> str | None:
        """Why these may not be the inputs that the model was made for, in a sentence; None where they fit."""

    def __len__(self) -> int:
        """N, the number of inputs."""

    def rows(self, inputs: tuple[TensorInfo, ...], indices: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The chosen inputs as they go to the board: uint8 (len(indices), total_bytes(inputs)), the model's inputs one
        behind the other, quantized with their scales and zero points.

        Raises:
            InputError: the data do not fit the model's inputs.
        """
