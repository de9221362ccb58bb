"""`cnn`: five 3 x 3 convolutions at three resolutions, for a .tflite file of at most 64 KB."""

from typing import Any

from boardproof_export.ladder.recipe import Augmentation, Recipe, Schedule

RECIPE = Recipe(
    epochs=45,
    batch=128,
    steps_per_call=36,
    schedule=Schedule(peak=4e-3, warm_up=2),
    decay=1e-3,
    smoothing=0.05,
    augmentation=Augmentation(shift=2, mirror=True, erased=8),
)


def build(keras: Any) -> Any:
    """The network; see the table of architectures. Normalizations fold into the convolutions when it is converted."""
    layers = keras.layers

    def convolution(filters: int) -> list[Any]:
        return [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *convolution(16),
            layers.MaxPooling2D(),
            *convolution(32),
            *convolution(32),
            layers.MaxPooling2D(),
            *convolution(48),
            *convolution(48),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ],
        name="cnn",
    )
