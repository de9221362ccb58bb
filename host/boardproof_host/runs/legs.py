"""What the link did, over all boards of a run and all its legs."""

from collections import Counter
from collections.abc import Sequence

from boardproof_host.boards.open import Boards
from boardproof_host.link.session import Session
from boardproof_host.record.facts import LinkUse
from boardproof_host.record.journal import Leg


def leg_so_far(sessions: Sequence[Session], seconds: float, input_bytes: int) -> Leg:
    """The present leg, over all boards.

    Args:
        seconds: since its stream began.
        input_bytes: of one image.
    """
    counters = [session.counters for session in sessions]
    return Leg(
        seconds=seconds,
        bytes_down=sum(session.exchange.bytes_down for session in sessions),
        bytes_up=sum(one.bytes_up for one in counters),
        payload_down=sum(one.answered for one in counters) * input_bytes,
        retransmits=sum(one.retransmits for one in counters),
        crc_errors=sum(session.damaged + session.counters.damaged_down for session in sessions),
        restarts=sum(one.restarts for one in counters),
        reopened=sum(one.reopened for one in counters),
        confirmed=sum(one.confirmed for one in counters),
        answered=sum(one.answered for one in counters),
    )


def link_use(boards: Boards, earlier: Sequence[Leg], leg: Leg, throttle: int | None) -> LinkUse:
    """The sum over all legs."""
    total = sum(earlier, leg)
    identity = boards.identity
    plans = [cable.plan for cable in boards.cables if cable.plan is not None]
    return LinkUse(
        seconds=total.seconds,
        bytes_down=total.bytes_down,
        bytes_up=total.bytes_up,
        retransmits=total.retransmits,
        crc_errors=total.crc_errors,
        # The rate of an emulated line holds in emulated time only.
        baud=throttle or (0 if identity.emulated else identity.baud),
        payload_down=total.payload_down,
        boards=len(boards.sessions),
        restarts=total.restarts,
        reopened=total.reopened,
        confirmed=total.confirmed,
        faults=dict(sum((Counter(plan.counts) for plan in plans), Counter())) if plans else None,
    )
