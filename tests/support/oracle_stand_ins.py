"""What the oracles' worker can be told to load in place of an interpreter."""

import os
import signal
import sys
import time

import numpy as np

from boardproof_host.oracles import Oracle
from boardproof_host.oracles.edges import Bytes, Edges
from boardproof_host.oracles.rounding import Rounding
from boardproof_host.oracles.worker import Runner


def stand_in(name: str) -> Oracle:
    """An oracle that is one of the functions below."""
    return Oracle(name, "numpy", f"support.oracle_stand_ins:load_{name}", Rounding("none", 1, "none"))


def load_sum(model: bytes, edges: Edges) -> Runner:
    """The sum of the input's first two bytes, twice."""
    assert model[4:8] == b"TFL3"
    assert (edges.input_bytes, edges.output_bytes) == (3, 2)
    return lambda row, _fresh: np.full(2, row[0] + row[1], dtype=np.uint8)


def load_crash(model: bytes, edges: Edges) -> Runner:
    """It crashes."""
    print("about to crash", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def load_mute(model: bytes, edges: Edges) -> Runner:
    """It crashes without a word."""
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def load_noise(model: bytes, edges: Edges) -> Runner:
    """It prints to the standard output of its process."""
    os.write(1, b"noise\n")
    return load_sum(model, edges)


def load_broken(model: bytes, edges: Edges) -> Runner:
    """It cannot be imported."""
    raise ImportError("libstdc++ is too old")


def load_slow(model: bytes, edges: Edges) -> Runner:
    """It takes 2 ms an image."""

    def run(row: Bytes, fresh: bool) -> Bytes:
        time.sleep(0.002)
        return np.zeros(2, dtype=np.uint8)

    return run


def load_counting(model: bytes, edges: Edges) -> Runner:
    """Its outputs depend on what it computed before."""
    calls: list[None] = []

    def run(row: Bytes, fresh: bool) -> Bytes:
        calls.append(None)
        return np.full(2, len(calls), dtype=np.uint8)

    return run
