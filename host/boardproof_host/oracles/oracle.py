"""The oracles: Python interpreters that compute the same int8 inputs while the board does.

They disagree in the last bit, because they round differently when they requantize (docs/DESIGN.md, "Oracles and
the verdict"). `start()` runs them in one worker process of low priority; what they computed before, for the same
model, inputs and versions, comes from a cache.
"""

import hashlib
import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_host.boards.which_model import read_content, read_facts
from boardproof_host.oracles.cache import OracleCache
from boardproof_host.oracles.process import OracleProcess

Int8Array = NDArray[np.int8]


@dataclass(frozen=True)
class Oracle:
    """One interpreter, and how it rounds."""

    name: str  # the key in the report
    distribution: str  # the package on PyPI whose version is the oracle's
    load: str  # "module:function" for the worker, from the model's bytes to a function of one input
    rounding: str  # how it requantizes: a = accumulator + bias, m and s = multiplier and shift


TFLM = Oracle(
    name="tflm",
    distribution="tflite-micro",
    load="boardproof_host.oracles.worker:load_tflm",
    rounding="h = (a*m + 2^30) >> 31, then h / 2^-s, half away from zero",
)
LITERT = Oracle(
    name="litert",
    distribution="ai-edge-litert",
    load="boardproof_host.oracles.worker:load_litert",
    rounding="XNNPACK: float(a) * float32 scale, half to even",
)
LITERT_REF = Oracle(
    name="litert-ref",
    distribution="ai-edge-litert",
    load="boardproof_host.oracles.worker:load_litert_ref",
    rounding="reference kernels: double(a) * scale, half away from zero",
)
LITERT_NODELEGATE = Oracle(
    name="litert-nodelegate",
    distribution="ai-edge-litert",
    load="boardproof_host.oracles.worker:load_litert_nodelegate",
    rounding="ruy on x86: h = (a*m + 2^30) >> 31, then (h + 2^(-s-1)) >> -s",
)
LITERT_ORACLES = (LITERT, LITERT_REF, LITERT_NODELEGATE)


@dataclass(frozen=True)
class OracleOutputs:
    """What one oracle computed."""

    oracle: Oracle
    outputs: Int8Array  # (N, C), in the order of the inputs
    version: str  # of the oracle's distribution
    seconds: float  # of wall time in the worker; 0 when the cache had them
    cached: bool


@dataclass(frozen=True)
class OracleSet:
    """The oracles of a run; the first one is the reference that the verdict compares with."""

    oracles: tuple[Oracle, ...]
    stand_in: bool  # the reference is not TensorFlow Lite Micro itself

    @property
    def reference(self) -> Oracle:
        return self.oracles[0]


def has_tflm_wheel(system: str, machine: str) -> bool:
    """Whether PyPI has a `tflite-micro` wheel for such a host (it has them for x86-64 Linux only)."""
    return system == "Linux" and machine.lower() in ("x86_64", "amd64")


def default_oracles(stand_in: Oracle | None = None, *, tflm_wheel: bool | None = None) -> OracleSet:
    """The oracles of a run on this machine: the reference, then the three ways to run LiteRT.

    Args:
        stand_in: takes the place of `tflm` where that package has no wheel: the `aot` engine compiled for the host.
        tflm_wheel: overrides what is known of this machine.

    Raises:
        ToolMissingError: `tflite-micro` has no wheel here and there is no stand-in.
    """
    if tflm_wheel is None:
        tflm_wheel = has_tflm_wheel(platform.system(), platform.machine())
    if tflm_wheel:
        return OracleSet((TFLM, *LITERT_ORACLES), stand_in=False)
    if stand_in is None:
        raise ToolMissingError(
            f"tflite-micro has no package for {platform.system()} on {platform.machine()}",
            hint="prove the model on an x86-64 Linux machine",
        )
    return OracleSet((stand_in, *LITERT_ORACLES), stand_in=True)


