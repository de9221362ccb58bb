"""A checkout of links: the project's sources, and a state of its own; nothing that the real one exported or built."""

import os
import subprocess
import sys
from pathlib import Path

from support.host_c import ROOT

MADE = ("generated",)  # in firmware/: what commands have left there


def linked_checkout(folder: Path) -> Path:
    """Makes the checkout in an empty `folder`; returns it."""
    (folder / "firmware").mkdir()
    for path in (ROOT / "firmware").iterdir():
        if path.name not in MADE:
            (folder / "firmware" / path.name).symlink_to(path)
    for name in ("models", "platformio.ini"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def boardproof(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs `boardproof ARGUMENTS` in the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "boardproof_host", *arguments],
        env=os.environ | {"BOARDPROOF_PROJECT": str(project), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
