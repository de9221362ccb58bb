"""Where records are kept: the newest is found by name, also of runs that begin within one second."""

import json
from pathlib import Path

import pytest

from boardproof_export.shared.errors import InputError, NoRoomError
from boardproof_host.record import file
from boardproof_host.record.journal import FILE_NAME as JOURNAL
from boardproof_host.record.store import Store, write_all
from records import build


def kept(store: Store, target: str) -> Path:
    folder = store.new_folder(target)
    file.write(build(), folder / file.FILE_NAME)
    return folder


def test_the_newest_of_many_within_a_second(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folders = [kept(store, "t") for _ in range(20)]
    assert store.newest("t") == folders[-1] / file.FILE_NAME
    assert [path.parent for path in store.records()] == folders[::-1]


def test_latest_is_what_was_written_last(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = kept(store, "t"), kept(store, "t")
    for folder in (second, first):
        store.point_to(folder)
        assert (tmp_path / "t" / "latest").resolve() == folder
    assert store.newest("t").parent == second
    store.point_to(tmp_path / "elsewhere")
    assert (tmp_path / "t" / "latest").resolve() == first


def test_what_was_cut_short_has_its_journal(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(InputError, match="no run on t was cut short"):
        store.unfinished("t")
    cut, whole = kept(store, "t"), kept(store, "t")
    (cut / JOURNAL).write_bytes(b"")
    assert (store.unfinished("t"), store.newest("t").parent) == (cut, whole)


def test_a_full_disk_leaves_the_report_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(report: object, path: Path) -> Path:
        if path.is_relative_to(tmp_path / "full"):
            raise NoRoomError("there is no room left", hint="free some")
        return written(report, path)

    written = file.write
    monkeypatch.setattr(file, "write", full)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(NoRoomError, match="the report is in") as caught:
        write_all(tmp_path / "full", build(), {"report.md": "text"})
    folder = Path(caught.value.message.rpartition(" ")[2])
    assert json.loads((folder / file.FILE_NAME).read_text())["outcome"] == "proven"
    assert (folder / "report.md").read_text() == "text"
