"""The networks of the table: their int8 rungs run on boards; a training on a few images can be repeated."""

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from boardproof_export.ladder import rungs as ladder
from boardproof_export.ladder.architectures import ARCHITECTURES
from boardproof_export.ladder.fit import fit
from boardproof_export.ladder.originals import KerasModel, signature_of
from boardproof_export.ladder.train import measure
from boardproof_export.shared.model import parse_graph
from boardproof_export.shared.sources import fashion_mnist as dataset

KIB = 1024
LARGEST = {"mlp": 105 * KIB, "cnn": 64 * KIB, "dscnn": 96 * KIB}  # bytes of the int8 rung
FEW = 24


@pytest.fixture(scope="module")
def tf() -> Any:
    from boardproof_export.ladder.tensorflow import import_tensorflow

    return import_tensorflow()


@cache
def few_images() -> dataset.Split:
    test = dataset.load("test")
    return dataset.Split(test.images[:FEW], test.labels[:FEW], "")


def digest(model: Any) -> str:
    return hashlib.sha256(b"".join(weights.tobytes() for weights in model.get_weights())).hexdigest()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_int8_rung_is_small_enough_and_runs_on_boards(tf: Any, name: str, tmp_path: Path) -> None:
    model = ARCHITECTURES[name].build(tf.keras)
    generator = np.random.default_rng(1)  # weights that are all alike are stored once
    model.set_weights([generator.uniform(0.1, 0.5, part.shape) for part in model.get_weights()])
    KerasModel(tf, model, bytes=0, sha256="").export(tmp_path / "saved", one=True)
    (given,) = signature_of(tf, tmp_path / "saved")
    images = few_images().images[:2].astype(np.float32).reshape(2, *given.shape) / 255
    content = ladder.convert_rung(
        tf, tmp_path / "saved", ladder.BOARD_RUNG, lambda: ({given.name: image} for image in images)
    )
    graph = parse_graph(content, Path(name))
    assert graph.file_bytes <= LARGEST[name]
    assert ladder.board_limit(graph) == (("aot", "tflm"), "")


def test_the_same_seed_gives_the_same_weights(tf: Any) -> None:
    """Two epochs of a recipe with augmentation and a schedule, but for batches that so few images fill."""
    architecture = ARCHITECTURES["cnn"]
    small = replace(architecture, recipe=replace(architecture.recipe, batch=8, steps_per_call=3))
    tf.keras.utils.set_random_seed(3)
    untrained = digest(small.build(tf.keras))
    first, again = (digest(fit(tf, small, few_images(), epochs=2, seed=3)) for _ in range(2))
    assert first == again != untrained


def test_what_a_model_is_worth() -> None:
    """Where all logits are alike the loss is that of a guess; where one leads far, it is all or nothing."""
    split = few_images()
    right = 100.0 * np.eye(10, dtype=np.float32)[split.labels]

    def model(logits: Any) -> Any:
        def predict(images: Any, **_: object) -> Any:
            assert images.shape == (FEW, 28, 28, 1) and images.dtype == np.float32
            return logits

        return SimpleNamespace(input_shape=(None, 28, 28, 1), predict=predict)

    assert measure(model(right), split) == (0.0, 1.0)
    loss, accuracy = measure(model(np.zeros((FEW, 10), np.float32)), split)
    assert loss == pytest.approx(np.log(10))
    assert accuracy == (split.labels == 0).mean()
