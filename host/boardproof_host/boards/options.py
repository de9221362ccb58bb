"""Which boards a run takes and how it talks to them: plain records, made by the command line, the API or a test."""

from dataclasses import dataclass
from pathlib import Path

from boardproof_host.link.disturbance.faults import FaultSpec


@dataclass(frozen=True)
class LinkOptions:
    """How to talk to a board."""

    baud: str = "auto"  # "auto", "safe" (115200), or a rate
    packed: bool = True  # send packed inputs where the board takes them
    throttle: int | None = (
        None  # line rate in baud given to the link, both directions; None leaves it as it is
    )
    faults: tuple[FaultSpec, ...] = ()  # put in on purpose
    fault_seed: int = 0
    patience: float | None = (
        None  # seconds without a good answer until the board is lost; None: as hello implies
    )


@dataclass(frozen=True)
class BoardOptions:
    """Which boards: either a target that boardproof builds and starts, or ports of boards that are there."""

    target: str | None = None
    ports: tuple[str, ...] = ()  # devices, pyserial URLs, or "auto"
    boards: int = 1  # emulated ones to share the work
    model: Path | None = None  # .tflite in the firmware; None: the exported one, else the reference model
    link: LinkOptions = LinkOptions()
    verbose: bool = False  # show the build's log also where it succeeds
