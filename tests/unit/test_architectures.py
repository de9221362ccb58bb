"""Each network of the table: it trains by its recipe, on a few images, and its int8 rung is one that boards run."""

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


def train(tf: Any, name: str, seed: int = 3) -> Any:
    """Two epochs as the recipe has them, but for batches that so few images fill."""
    architecture = ARCHITECTURES[name]
    recipe = replace(architecture.recipe, batch=8, steps_per_call=3, compiled=False)
    return fit(tf, replace(architecture, recipe=recipe), few_images(), epochs=2, seed=seed)


def digest(model: Any) -> str:
    return hashlib.sha256(b"".join(weights.tobytes() for weights in model.get_weights())).hexdigest()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_network_trains_and_its_int8_rung_runs_on_boards(tf: Any, name: str) -> None:
    model = train(tf, name)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    ladder.check_shapes(model, Path(name))
    calibration = few_images().images[:2].astype(np.float32) / 255
    graph = parse_graph(ladder.convert_rung(tf, model, ladder.BOARD_RUNG, calibration), Path(name))
    assert graph.file_bytes <= LARGEST[name]
    assert ladder.board_limit(graph) == (("aot", "tflm"), "")


def test_the_same_seed_gives_the_same_weights(tf: Any) -> None:
    first, again, other = (digest(train(tf, "cnn", seed)) for seed in (3, 3, 4))
    assert first == again != other


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
