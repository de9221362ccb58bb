"""The oracles' worker process: it gives way, it is not disturbed, and it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boardproof_export.shared.errors import ToolMissingError
from boardproof_host import oracles
from boardproof_host.oracles import OracleRun, OracleSet
from boardproof_host.oracles.edges import Bytes
from support.oracle_stand_ins import stand_in

SLOW = OracleSet((stand_in("slow"),), stand_in=True)


def inputs(images: int) -> Bytes:
    return np.zeros((images, 3), np.uint8)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def worker_of(run: OracleRun) -> tuple[int, Path]:
    assert run._process is not None
    return run._process.pid, Path(run._process._folder.name)


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux
def test_the_worker_gives_way_and_ctrl_c_is_not_for_it(tiny: Path, tmp_path: Path) -> None:
    with oracles.start(tiny, inputs(1000), tmp_path / "cache", SLOW) as run:
        pid, folder = worker_of(run)
        assert wait_until(lambda: run.poll()["slow"] > 0)
        assert 0 < run.poll()["slow"] < 1000
        assert os.getpriority(os.PRIO_PROCESS, pid) >= 15
        assert os.getpgid(pid) != os.getpgid(0)
        os.kill(pid, signal.SIGINT)
        assert run.result()["slow"].outputs.shape == (1000, 2)
        assert run.poll() == {"slow": 1000}
    assert not alive(pid) and not folder.exists()


@linux
def test_stop_leaves_nothing_behind(tiny: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    with oracles.start(tiny, inputs(5000), tmp_path / "cache", SLOW) as run:
        pid, folder = worker_of(run)
        assert alive(pid) and folder.exists()
    assert time.monotonic() - started < 5
    assert not alive(pid) and not folder.exists()
    run.stop()
    with pytest.raises(ToolMissingError, match="stopped"):
        run.result()


PARENT = """
import sys, time
from pathlib import Path
import numpy as np
from boardproof_host import oracles
from support.oracle_stand_ins import stand_in
slow = oracles.OracleSet((stand_in("slow"),), True)
run = oracles.start(Path(sys.argv[1]), np.zeros((50000, 3), np.uint8), Path(sys.argv[2]), slow)
while not run.poll()["slow"]:
    time.sleep(0.01)
print(run._process.pid, run._process._folder.name, flush=True)
time.sleep(60)
"""


@linux
def test_the_worker_does_not_outlive_its_parent(tiny: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tiny), str(tmp_path / "cache")],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        assert alive(int(pid))
    finally:
        parent.kill()
        parent.communicate()
    assert wait_until(lambda: not alive(int(pid)))
    assert wait_until(lambda: not Path(folder).exists())
