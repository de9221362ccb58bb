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
    """The network; see the table of architectures. Normalizations fold into the convolutions when it is converted.

    Names are short: a .tflite file has those of all that was folded into a tensor, which would be 3 KB more of 96.
    """
    layers = keras.layers

    def normalized(values: Any, name: str) -> Any:
        return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_bn")(values))

    def separable(values: Any, filters: int, block: int, stride: int = 1) -> Any:
        deep, point = f"d{block}", f"p{block}"
        depthwise = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=deep)
        pointwise = layers.Conv2D(filters, 1, use_bias=False, name=point)
        return normalized(pointwise(normalized(depthwise(values), deep)), point)

    image = keras.Input((28, 28, 1))
    values = normalized(layers.Conv2D(16, 3, padding="same", use_bias=False, name="c0")(image), "c0")
    values = separable(values, 48, 1, stride=2)
    for block in (2, 3):
        values = layers.Add(name=f"a{block}")([values, separable(values, 48, block)])
    values = separable(values, 112, 4, stride=2)
    for block in (5, 6, 7):
        values = layers.Add(name=f"a{block}")([values, separable(values, 112, block)])
    return keras.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(values)), name="dscnn")
