"""Tables and help fit the terminal, and split no word."""

import os
import subprocess
import sys

import pytest

from boardproof_host.commands.fitting import table
from boardproof_host.commands.main import build_parser

ROWS = [("qemu_cortex_m4", "emulated", "Arm MPS2 AN386"), ("pico", "board", "Raspberry Pi Pico (RP2040)")]


def test_a_row_is_a_line_where_there_is_room() -> None:
    assert list(table(ROWS, 60)) == [
        "qemu_cortex_m4  emulated  Arm MPS2 AN386",
        "pico            board     Raspberry Pi Pico (RP2040)",
    ]


def test_the_last_cells_give_way_and_words_stay_whole() -> None:
    assert list(table(ROWS, 26)) == [
        "qemu_cortex_m4  emulated",
        "    Arm MPS2 AN386",
        "pico            board",
        "    Raspberry Pi Pico",
        "    (RP2040)",
    ]
    assert list(table(ROWS, 10))[:3] == ["qemu_cortex_m4", "    emulated", "    Arm"]


@pytest.mark.parametrize("columns", [60, 80])
def test_help_fits(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    parser = build_parser()
    commands = parser._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    for name, each in {"": parser, **commands}.items():  # type: ignore[dict-item]
        for line in each.format_help().splitlines():
            # An example of several words is a command to be copied: whole.
            assert len(line) <= columns or "boardproof " in line, (name, line)


@pytest.mark.parametrize("command", ["targets", "doctor"])
def test_lists_fit_and_are_a_line_a_row_when_piped(command: str) -> None:
    def printed(**environment: str) -> list[str]:
        line = [sys.executable, "-m", "boardproof_host", command]
        inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        done = subprocess.run(line, capture_output=True, text=True, check=False, env=inherited | environment)
        return done.stdout.splitlines()

    piped, narrow = printed(), printed(COLUMNS="60")
    assert len(narrow) > len(piped)
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in narrow)
    assert not any(line.startswith(" ") or line.endswith(" ") for line in piped)
