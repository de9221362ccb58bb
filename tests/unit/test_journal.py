"""The journal: what was answered survives a kill at any byte; another run's journal is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from boardproof_export.shared.errors import InputError
from boardproof_host.record.journal import FILE_NAME, Entry, Journal, RunKey

KEY = RunKey(
    model="m" * 64,
    data="d" * 64,
    firmware="f" * 16,
    target="qemu_cortex_m4",
    engine="aot",
    kernels="dsp",
    images=100,
    output_bytes=10,
    tick_unit="instructions",
)
ENTRIES = [Entry(index, 60_000 + index, bytes([index] * 10)) for index in (0, 2, 1, 99)]


def written(folder: Path) -> Path:
    journal = Journal(folder, KEY, resume=False)
    for entry in ENTRIES:
        journal.add(entry)
    journal.close()
    return folder / FILE_NAME


def test_resume_returns_what_was_added(tmp_path: Path) -> None:
    written(tmp_path)
    journal = Journal(tmp_path, KEY, resume=True)
    assert journal.entries == ENTRIES
    journal.add(Entry(5, 7, bytes(10)))
    journal.close()
    assert Journal(tmp_path, KEY, resume=True).entries == [*ENTRIES, Entry(5, 7, bytes(10))]


def test_cut_at_every_byte(tmp_path: Path) -> None:
    """A kill can cut the file anywhere behind its first line: whole records stay, and the next one fits behind."""
    whole = written(tmp_path).read_bytes()
    head = whole.index(b"\n") + 1
    size = (len(whole) - head) // len(ENTRIES)
    for cut in range(head, len(whole) + 1):
        (tmp_path / FILE_NAME).write_bytes(whole[:cut])
        journal = Journal(tmp_path, KEY, resume=True)
        kept = (cut - head) // size
        assert journal.entries == ENTRIES[:kept]
        journal.add(Entry(7, 8, b"abcdefghij"))
        journal.close()
        assert Journal(tmp_path, KEY, resume=True).entries == [*ENTRIES[:kept], Entry(7, 8, b"abcdefghij")]


def test_damage_ends_the_journal_there(tmp_path: Path) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    assert len(Journal(tmp_path, KEY, resume=True).entries) < len(ENTRIES)


@pytest.mark.parametrize("field", ["model", "data", "firmware", "target", "engine", "kernels", "tick_unit"])
def test_another_run_is_refused_by_what_changed(tmp_path: Path, field: str) -> None:
    path = written(tmp_path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=field):
        Journal(tmp_path, replace(KEY, **{field: "other"}), resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"{}\n", b"not json\n", b'{"schema": "boardproof.journal/0"}\n']
)
def test_what_is_no_journal_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(text)
    with pytest.raises(InputError, match="journal"):
        Journal(tmp_path, KEY, resume=True)


def test_a_new_run_moves_the_old_journal_aside(tmp_path: Path) -> None:
    old = written(tmp_path).read_bytes()
    Journal(tmp_path, KEY, resume=False).close()
    assert (tmp_path / "journal.previous").read_bytes() == old


def test_a_finished_run_leaves_no_journal(tmp_path: Path) -> None:
    Journal(tmp_path, KEY, resume=False).discard()
    assert not (tmp_path / FILE_NAME).exists()
    assert Journal(tmp_path, KEY, resume=True).entries == []


def test_an_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        Journal(tmp_path / "file", KEY, resume=False)
