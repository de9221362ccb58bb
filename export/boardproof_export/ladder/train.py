"""`boardproof train`: a Fashion-MNIST classifier of the table of architectures, seeded."""

import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from boardproof_export.ladder import console
from boardproof_export.ladder.architectures import ARCHITECTURES
from boardproof_export.ladder.fit import fit
from boardproof_export.ladder.tensorflow import import_tensorflow
from boardproof_export.shared import files
from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_export.shared.ladder_record import TRAIN_FILE, TRAIN_SCHEMA, model_stem
from boardproof_export.shared.project import project_if_any, state_folder
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources.pixels import spread

SEED_LIMIT = 2**32


@dataclass(frozen=True)
class TrainRecord:
    """What `train.json` says of a training.

    The same training gives the same record but for the .keras file, which holds the time it was saved; the .h5 does
    not, and its SHA-256 names the weights.
    """

    arch: str  # of the table of architectures
    seed: int
    epochs: int
    test_loss: float  # mean cross-entropy over the test set, in nats
    test_accuracy: float  # 0 to 1
    train_sha256: str  # of the training split, see dataset.Split
    test_sha256: str
    tensorflow: str  # versions
    keras: str
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  # name: {bytes, sha256}
    schema: str = TRAIN_SCHEMA


def run(
    *, arch: str, out: Path | None, data: Path | None, epochs: int | None, seed: int, as_json: bool
) -> int:
    """Trains, saves the model as .keras and .h5 with `train.json`, and prints the test accuracy.

    Everything that can be refused is refused before TensorFlow is imported; files appear only once all are complete.

    Args:
        arch: a name of the table of architectures.
        out: folder for the files; None is the project's `.boardproof/model`.
        data: folder with the IDX files; None looks for them.
        epochs: passes over the training set, 1 or more; None is what the architecture's recipe says.
        seed: of the weights, of the order of images and of what is done to them, 0 to 2^32 - 1.
        as_json: print the record instead of text.

    Raises:
        InputError: an argument, a data file or the folder cannot be used.
        ToolMissingError: TensorFlow or the data is missing.
    """
    if arch not in ARCHITECTURES:
        raise InputError(
            f"there is no architecture {arch!r}", hint=f"--arch takes {', '.join(ARCHITECTURES)}"
        )
    architecture = ARCHITECTURES[arch]
    epochs = architecture.recipe.epochs if epochs is None else epochs
    _check_arguments(epochs, seed, architecture.recipe.epochs)
    folder = out or state_folder(project_if_any()) / "model"
    files.prepare_folder(folder)
    train, test = dataset.load("train", data), dataset.load("test", data)
    tf = import_tensorflow()
    model = fit(tf, architecture, train, epochs=epochs, seed=seed)
    loss, accuracy = measure(model, test)
    record = TrainRecord(
        arch=arch,
        seed=seed,
        epochs=epochs,
        test_loss=loss,
        test_accuracy=accuracy,
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


def measure(model: Any, split: dataset.Split) -> tuple[float, float]:
    """The mean cross-entropy of a model's logits over a split, in nats, and the share of images that it gets right."""
    images = spread(split.images).reshape(-1, *model.input_shape[1:])
    logits = model.predict(images, batch_size=1000, verbose=0).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    of_label = logits[np.arange(len(logits)), split.labels]
    loss = np.log(np.exp(logits).sum(axis=1)) - of_label
    return float(loss.mean()), float((logits.argmax(axis=1) == split.labels).mean())


def _check_arguments(epochs: int, seed: int, usual: int) -> None:
    if epochs < 1:
        raise InputError(
            f"--epochs {epochs} trains nothing", hint=f"pass 1 or more; the recipe takes {usual}"
        )
    if not 0 <= seed < SEED_LIMIT:
        raise InputError(f"--seed {seed} is not a 32-bit seed", hint=f"pass 0 to {SEED_LIMIT - 1}")


def _save(model: Any, record: TrainRecord, folder: Path) -> None:
    with files.staged(folder) as scratch:
        for suffix in (".keras", ".h5"):
            path = scratch / f"{model_stem(record.arch)}{suffix}"
            model.save(path)
            record.files[path.name] = {"bytes": path.stat().st_size, "sha256": files.sha256_file(path)}
        files.write_json(scratch / TRAIN_FILE, asdict(record))


def _print(record: TrainRecord, folder: Path) -> None:
    screen = console.results()
    screen.print(f"test loss {record.test_loss:.4f}, test accuracy {record.test_accuracy:.2%}")
    for name, entry in record.files.items():
        screen.print(f"{folder / name}  {entry['bytes']:,} bytes")
    keras = folder / f"{model_stem(record.arch)}.keras"
    screen.print(f"next: boardproof convert {shlex.quote(str(keras))}")
