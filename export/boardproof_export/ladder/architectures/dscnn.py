"""`dscnn`: depthwise and pointwise convolutions in turn, for a .tflite file of at most 96 KB."""

from typing import Any

from boardproof_export.ladder.recipe import Augmentation, Recipe, Schedule

RECIPE = Recipe(
    epochs=28,
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

    def normalized(values: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization()(values))

    def separable(values: Any, filters: int, stride: int = 1) -> Any:
        deep = normalized(layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(values))
        return normalized(layers.Conv2D(filters, 1, use_bias=False)(deep))

    image = keras.Input((28, 28, 1))
    values = normalized(layers.Conv2D(16, 3, padding="same", use_bias=False)(image))
    values = separable(values, 48, stride=2)
    for _ in range(2):
        values = layers.Add()([values, separable(values, 48)])
    values = separable(values, 112, stride=2)
    for _ in range(3):
        values = layers.Add()([values, separable(values, 112)])
    return keras.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(values)), name="dscnn")
