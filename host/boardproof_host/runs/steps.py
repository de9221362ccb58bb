"""The steps before a measurement: training and conversion, done where they are missing.

Each is keyed by the content of what goes into it. They run as `boardproof` processes of their own, for they need
TensorFlow; nothing of the export side is imported.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from boardproof_export.shared import ladder_record
from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_export.shared.project import Project
from boardproof_export.shared.sources import fashion_mnist
from boardproof_host.runs.listener import Listener


class StepError(Exception):
    """A step failed and said why; carries its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


def trained_model(
    project: Project, listener: Listener, *, data: Path | None, arch: str, seed: int, epochs: int | None
) -> Path:
    """The int8 model of this data, architecture, seed and number of epochs (None: as many as its recipe has): trained
    and converted where it is not there yet.

    Raises:
        StepError: a step failed, and said why.
        InputError: the data cannot be used.
    """
    named = [] if data is None else ["--data", str(data)]
    inputs = {
        "arch": arch,
        "epochs": epochs,
        "seed": seed,
        "train": fashion_mnist.load("train", data).sha256,
        "test": fashion_mnist.load("test", data).sha256,
    }
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:12]
    folder = project.state / "model" / key
    keras = folder / f"{ladder_record.model_stem(arch)}.keras"
    if ladder_record.train_is_current(folder):
        listener.step("train", f"there already: {keras}")
    else:
        chosen = [] if epochs is None else ["--epochs", str(epochs)]
        _step(listener, "train", "--arch", arch, "--out", str(folder), "--seed", str(seed), *chosen, *named)
    if ladder_record.ladder_is_current(keras):
        listener.step("convert", f"there already: {folder}")
    else:
        _step(listener, "convert", str(keras), *named)
    return keras.with_name(f"{keras.stem}_int8.tflite")


def _step(listener: Listener, name: str, *arguments: str) -> None:
    """Runs one command of the export side as a process of its own; its output goes to standard error."""
    listener.step(name, " ".join(arguments))
    command = [sys.executable, "-m", "boardproof_host", name, *arguments]
    code = subprocess.run(command, stdout=sys.stderr, check=False).returncode
    if code < 0:
        raise InputError(f"{name} was ended by signal {-code}", hint="run again; what was finished is kept")
    if code != ExitCode.PROVEN:
        raise StepError(code)