def oracle_version(oracle: Oracle) -> str:
    """The installed version of an oracle's package, without importing it.

    Raises:
        ToolMissingError: it is not installed. An oracle is never skipped in silence.
    """
    try:
        return importlib.metadata.version(oracle.distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolMissingError(
            f"the oracle {oracle.name!r} needs the package {oracle.distribution}, which is not installed",
            hint="install the project's dependencies again: python -m pip install .",
        ) from error


class OracleRun:
    """Oracles at work. Made by `start()`; use it in a `with` block, so that no worker is left behind."""

    def __init__(self, oracles: Sequence[Oracle], versions: dict[str, str], images: int) -> None:
        self._oracles = tuple(oracles)
        self._versions = versions
        self._images = images
        self._done: dict[str, OracleOutputs] = {}
        self._process: OracleProcess | None = None
        self._cache: OracleCache | None = None

    def __enter__(self) -> "OracleRun":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin(self, model: bytes, inputs: Int8Array, cache: OracleCache, output_bytes: int) -> None:
        """Takes what the cache has and starts a worker for the rest."""
        missing = []
        for oracle in self._oracles:
            known = cache.read(oracle.name, self._key(oracle), (self._images, output_bytes))
            if known is None:
                missing.append(oracle)
            else:
                version = self._versions[oracle.name]
                self._done[oracle.name] = OracleOutputs(oracle, known, version, 0.0, cached=True)
        self._cache = cache
        if missing:
            self._process = OracleProcess(model, inputs, {o.name: o.load for o in missing}, output_bytes)

    def poll(self) -> dict[str, int]:
        """Images that each oracle has computed so far. Never waits."""
        counts = self._process.progress() if self._process else {}
        return {
            o.name: self._images if o.name in self._done else counts.get(o.name, 0) for o in self._oracles
        }

    def result(self) -> dict[str, OracleOutputs]:
        """Waits for all oracles; returns their outputs by name, the reference first.

        Raises:
            InputError: an oracle cannot run the model.
            ToolMissingError: an oracle's package does not work, or the worker was stopped.
        """
        if self._process is not None:
            for name, (outputs, seconds) in self._process.wait().items():
                oracle = next(o for o in self._oracles if o.name == name)
                if self._cache is not None:
                    self._cache.write(name, self._key(oracle), outputs)
                self._done[name] = OracleOutputs(oracle, outputs, self._versions[name], seconds, cached=False)
            self._process = None
        return {oracle.name: self._done[oracle.name] for oracle in self._oracles}

    def stop(self) -> None:
        """Ends the worker, if one is at work. May be called again."""
        if self._process is not None:
            self._process.stop()

    def _key(self, oracle: Oracle) -> tuple[str, ...]:
        # LiteRT picks its kernels by processor, so outputs of one machine are not another's.
        machine = f"{platform.system()} {platform.machine()}"
        return (oracle.distribution, self._versions[oracle.name], oracle.load, machine)


def start(model: Path, inputs: Int8Array, cache: Path, oracles: OracleSet | None = None) -> OracleRun:
    """Starts the oracles over int8 inputs (N, input_bytes) and returns at once.

    Args:
        model: the .tflite file that the board runs.
        inputs: the images in the order that the caller wants the outputs in.
        cache: folder for outputs by content; made when it is missing.
        oracles: which ones; by default `default_oracles()`.

    Raises:
        InputError: the model cannot be read, or its input or output is not int8.
        ToolMissingError: an oracle's package is not installed.
    """
    chosen = oracles or default_oracles()
    versions = {oracle.name: oracle_version(oracle) for oracle in chosen.oracles}
    content = read_content(model)
    facts = read_facts(content, str(model))
    input_bytes, output_bytes = facts.input_bytes, facts.output_bytes
    if inputs.dtype != np.int8 or inputs.ndim != 2 or inputs.shape[1] != input_bytes:
        raise InputError(
            f"inputs are {inputs.dtype} {inputs.shape}, but {model} takes int8 (N, {input_bytes})",
            hint="check that the data set is the one that the model was trained on",
        )
    run = OracleRun(chosen.oracles, versions, len(inputs))
    digests = (hashlib.sha256(content).hexdigest(), _digest(inputs))
    run.begin(content, inputs, OracleCache(cache, digests), output_bytes)
    return run


def _digest(inputs: Int8Array) -> str:
    digest = hashlib.sha256(repr(inputs.shape).encode())
    digest.update(np.ascontiguousarray(inputs).data)
    return digest.hexdigest()
