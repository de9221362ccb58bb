"""The networks that `boardproof train` makes: one module each, and here the table that finds it by name.

To add one: a module with `build(keras)`, a Keras model from float32 images (N, 28, 28) or (N, 28, 28, 1) in 0..1 to
float32 logits (N, 10), and a `RECIPE`, how it is trained; then its line in the table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from boardproof_export.ladder.architectures import cnn, dscnn, mlp
from boardproof_export.ladder.recipe import Recipe


@dataclass(frozen=True)
class Architecture:
    """A network and how it is trained."""

    build: Callable[[Any], Any]  # takes the `keras` module, gives a model that is not compiled
    recipe: Recipe


ARCHITECTURES = {
    "mlp": Architecture(mlp.build, mlp.RECIPE),
    "cnn": Architecture(cnn.build, cnn.RECIPE),
    "dscnn": Architecture(dscnn.build, dscnn.RECIPE),
}
