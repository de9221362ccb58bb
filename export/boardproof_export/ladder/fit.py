"""A network trained by its recipe, seeded, with a word of progress an epoch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from boardproof_export.ladder import augment, console
from boardproof_export.ladder.architectures import Architecture
from boardproof_export.ladder.recipe import Recipe
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources.pixels import spread


def fit(tf: Any, architecture: Architecture, train: dataset.Split, *, epochs: int, seed: int) -> Any:
    """Builds a network and trains it.

    Args:
        tf: the `tensorflow` module.
        architecture: the network, and how it is trained.
        train: the training split.
        epochs: passes over it; a schedule of learning rates is stretched over them.
        seed: seeds Python's, numpy's and TensorFlow's generators, for the whole process.

    Returns:
        The trained Keras model: float32 images in 0..1, of the shape of its input, to float32 logits (N, 10).
    """
    keras, recipe = tf.keras, architecture.recipe
    keras.utils.set_random_seed(seed)
    model = architecture.build(keras)
    batches, steps = _batches(tf, recipe, train, epochs, seed)
    model.compile(
        optimizer=_optimizer(keras, recipe, epochs, steps),
        loss=_loss(keras, recipe),
        metrics=["accuracy"],
        jit_compile=recipe.compiled,
        steps_per_execution=min(recipe.steps_per_call, steps),
    )
    with _progress(keras, epochs, steps) as callback:
        # `shuffle` is for arrays, and Keras warns unless told: the data set shuffles itself.
        model.fit(
            batches,
            epochs=epochs,
            steps_per_epoch=steps if recipe.augmentation else None,
            verbose=0,
            shuffle=False,
            callbacks=[callback],
        )
    return model


def _batches(tf: Any, recipe: Recipe, train: dataset.Split, epochs: int, seed: int) -> tuple[Any, int]:
    """A data set, of one epoch or of all in a row where they differ, and the batches of an epoch."""
    count, how = len(train.labels), recipe.augmentation
    if how is None:
        whole = tf.data.Dataset.from_tensor_slices((spread(train.images), train.labels))
        return whole.shuffle(count, seed=seed).batch(recipe.batch).prefetch(8), -(-count // recipe.batch)

    def shown() -> Iterator[augment.Batch]:
        for number in range(epochs):
            yield from augment.epoch(train, recipe.batch, how, (seed, number))

    shapes = ((recipe.batch, *dataset.IMAGE_SHAPE, 1), (recipe.batch, len(dataset.CLASS_NAMES)))
    signature = tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes)
    return tf.data.Dataset.from_generator(shown, output_signature=signature).prefetch(
        8
    ), count // recipe.batch


def _optimizer(keras: Any, recipe: Recipe, epochs: int, steps: int) -> Any:
    if recipe.schedule is None:
        return keras.optimizers.Adam()
    warm_up = min(recipe.schedule.warm_up, epochs - 1) * steps
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * steps - warm_up, warmup_target=recipe.schedule.peak, warmup_steps=warm_up
    )
    return keras.optimizers.AdamW(rate, weight_decay=recipe.decay)


def _loss(keras: Any, recipe: Recipe) -> Any:
    if recipe.augmentation is None:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.smoothing)


@contextmanager
def _progress(keras: Any, epochs: int, steps: int) -> Iterator[Any]:
    """A Keras callback that moves a bar on a terminal, and prints a line an epoch anywhere else."""
    screen = console.progress()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("batches"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, disable=not screen.is_terminal) as bar:
        task = bar.add_task(f"epoch 1/{epochs}", total=epochs * steps)
        done = 0

        def on_batch(batch: int, logs: object) -> None:
            bar.update(task, completed=done * steps + batch + 1)

        def on_epoch(epoch: int, logs: dict[str, float]) -> None:
            nonlocal done
            done = epoch + 1
            screen.print(
                f"epoch {done}/{epochs}: loss {logs['loss']:.4f}, accuracy {logs['accuracy']:.2%} on the training set"
            )
            bar.update(task, description=f"epoch {min(done + 1, epochs)}/{epochs}", completed=done * steps)

        yield keras.callbacks.LambdaCallback(on_train_batch_end=on_batch, on_epoch_end=on_epoch)
