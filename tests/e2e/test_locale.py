"""Names that are not ASCII where the locale is C and UTF-8 mode is off: a run can name its files all the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.host_c import ROOT
from support.linked_checkout import linked_checkout

pytestmark = pytest.mark.e2e


def test_a_run_in_a_locale_without_utf8(tmp_path: Path) -> None:
    folder = tmp_path / "dossier é"
    folder.mkdir()
    project = linked_checkout(folder)
    model = folder / "modèle.tflite"
    model.write_bytes((ROOT / "models" / "fashion_mnist_int8.tflite").read_bytes())
    command = [
        sys.executable,
        "-m",
        "boardproof_host",
        "run",
        "--target",
        "tflm_host",
        "--limit",
        "5",
        "--json",
    ]
    done = subprocess.run(
        [*command, "--model", model],
        cwd=project,
        env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["name"] == "modèle.tflite"
