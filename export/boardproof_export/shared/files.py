"""Writing results so that an interrupted command loses nothing: all new files are complete, or none is there."""

import contextlib
import errno
import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boardproof_export.shared.errors import BoardproofError, InputError, NoRoomError


def prepare_folder(folder: Path, called: str = "") -> None:
    """Creates `folder` and proves that files can be made in it, before any long work begins.

    Args:
        called: what the folder is, for the error: "the report folder".

    Raises:
        InputError: it is a file, or cannot be created or written.
        NoRoomError: the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error, called) from error


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A scratch folder beside the results; on success its files replace those of the same name in `folder`.

    On an exception, Ctrl-C included, the scratch folder is removed and `folder` stays as it was. The scratch folder
    lies inside `folder` because a rename is atomic only within a file system.

    Raises:
        InputError: the file system refuses a write.
        NoRoomError: it is full.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-", ignore_cleanup_errors=True) as name:
            scratch = Path(name)
            yield scratch
            for path in sorted(scratch.iterdir()):
                path.replace(folder / path.name)
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Path, error: OSError, called: str = "") -> BoardproofError:
    """The error to raise where `folder` took no file: a full disk is the machine's fault, the rest the user's."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoomError(
            f"there is no room left for {called or 'files in'} {folder}: {error.strerror}",
            hint="free some, or name another folder with --out",
        )
    refused = f"{called} {folder} cannot be written" if called else f"cannot write to {folder}"
    return InputError(
        f"{refused}: {error.strerror or error}",
        hint="name another folder with --out, or change its permissions",
    )


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Writes a record; the same record gives the same bytes."""
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, lower-case hex.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_model(path: Path) -> bytes:
    """The bytes of a .tflite file that a user may have named.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="name a .tflite file") from error


def shown(path: Path) -> str:
    """As short as it can be typed here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
