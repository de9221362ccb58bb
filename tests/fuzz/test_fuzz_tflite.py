"""Damaged .tflite files are refused or exported, and nothing else happens: a short run, the same each time.

`make fuzz` does it for half an hour; `tests/fuzz/run.py tflite --corpus FOLDER` from a folder of real files.
"""

from pathlib import Path

import pytest

from boardproof_export.shared.model import reader
from boardproof_export.shared.model.records import Tensor
from support import tflite_fuzzer
from support.tflite_mutations import Mutator

SMALL, LARGE = 250, 15  # damaged files from those of the tests, and from the repository's models too


def small_files() -> list[bytes]:
    return [content for content in tflite_fuzzer.good_files(None) if len(content) < 4096]


def findings(mutator: Mutator, count: int) -> list[str]:
    found = []
    for number in range(count):
        try:
            with tflite_fuzzer.within(tflite_fuzzer.MOST_SECONDS):
                tflite_fuzzer.examine(mutator.damaged(number))
        except Exception as error:
            found.append(f"{number}: {tflite_fuzzer.kind_of(error)}: {error}")
    return found


def test_damaged_files_are_refused_or_exported() -> None:
    assert findings(Mutator(small_files()), SMALL) == []
    assert findings(Mutator(tflite_fuzzer.good_files(None)), LARGE) == []


def test_files_are_damaged_and_some_of_them_still_run() -> None:
    """The run could not fail if every file were left as it is, or none were taken."""
    mutator = Mutator(small_files())
    made = [mutator.damaged(number) for number in range(60)]
    assert made == [mutator.damaged(number) for number in range(60)]
    assert len(set(made) - set(small_files())) > 40
    assert 3 < sum(tflite_fuzzer.examine(content) for content in made) < 57


def test_a_defect_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check of constants' sizes they are read past their end."""

    def unchecked(_: Tensor) -> None:
        pass

    monkeypatch.setattr(reader, "_check_constant", unchecked)
    assert findings(Mutator(small_files()), SMALL // 2)


def test_a_hang_is_found() -> None:
    with pytest.raises(tflite_fuzzer.TooLongError), tflite_fuzzer.within(0.05):
        while True:
            pass


def test_a_process_that_dies_or_takes_too_much_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(content: bytes) -> bool:
        return bool(bytearray(len(content) + 2 * tflite_fuzzer.MOST_BYTES))

    monkeypatch.setattr(tflite_fuzzer, "examine", greedy)
    monkeypatch.setattr(tflite_fuzzer, "_ROUND", 2)
    assert tflite_fuzzer.fuzz(small_files(), 2, tmp_path) > 0
    assert [path.name for path in tmp_path.glob("MemoryError*.txt")]
