"""`boardproof prove`: do all that is missing, from the dataset to the verdict.

Every step is keyed by the content of what goes into it, so a second run repeats only the build's check and the
measurement itself. The export side's steps run as `boardproof` processes of their own: nothing of it is imported.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from boardproof_export.shared.errors import ExitCode, InputError
from boardproof_export.shared.project import Project, find_project
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_host.boards import targets
from boardproof_host.record.schema import check_writable
from boardproof_host.runs import run as run_command

MODEL_STEM = "fashion_mnist"
LADDER_SCHEMA = "boardproof.ladder/2"


class StepError(Exception):
    """A step failed and said why; carries its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


def run(args: argparse.Namespace) -> int:
    """Runs the missing steps, then the measurement; returns the exit code of the first that fails."""
    project = find_project()
    target = targets.find_target(project, args.target or targets.DEFAULT)
    targets.check_starts(target)
    args.target, args.port = target.name, None
    args.out = args.out or project.state / "reports" / target.name
    check_writable(args.out)
    try:
        model = args.model or _trained_model(project, args)
        if not target.virtual:
            _step("export", "export", str(model))
    except StepError as failed:
        return failed.code
    args.model = model
    _say("run" if target.virtual else "build and run", target.name)
    return run_command.run(args)


def _trained_model(project: Project, args: argparse.Namespace) -> Path:
    """The int8 model of this data, seed and number of epochs: trained and converted where it is not there yet."""
    data = [] if args.data is None else ["--data", str(args.data)]
    inputs = {
        "epochs": args.epochs,
        "seed": args.train_seed,
        "train": dataset.load("train", args.data).sha256,
        "test": dataset.load("test", args.data).sha256,
    }
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:12]
    folder = project.state / "model" / key
    keras = folder / f"{MODEL_STEM}.keras"
    if _is_current(folder / "train.json", keras.name):
        _say("train", f"there already: {keras}")
    else:
        seed, epochs = str(args.train_seed), str(args.epochs)
        _step("train", "train", "--out", str(folder), "--seed", seed, "--epochs", epochs, *data)
    if _ladder_is_current(folder, keras):
        _say("convert", f"there already: {folder}")
    else:
        _step("convert", "convert", str(keras), *data)
    return folder / f"{MODEL_STEM}_int8.tflite"


def _read(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _is_current(record: Path, name: str) -> bool:
    """Is the file that the record describes there, byte for byte?"""
    wanted = _read(record).get("files", {}).get(name, {}).get("sha256")
    return wanted is not None and wanted == _sha256(record.parent / name)


def _ladder_is_current(folder: Path, keras: Path) -> bool:
    ladder = _read(folder / "ladder.json")
    if ladder.get("schema") != LADDER_SCHEMA or ladder.get("model", {}).get("sha256") != _sha256(keras):
        return False
    return all(_sha256(folder / rung["file"]) == rung["sha256"] for rung in ladder.get("rungs", []))


def _say(step: str, what: str) -> None:
    print(f"== {step}: {what}", file=sys.stderr, flush=True)


def _step(name: str, *arguments: str) -> None:
    """Runs one command of the export side as a process of its own; its output goes to standard error."""
    _say(name, " ".join(arguments))
    command = [sys.executable, "-m", "boardproof_host", *arguments]
    code = subprocess.run(command, stdout=sys.stderr, check=False).returncode
    if code < 0:
        raise InputError(f"{name} was ended by signal {-code}", hint="run again; what was finished is kept")
    if code != ExitCode.PROVEN:
        raise StepError(code)
