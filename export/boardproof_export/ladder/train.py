"""`boardproof train`: the course's Fashion-MNIST classifier, seeded."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from boardproof_export.ladder import console
from boardproof_export.ladder.tensorflow import import_tensorflow
from boardproof_export.shared import files
from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_export.shared.ladder_record import MODEL_STEM, TRAIN_FILE, TRAIN_SCHEMA
from boardproof_export.shared.project import find_project
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources.pixels import spread

BATCH = 32
# Batches that one call into the compiled graph takes. It divides the 1,875 batches of an epoch, and changes nothing
# but the time: 2.5 s an epoch with 75 and XLA, against 9 s as Keras does it by default, on two cores.
STEPS_PER_CALL = 75
SEED_LIMIT = 2**32


@dataclass(frozen=True)
class TrainRecord:
    """What `train.json` says of a training.

    The same training gives the same record but for the .keras file, which holds the time it was saved; the .h5 does
    not, and its SHA-256 names the weights.
    """

    seed: int
    epochs: int
    test_loss: float  # mean sparse categorical cross-entropy over the test set, in nats
    test_accuracy: float  # 0 to 1
    train_sha256: str  # of the training split, see dataset.Split
    test_sha256: str
    tensorflow: str  # versions
    keras: str
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  # name: {bytes, sha256}
    schema: str = TRAIN_SCHEMA


def run(*, out: Path | None, data: Path | None, epochs: int, seed: int, as_json: bool) -> int:
    """Trains, saves `fashion_mnist.keras`, `fashion_mnist.h5` and `train.json`, and prints the test accuracy.

    Everything that can be refused is refused before TensorFlow is imported; files appear only once all are complete.

    Args:
        out: folder for the files; None is the project's `.boardproof/model`.
        data: folder with the IDX files; None looks for them.
        epochs: passes over the training set, 1 or more.
        seed: of the weights and of the order of images, 0 to 2^32 - 1.
        as_json: print the record instead of text.

    Raises:
        InputError: an argument, a data file or the folder cannot be used.
        ToolMissingError: TensorFlow or the data is missing.
    """
    _check_arguments(epochs, seed)
    folder = out or find_project().state / "model"
    files.prepare_folder(folder)
    train, test = dataset.load("train", data), dataset.load("test", data)
    tf = import_tensorflow()
    model = fit(tf, train, epochs=epochs, seed=seed)
    loss, accuracy = model.evaluate(spread(test.images), test.labels, batch_size=1000, verbose=0)
    record = TrainRecord(
        seed=seed,
        epochs=epochs,
        test_loss=float(loss),
        test_accuracy=float(accuracy),
        train_sha256=train.sha256,
        test_sha256=test.sha256,
        tensorflow=tf.__version__,
        keras=tf.keras.__version__,
    )
    _save(model, record, folder)
    if as_json:
        console.print_json(asdict(record))
    else:
        _print(record, folder)
    return ExitCode.PROVEN


def fit(tf: Any, train: dataset.Split, *, epochs: int, seed: int) -> Any:
    """Trains the course's model: Adam, batches of 32 in a new order each epoch, cross-entropy on logits.

    Args:
        tf: the `tensorflow` module.
        train: the training split.
        epochs: passes over it.
        seed: seeds Python's, numpy's and TensorFlow's generators, for the whole process.

    Returns:
        The trained Keras model: float32 (N, 28, 28) in 0..1 to float32 logits (N, 10).
    """
    keras = tf.keras
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10),
        ],
        name="sequential",  # as in the course; tensors are named after it, so it decides on bytes too
    )
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=True,
        steps_per_execution=STEPS_PER_CALL,
    )
    count = len(train.labels)
    batches = tf.data.Dataset.from_tensor_slices((spread(train.images), train.labels))
    batches = batches.shuffle(count, seed=seed).batch(BATCH).prefetch(8)
    with _progress(keras, epochs, -(-count // BATCH)) as callback:
        # `shuffle` is for arrays, and Keras warns unless told: the data set above shuffles itself.
        model.fit(batches, epochs=epochs, verbose=0, shuffle=False, callbacks=[callback])
    return model


def _check_arguments(epochs: int, seed: int) -> None:
    if epochs < 1:
        raise InputError(f"--epochs {epochs} trains nothing", hint="pass 1 or more; the course takes 10")
    if not 0 <= seed < SEED_LIMIT:
        raise InputError(f"--seed {seed} is not a 32-bit seed", hint=f"pass 0 to {SEED_LIMIT - 1}")


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


def _save(model: Any, record: TrainRecord, folder: Path) -> None:
    with files.staged(folder) as scratch:
        for suffix in (".keras", ".h5"):
            path = scratch / f"{MODEL_STEM}{suffix}"
            model.save(path)
            record.files[path.name] = {"bytes": path.stat().st_size, "sha256": files.sha256_file(path)}
        files.write_json(scratch / TRAIN_FILE, asdict(record))


def _print(record: TrainRecord, folder: Path) -> None:
    screen = console.results()
    screen.print(f"test loss {record.test_loss:.4f}, test accuracy {record.test_accuracy:.2%}")
    for name, entry in record.files.items():
        screen.print(f"{folder / name}  {entry['bytes']:,} bytes")
    screen.print(f"next: boardproof convert {shlex.quote(str(folder / f'{MODEL_STEM}.keras'))}")
