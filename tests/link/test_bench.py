"""`make bench` with few images: the line stays full, and packing pays. All 10,000 are docs/LINK.md's."""

import json
import subprocess
import sys

from support.host_c import ROOT


def test_the_line_stays_full() -> None:
    command = [sys.executable, str(ROOT / "bench" / "link.py"), "--images", "100", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)
    assert len(runs) == 12
    for run in runs:
        assert (run["retransmits"], run["overruns"]) == (0, 0)
        if run["receive_bytes"] >= 1024:
            assert run["payload_fraction"] > (1.6 if run["packed"] else 0.97)
