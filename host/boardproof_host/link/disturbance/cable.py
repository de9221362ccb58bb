"""What stands between a session and its pipe when `--throttle` or `--fault` ask for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from boardproof_host.link.disturbance.faults import FaultPlan, FaultSpec
from boardproof_host.link.disturbance.rate import ThrottledTransport
from boardproof_host.link.transport import Transport

NAMED_MOST = 8


@dataclass(frozen=True)
class Cable:
    """One board's cable. It outlives its pipe: over one that is opened again, its faults go on.

    throttle: line rate in baud, or None; plan: faults, or None.
    """

    throttle: int | None = None
    plan: FaultPlan | None = None

    def over(self, pipe: Transport) -> Transport:
        """The pipe with this cable on it.

        Raises:
            InputError: the rate is not positive.
        """
        if self.throttle is not None:
            pipe = ThrottledTransport(pipe, self.throttle)
        return pipe if self.plan is None else self.plan.wrap(pipe)

    def story(self) -> str | None:
        """What went wrong on purpose, and how to see it again; None for a cable without faults."""
        if self.plan is None:
            return None
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(self.plan.counts.items())) or "none"
        asked = " ".join(f"--fault {spec}" for spec in self.plan.specs)
        newest = " ".join(f"--fault {spec}" for spec in self.plan.injected[-NAMED_MOST:])
        seed = f"--fault-seed {self.plan.seed}"
        again = f"faults injected: {counts}; again: {asked} {seed}"
        return f"{again}\n  the newest alone: {newest} {seed}" if newest else again


def cable_for(throttle: int | None, faults: Sequence[FaultSpec], seed: int, board: int) -> Cable:
    """The cable of a run's board number `board`, counted from 0; every board has faults of its own."""
    return Cable(throttle, FaultPlan(list(faults), seed + board) if faults else None)
