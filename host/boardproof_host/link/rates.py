"""Changing the line rate: both ends try it, and both go back where it does not work."""

from collections.abc import Callable, Iterable

from boardproof_export.shared.errors import InputError, LinkError
from boardproof_host.link.exchange import Exchange
from boardproof_host.link.transport import SAFE_BAUD
from boardproof_host.protocol import messages

ECHO_BYTES = 64  # what every board takes in one echo
ECHO_SECONDS = 0.1
TRIAL_SECONDS = 0.7  # longer than the board's trial of a rate (RATE_TRIAL_MS)

Ask = Callable[[messages.SetBaud | messages.Echo, float, int], bytes]


def raise_rate(exchange: Exchange, ask: Ask, hello: Callable[[], object], rates: Iterable[int]) -> int | None:
    """Changes to the first of `rates` that works in both directions; returns it, or None where none does.

    The board falls back by itself where the self-test is not heard; so does the host.

    Args:
        ask: sends a request until it is answered: with a time-out in seconds and a number of tries.
        hello: opens the session anew.

    Raises:
        LinkError: the board is not heard even at the safe rate.
    """
    for rate in rates:
        if _try(exchange, ask, hello, rate):
            hello()
            return rate
    return None


def _try(exchange: Exchange, ask: Ask, hello: Callable[[], object], rate: int) -> bool:
    try:
        ask(messages.SetBaud(rate), 0.5, 6)
    except InputError:
        return False  # the board cannot; nothing has changed
    try:
        exchange.transport.set_baud(rate)
        exchange.rate(rate)
        for start in range(0, 256, ECHO_BYTES):
            data = bytes(range(start, start + ECHO_BYTES))
            if ask(messages.Echo(data), ECHO_SECONDS, 2) != data:
                raise LinkError("the echo differs", hint="choose a lower rate")
    except LinkError:
        go_back(exchange)
        exchange.drain(TRIAL_SECONDS)
        hello()
        return False
    return True


def go_back(exchange: Exchange) -> None:
    """The host's end at the safe rate."""
    exchange.transport.set_baud(SAFE_BAUD)
    exchange.rate(SAFE_BAUD)
