"""The journal: what was answered survives a kill at any byte; another run's journal is refused."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from boardproof_export.shared.errors import InputError
from boardproof_host.record import journal as journal_module
from boardproof_host.record.journal import FILE_NAME, Entry, Journal, Leg, RunKey

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
LAST = Entry(7, 8, b"abcdefghij")


def leg(answered: int) -> Callable[[], Leg]:
    return lambda: Leg(seconds=answered / 4, bytes_down=100 * answered, answered=answered)


def written(folder: Path) -> Path:
    """A journal of four answers, a block each."""
    journal = Journal(folder, KEY, resume=False)
    for count, entry in enumerate(ENTRIES, start=1):
        journal.add(entry, leg(count))
        journal.close()
        # Of one run: what comes behind is the same leg, not another one.
        journal = Journal(folder, KEY, resume=True)
        journal.earlier = ()
    journal.close()
    return folder / FILE_NAME


def test_resume_returns_what_was_added(tmp_path: Path) -> None:
    written(tmp_path)
    journal = Journal(tmp_path, KEY, resume=True)
    assert journal.entries == ENTRIES
    assert journal.earlier == (leg(4)(),)
    journal.add(LAST, leg(1))
    journal.close()
    again = Journal(tmp_path, KEY, resume=True)
    assert again.entries == [*ENTRIES, LAST]
    assert again.earlier == (leg(4)(), leg(1)())


def test_cut_at_every_byte(tmp_path: Path) -> None:
    """A kill can cut the file anywhere behind its first line: whole blocks stay, each with its leg's figures."""
    whole = written(tmp_path).read_bytes()
    head = whole.index(b"\n") + 1
    ends = block_ends(whole, head)
    assert ends[-1] == len(whole)
    for cut in range(head, len(whole) + 1):
        (tmp_path / FILE_NAME).write_bytes(whole[:cut])
        journal = Journal(tmp_path, KEY, resume=True)
        kept = sum(end <= cut for end in ends)
        assert journal.entries == ENTRIES[:kept]
        assert journal.earlier == ((leg(kept)(),) if kept else ())
        journal.add(LAST, leg(1))
        journal.close()
        assert Journal(tmp_path, KEY, resume=True).entries == [*ENTRIES[:kept], LAST]


def block_ends(whole: bytes, at: int) -> list[int]:
    ends = []
    while at < len(whole):
        at += 8 + int.from_bytes(whole[at : at + 4], "little")
        ends.append(at)
    return ends


def test_a_killed_process_loses_half_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers and the leg's figures get to the file together, without a close."""
    monkeypatch.setattr(journal_module, "BLOCK_SECONDS", 0.0)
    journal = Journal(tmp_path, KEY, resume=False)
    journal.add(ENTRIES[0], leg(1))
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / FILE_NAME, tmp_path / "copy")
    monkeypatch.setattr(journal_module, "BLOCK_SECONDS", 60.0)
    journal.add(ENTRIES[1], leg(2))
    journal.add(replace(ENTRIES[2]), leg(3))
    left = Journal(tmp_path / "copy", KEY, resume=True)
    assert (left.entries, left.earlier) == (ENTRIES[:1], (leg(1)(),))


def test_large_answers_are_not_kept_in_memory(tmp_path: Path) -> None:
    key = replace(KEY, output_bytes=journal_module.BLOCK_BYTES)
    journal = Journal(tmp_path, key, resume=False)
    journal.add(Entry(0, 1, bytes(key.output_bytes)), leg(1))
    assert (tmp_path / FILE_NAME).stat().st_size > key.output_bytes


def test_damage_ends_the_journal_there(tmp_path: Path) -> None:
    """Whatever byte of a block it hits: an output that a board never gave must not come back."""
    whole = written(tmp_path).read_bytes()
    first, second = block_ends(whole, whole.index(b"\n") + 1)[:2]
    for at in range(first, second):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        (tmp_path / FILE_NAME).write_bytes(damaged)
        journal = Journal(tmp_path, KEY, resume=True)
        assert journal.entries == ENTRIES[:1], at
        journal.close()


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
