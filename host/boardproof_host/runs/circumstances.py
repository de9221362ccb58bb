"""When, where, with what and on what a run is made."""

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from boardproof_host.link.handshake import Identity
from boardproof_host.protocol.messages import TickUnit
from boardproof_host.record.facts import Circumstances
from boardproof_host.record.schema import CostUnit, Host, Target

UNITS: dict[TickUnit, CostUnit] = {
    TickUnit.CYCLES: "cycles",
    TickUnit.MICROSECONDS: "microseconds",
    TickUnit.INSTRUCTIONS: "instructions",
}
PACKAGES = ("numpy", "pyserial", "tflite-micro", "ai-edge-litert", "platformio")


@dataclass
class Phases:
    """Wall seconds by phase of a run, and when it began."""

    seconds: dict[str, float] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the time spent in the block to `name`."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - started, 3)


def cost_unit(identity: Identity) -> CostUnit | None:
    """The unit in which a board counts what an inference costs; None where it counts this machine's time
    instead."""
    if identity.emulated and identity.tick_unit is TickUnit.MICROSECONDS:
        return None
    return UNITS[identity.tick_unit]


def target_of(identity: Identity) -> Target:
    """The board's side of a record."""
    return Target(
        name=identity.target,
        engine=identity.engine,
        kernels=identity.kernels,
        core=identity.core,
        build_id=identity.build_id,
        emulated=identity.emulated,
        clock_hz=identity.clock_hz or None,
    )


def circumstances(phases: Phases, command: Sequence[str]) -> Circumstances:
    """What the record says beside the measurement."""
    return Circumstances(
        created=phases.created,
        boardproof=version("boardproof"),
        host=Host(
            os=f"{platform.system()} {platform.machine()}",
            python=platform.python_version(),
            packages={name: text for name in PACKAGES if (text := _version(name)) is not None},
        ),
        timing=dict(phases.seconds),
        command=tuple(command),
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
