"""Writes what was rendered: a folder appears whole or not at all, whoever else renders there."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from boardproof_export.shared.files import unwritable
from boardproof_export.shared.manifest import FILE_NAME, Manifest

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def writing(out: Path) -> Iterator[None]:
    """While several processes render to `out`, one writes at a time.

    Raises:
        InputError: it cannot be written.
        NoRoomError: the disk is full.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with _alone(out):
            yield
    except OSError as error:
        raise unwritable(out, error) from error


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Holds a lock on the folder itself, which needs no file; the system lets go of it when the process ends."""
    if fcntl is None:
        yield
        return
    handle = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def replace_folder(folder: Path, manifest: Manifest, files: dict[str, str]) -> None:
    """Puts a folder with `files` and the manifest in place of `folder`, by renaming."""
    backup = folder.with_name(f".{folder.name}.old")
    if backup.is_dir() and not folder.exists():
        backup.rename(folder)  # a rendering was killed between the two renames below
    with _scratch_folder(folder.parent) as fresh:
        for name, text in files.items():
            (fresh / name).write_text(text, encoding="utf-8", newline="\n")
        manifest.write(fresh)
        if _same_files(fresh, folder):
            return
        shutil.rmtree(backup, ignore_errors=True)
        if folder.exists():
            folder.rename(backup)
        try:
            fresh.rename(folder)
        except BaseException:
            if backup.is_dir() and not folder.exists():
                backup.rename(folder)
            raise
        shutil.rmtree(backup, ignore_errors=True)


@contextlib.contextmanager
def _scratch_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, readable as others are, removed at the end unless it was renamed away."""
    folder = Path(tempfile.mkdtemp(prefix=".rendering-", dir=parent))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _same_files(fresh: Path, folder: Path) -> bool:
    names = {path.name for path in fresh.iterdir()}
    if not folder.is_dir() or names != {path.name for path in folder.iterdir()}:
        return False
    return FILE_NAME in names and all(
        (folder / name).is_file() and (fresh / name).read_bytes() == (folder / name).read_bytes()
        for name in names
    )


def keep_model(folder: Path, model: Path) -> None:
    """Puts the model into its folder, alone there."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{model.stem}.tflite"
    _replace_file(kept, model.read_bytes())
    for other in folder.glob("*.tflite"):
        if other != kept:
            other.unlink()


def _replace_file(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    handle, name = tempfile.mkstemp(prefix=".rendering-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
