"""Which oracles there are: their versions, how each rounds, which of them a run takes, and what they give."""

import importlib.metadata
import platform
from collections.abc import Callable
from dataclasses import dataclass

from boardproof_export.shared.errors import ToolMissingError
from boardproof_host.oracles.edges import Bytes
from boardproof_host.oracles.rounding import DOUBLE, PROMISED, REFERENCE, RUY_X86, XNNPACK, Rounding


@dataclass(frozen=True)
class Oracle:
    """One interpreter, and how it rounds."""

    name: str  # the key in the report
    distribution: str  # the package on PyPI whose version is the oracle's
    load: str  # "module:function" for the worker, from the model's bytes and edges to a function of one input
    rounding: Rounding
    engine: str | None = None  # the engine that it is itself, by the name in hello
    sources: Callable[[], str] | None = (
        None  # a digest of what computes, where a package's version does not tell
    )


TFLM = Oracle(
    name="tflm",
    distribution="tflite-micro",
    load="boardproof_host.oracles.worker:load_tflm",
    rounding=DOUBLE,
    engine="tflm",
)
LITERT = Oracle(
    name="litert",
    distribution="ai-edge-litert",
    load="boardproof_host.oracles.worker:load_litert",
    rounding=XNNPACK,
)
LITERT_REF = Oracle(
    name="litert-ref",
    distribution="ai-edge-litert",
    load="boardproof_host.oracles.worker:load_litert_ref",
    rounding=REFERENCE,
)
LITERT_NODELEGATE = Oracle(
    name="litert-nodelegate",
    distribution="ai-edge-litert",
    load="boardproof_host.oracles.worker:load_litert_nodelegate",
    rounding=RUY_X86,
)
LITERT_ORACLES = (LITERT, LITERT_REF, LITERT_NODELEGATE)


@dataclass(frozen=True)
class OracleSet:
    """The oracles of a run; the first one is the reference that the verdict compares with."""

    oracles: tuple[Oracle, ...]
    stand_in: bool  # the reference is not TensorFlow Lite Micro itself

    @property
    def reference(self) -> Oracle:
        return self.oracles[0]


@dataclass(frozen=True)
class OracleOutputs:
    """What one oracle computed."""

    oracle: Oracle
    outputs: Bytes  # uint8 (N, output_bytes): the outputs one behind the other, as a board answers them
    version: str  # of the oracle's distribution
    seconds: float  # of wall time in the worker; 0 when the cache had them
    cached: bool


@dataclass(frozen=True)
class NoOutputs:
    """An oracle other than the reference that gave nothing."""

    oracle: Oracle
    version: str
    reason: str  # "cannot run: ..."


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
    """The installed version of an oracle's package, without importing it; where there is one, its sources' digest.

    Raises:
        ToolMissingError: it is not installed. An oracle is never skipped in silence.
    """
    try:
        version = importlib.metadata.version(oracle.distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolMissingError(
            f"the oracle {oracle.name!r} needs the package {oracle.distribution}, which is not installed",
            hint="install the project's dependencies again: python -m pip install .",
        ) from error
    return version if oracle.sources is None else f"{version}+{oracle.sources()[:12]}"


def check_installed(chosen: OracleSet) -> None:
    """Refuses, before a board is started, what this machine lacks for a run.

    Raises:
        ToolMissingError: an oracle's package is not installed.
        InputError: the stand-in has no sources to be compiled from.
    """
    for oracle in chosen.oracles:
        oracle_version(oracle)


def is_itself(oracle: Oracle, engine: str, core: str) -> bool:
    """Whether a board that says `engine` and `core` in hello is this oracle, on a machine like this one.

    Such a verdict proves the link and the host's side, and nothing of the engine.
    """
    return oracle.engine == engine and core.startswith(HOST_CORE)


def keeps_its_promise(oracle: Oracle, engine: str) -> bool:
    """Whether the oracle rounds as the engine promises to; an engine that promises nothing is not held to anything."""
    return PROMISED.get(engine, oracle.rounding) == oracle.rounding


HOST_CORE = "host"  # what a board's core begins with that is a process of a computer like this one
