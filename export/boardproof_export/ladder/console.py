"""What the export side's commands print: records as JSON on stdout, people's text through rich."""

import json
import sys
from typing import Any

from rich.console import Console


def print_json(record: dict[str, Any]) -> None:
    """Prints a record as the whole of stdout, for `--json`."""
    sys.stdout.write(json.dumps(record, indent=2) + "\n")


def results() -> Console:
    """The console for results: stdout. Numbers are not coloured, and paths are not taken for markup or wrapped."""
    return Console(highlight=False, markup=False, soft_wrap=True)


def progress() -> Console:
    """The console for progress: stderr, so that stdout stays the record under `--json`."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
