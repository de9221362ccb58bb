"""The ladder of one model: it is loaded, converted to every rung, and each is measured. Nothing is written."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.ladder import console
from boardproof_export.ladder import data as ladder_data
from boardproof_export.ladder import rungs as ladder
from boardproof_export.ladder.data import LadderData
from boardproof_export.ladder.originals import Original, load_original, signature_of
from boardproof_export.ladder.tensorflow import import_tensorflow
from boardproof_export.precision.score import Score, outputs_apart, score
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.labels import check_labels
from boardproof_export.shared.ladder_record import LADDER_SCHEMA
from boardproof_export.shared.model import parse_graph
from boardproof_export.shared.sources.opening import respanned
from boardproof_export.shared.sources.pixels import UNIT, Span
from boardproof_export.shared.statistics import mcnemar, wilson

USUAL_RANGES: tuple[Span, ...] = ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0))
CLEARLY_BETTER = 0.03  # of all images


def build(
    path: Path,
    data: LadderData,
    *,
    crashed: Mapping[str, str] | None = None,
    tell: Callable[[str], None] = lambda rung: None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Converts and measures all rungs. A rung that cannot be made does not end the others.

    Args:
        crashed: rungs that are left out, and why.
        tell: takes the name of each rung before it is begun.

    Returns:
        The record of `ladder.json`, and each .tflite file's content by its name.

    Raises:
        InputError: the model cannot be loaded, the data do not fit it, or every conversion fails.
        ToolMissingError: TensorFlow is missing.
    """
    tf = import_tensorflow()
    with tempfile.TemporaryDirectory() as scratch:
        maker = _Maker(tf, load_original(tf, path), Path(scratch), path, data)
        made = _Ladder(path, data, maker.original.bytes)
        failed = dict(crashed or {})
        hint = ladder.ADVICE
        for name in ladder.RUNG_NAMES:
            if name in failed:
                continue
            tell(name)
            with console.progress().status(f"{name}: converting and running {len(data.measured):,} samples"):
                try:
                    content = maker.convert(name)
                except InputError as error:
                    failed[name], hint = error.message, error.hint
                    continue
                try:
                    made.add(name, content)
                except (RuntimeError, ValueError) as error:
                    said = str(error).strip().partition("\n")[0]
                    failed[name] = f"LiteRT cannot run what TensorFlow makes of it: {said}"
    if not made.rungs:
        raise InputError(failed[ladder.RUNG_NAMES[0]], hint=hint)
    with console.progress().status("other ranges of pixels"):
        better = made.better_range()
    return _record(tf, path, maker.original, data, made, better) | {"failed": failed}, made.contents


class _Maker:
    """The rungs of one model, from SavedModel folders that are written once."""

    def __init__(self, tf: Any, original: Original, scratch: Path, path: Path, data: LadderData) -> None:
        self.original = original
        self._tf, self._scratch, self._data = tf, scratch, data
        self._loops = False
        try:
            inputs = signature_of(tf, self._folder(one=True))
        except (ValueError, TypeError, RuntimeError) as error:  # of layers that cannot be traced
            said = str(error).strip().partition("\n")[0]
            raise InputError(f"Keras cannot export {path}: {said}", hint=ladder.ADVICE) from error
        ladder_data.check_fit(data, inputs)
        self._samples = partial(ladder_data.calibration, data, inputs)

    def convert(self, name: str) -> bytes:
        """One rung. The float rungs keep the model's open batch, as the course's converter call does; the int8 rungs
        fix it at 1, and so do the others where an open one leaves loops or cannot be converted. An open batch turns
        Flatten into SHAPE, STRIDED_SLICE, PACK and RESHAPE, which a board would pay for."""
        if name in ladder.FULL_INT8:
            if self._loops:
                raise InputError(
                    f"the model has loops, which TensorFlow cannot convert to {name}: {ladder.UNROLL}",
                    hint=ladder.UNROLL,
                )
            return self._converted(name, one=True)
        if self.original.open_batch:
            try:
                content = self._converted(name, one=False)
                if _subgraphs(content) == 1:
                    return content
            except InputError:
                pass
        content = self._converted(name, one=True)
        self._loops = _subgraphs(content) > 1
        return content

    def _converted(self, name: str, *, one: bool) -> bytes:
        return ladder.convert_rung(self._tf, self._folder(one=one), name, self._samples)

    def _folder(self, *, one: bool) -> Path:
        folder = self._scratch / ("one" if one else "open")
        if not folder.exists():
            self.original.export(folder, one=one)
        return folder


