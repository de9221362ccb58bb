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

    @property
    def counts(self) -> str:
        """What went wrong on purpose, by kind."""
        counts = {} if self.plan is None else self.plan.counts
        return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"


def stories(cables: Sequence[Cable]) -> tuple[str, ...]:
    """What went wrong on purpose in a run, and how to see it again; nothing where there were no faults."""
    plans = [cable.plan for cable in cables if cable.plan is not None]
    if not plans:
        return ()
    first = plans[0]
    seed = f"--fault-seed {first.seed}"  # of the run: the other boards' follow from it
    asked = " ".join(f"--fault {spec}" for spec in first.specs)
    if len(plans) > 1:
        by_board = "; ".join(
            f"board {number}: {cable.counts}" for number, cable in enumerate(cables, start=1)
        )
        return (f"faults injected: {by_board}; again: --boards {len(plans)} {asked} {seed}",)
    again = f"faults injected: {cables[0].counts}; again: {asked} {seed}"
    newest = " ".join(f"--fault {spec}" for spec in first.injected[-NAMED_MOST:])
    return (f"{again}\n  the newest alone: {newest} {seed}" if newest else again,)


def cable_for(throttle: int | None, faults: Sequence[FaultSpec], seed: int, board: int) -> Cable:
    """The cable of a run's board number `board`, counted from 0; every board has faults of its own."""
    return Cable(throttle, FaultPlan(list(faults), seed + board) if faults else None)
