"""Which images a trace looks at: those that are named, or those that differ in a report of this board and model."""

from dataclasses import dataclass
from pathlib import Path

from boardproof_export.shared.errors import BoardproofError, InputError
from boardproof_export.shared.files import shown
from boardproof_host.record import file
from boardproof_host.record.schema import Report
from boardproof_host.record.store import Store

FIRST = 0  # the image to look at where nothing is known


@dataclass(frozen=True)
class Suspects:
    """The images, and in words where they come from: a trace says nothing of any other."""

    images: tuple[int, ...]
    words: str
    report: Path | None = None
    expected: bool = False  # the report says that these differ
    build_id: str | None = None  # of the firmware that the report is of


def named(images: tuple[int, ...], total: int) -> Suspects:
    """The images that were asked for.

    Raises:
        InputError: the data set has no such image.
    """
    for image in images:
        if not 0 <= image < total:
            raise InputError(f"--image {image} is not within 0:{total}", hint="count from 0")
    unique = tuple(dict.fromkeys(images))
    return Suspects(unique, ("image " if len(unique) == 1 else "images ") + ", ".join(map(str, unique)))


def of_report(path: Path, report: Report, worst: int | None) -> Suspects:
    """The images that differ in a report, the worst first.

    Args:
        report: of a run that measured something, as `read_report` gives it.
        worst: at most so many.
    """
    measured, build_id = report.measured, report.target.build_id if report.target else None
    assert measured is not None
    parity = measured.parity[measured.reference.oracle]
    differ = parity.images - parity.exact_images
    images = tuple(mismatch.image for mismatch in measured.mismatches)[:worst]
    if not images:
        words = f"image {FIRST}: of the {measured.images:,} images in {shown(path)} none differs"
        return Suspects((FIRST,), words, path, build_id=build_id)
    if len(images) == differ:
        many = "the image that differs" if differ == 1 else f"all {differ} images that differ"
        words = f"{many} in {shown(path)}"
    else:
        words = f"{len(images)} of the {differ:,} images that differ in {shown(path)}, the worst"
    return Suspects(images, words, path, expected=True, build_id=build_id)


def unknown(target: str) -> Suspects:
    """Without a report."""
    return Suspects((FIRST,), f"image {FIRST}: there is no report of {target} with this model and data")


def read_report(path: Path, model_sha256: str, data_sha256: str) -> Report:
    """The report that was named.

    Raises:
        InputError: it cannot be read, nothing was measured, or it is of another model or of other data.
    """
    report = file.read(path / file.FILE_NAME if path.is_dir() else path)
    hint = "name the report of a run with this model and data, or the images with --image"
    if report.measured is None or report.model is None:
        raise InputError(f"in {path} nothing was measured: {report.reason}", hint=hint)
    if report.selection is not None and report.selection.stateful:
        raise InputError(
            f"{path} is of one sequence, and a trace gives each image to a model at its start",
            hint="see whether images differ alone, too: run without --stateful, then trace that",
        )
    for what, theirs, ours in (
        ("another model", report.model.sha256, model_sha256),
        ("other data", report.dataset.sha256 if report.dataset else "none", data_sha256),
    ):
        if theirs != ours:
            raise InputError(f"{path} is of {what}: {theirs[:12]}, not {ours[:12]}", hint=hint)
    return report


def latest_report(
    kept: Store, target: str, model_sha256: str, data_sha256: str
) -> tuple[Path, Report] | None:
    """The newest report of a target with this model and data, where there is one."""
    for path in kept.records():
        try:
            report = read_report(path, model_sha256, data_sha256)
        except BoardproofError:
            continue  # of another run, or damaged: not the one that is wanted
        if report.target is not None and report.target.name == target:
            return path, report
    return None