class _Ladder:
    """The rungs that were made, and how good they are."""

    def __init__(self, path: Path, data: LadderData, original_bytes: int) -> None:
        self.rungs: list[ladder.Rung] = []
        self.contents: dict[str, bytes] = {}
        self._path, self._data, self._original = path, data, original_bytes
        self.classes = 0  # values of the first output
        self._first: Score | None = None
        self._right: dict[str, NDArray[np.bool_]] = {}  # samples that a rung has right, by its name

    def add(self, name: str, content: bytes) -> None:
        """Measures a rung. The first one is what the others are held to."""
        file = f"{self._path.stem}_{name}.tflite"
        graph = parse_graph(content, Path(file))
        self.classes = graph.tensors[graph.outputs[0]].count
        if self._data.named:
            check_labels(self._data.test, self.classes)
        found = score(content, self._data.test, self._data.measured, Path(file))
        engines, reason = ladder.board_limit(graph)
        self.rungs.append(
            ladder.Rung(
                name=name,
                file=file,
                bytes=len(content),
                share_of_h5=len(content) / self._original,
                accuracy=found.metrics.get("top_1"),
                interval=None if found.right is None else wilson(float(found.right.mean()), len(found.right)),
                mcnemar={rung: _compared(found.right, before) for rung, before in self._right.items()},
                quality={"kind": found.kind, "metrics": found.metrics},
                snr_db=None if self._first is None else outputs_apart(self._first, found),
                engines=engines,
                host_only=not engines,
                reason=reason,
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )
        self._first = self._first or found
        if found.right is not None:
            self._right[name] = found.right
        self.contents[file] = content

    def better_range(self) -> dict[str, Any] | None:
        """The usual range of pixels with which the first rung is right clearly more often, and how often; None where
        there is none. What a model was trained on is the user's to say; this is worth a question."""
        first = self.rungs[0]
        if first.accuracy is None:
            return None
        found = {}
        for span in USUAL_RANGES:
            source = None if span == _span(self._data) else respanned(self._data.test, span)
            if source is not None:
                other = score(self.contents[first.file], source, self._data.measured, self._path)
                found[span] = other.metrics["top_1"] or 0.0
        if not found:
            return None
        best = max(found, key=lambda span: found[span])
        if found[best] < first.accuracy + CLEARLY_BETTER:
            return None
        return {"range": list(best), "accuracy": found[best]}


def _compared(right: NDArray[np.bool_] | None, before: NDArray[np.bool_]) -> dict[str, float]:
    assert right is not None  # as of every rung: the data are the same
    alone, other = int((right & ~before).sum()), int((before & ~right).sum())
    return {"alone": alone, "other_alone": other, "p": mcnemar(alone, other)}


def _span(data: LadderData) -> Span:
    span: Span = getattr(data.test, "span", UNIT)
    return span


def _subgraphs(content: bytes) -> int:
    return parse_graph(content, Path("rung.tflite")).subgraphs


def _record(
    tf: Any, path: Path, original: Original, data: LadderData, made: _Ladder, better: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "schema": LADDER_SCHEMA,
        "model": {"file": path.name, "sha256": original.sha256},
        "original": original.kind,
        "h5_bytes": original.bytes,
        "classes": made.classes,
        "test": data.test.name,
        "test_images": len(data.measured),
        "test_available": len(data.test),
        "test_sha256": data.test.sha256,
        "calibration": {
            "data": data.calibration.name,
            "images": len(data.chosen),
            "available": len(data.calibration),
            "seed": ladder_data.SEED,
            "sha256": data.calibration.sha256,
            "random": data.random,
            "tested_too": data.same,
        },
        "tensorflow": tf.__version__,
        "input_range": list(_span(data)),
        "better_range": better,
        "rungs": [asdict(rung) for rung in made.rungs],
    }
