"""Where records are kept: a folder a run, below one of its target; `latest` is the newest of them."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from boardproof_export.shared.errors import InputError, NoRoomError
from boardproof_host.record import file
from boardproof_host.record.journal import FILE_NAME as JOURNAL
from boardproof_host.record.schema import Report

LATEST = "latest"


class Store:
    """The records of a checkout, or of a working folder.

    Args:
        root: holds a folder a target.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def new_folder(self, target: str) -> Path:
        """A folder for a run that begins now, made.

        Raises:
            InputError: it cannot be written.
            NoRoomError: the disk is full.
        """
        # To the microsecond: the newest is found by name, also of runs that began in one second.
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        folder = self.root / target / f"{stamp}-{secrets.token_hex(2)}"
        file.check_writable(folder)
        return folder

    def unfinished(self, target: str) -> Path:
        """The folder of the newest run that was cut short: it still has its journal.

        Raises:
            InputError: there is none.
        """
        for folder in self._runs(target):
            if (folder / JOURNAL).is_file():
                return folder
        raise InputError(
            f"no run on {target} was cut short", hint="run without --resume, or name the folder with --out"
        )

    def newest(self, target: str) -> Path:
        """The newest record of a target.

        Raises:
            InputError: there is none.
        """
        for folder in self._runs(target):
            if (folder / file.FILE_NAME).is_file():
                return folder / file.FILE_NAME
        raise InputError(
            f"there is no report of {target} in {self.root}", hint=f"boardproof run --target {target}"
        )

    def records(self) -> list[Path]:
        """All records, the newest of each target first."""
        targets = sorted(folder.name for folder in self.root.glob("*") if folder.is_dir())
        return [
            folder / file.FILE_NAME
            for target in targets
            for folder in self._runs(target)
            if (folder / file.FILE_NAME).is_file()
        ]

    def _runs(self, target: str) -> Iterator[Path]:
        folders = [path for path in (self.root / target).glob("*") if path.is_dir() and not path.is_symlink()]
        yield from sorted(folders, reverse=True)

    def point_to(self, folder: Path) -> None:
        """Has `latest` be this run's folder, where it is one of the store's."""
        if folder.parent.parent != self.root:
            return
        link = folder.parent / f".{LATEST}-{os.getpid()}"
        with contextlib.suppress(OSError):  # a file system without links: the newest folder's name is enough
            link.symlink_to(folder.name)
            link.replace(folder.parent / LATEST)


def write_all(folder: Path, report: Report, renderings: dict[str, str]) -> Path:
    """Writes the record and its renderings (file name to text); returns the folder that holds them.

    Where there is no room, they go to a new folder among the system's temporary files.

    Raises:
        NoRoomError: naming that folder, or saying that it is full, too.
        InputError: the folder cannot be written.
    """
    try:
        _write(folder, report, renderings)
        return folder
    except NoRoomError as full:
        try:
            instead = Path(tempfile.mkdtemp(prefix="boardproof-"))
            _write(instead, report, renderings)
        except (OSError, NoRoomError, InputError) as error:
            raise full from error
        raise NoRoomError(f"{full.message}; the report is in {instead}", hint=full.hint) from full


def _write(folder: Path, report: Report, renderings: dict[str, str]) -> None:
    file.write(report, folder / file.FILE_NAME)
    for name, text in renderings.items():
        file.write_whole(folder / name, text)
