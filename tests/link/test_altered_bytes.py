"""A line that changes bytes: the cause is named from hello's answer alone."""

import pytest

from boardproof_host.link.refusals import NoAnswerError
from boardproof_host.link.session import Session
from boardproof_host.link.translated import cause
from boardproof_host.protocol.frame import encode
from support.board_library import MemoryBoard, VirtualClock
from support.conversation import Bench

WAYS = {
    "CR becomes LF": lambda data: data.replace(b"\r", b"\n"),
    "LF becomes CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "0xFF is doubled": lambda data: data.replace(b"\xff", b"\xff\xff"),
    "7 bits": lambda data: bytes(byte & 0x7F for byte in data),
    "XON or XOFF is taken out": lambda data: data.replace(b"\x11", b"").replace(b"\x13", b""),
}
# A payload with each of the bytes that such lines change, once or twice, and a hash's worth of others.
PAYLOAD = (
    bytes.fromhex("0d0a11ff") + bytes(range(0x20, 0x60)) + bytes(range(0xA0, 0xE0)) + bytes.fromhex("0a0d")
)


@pytest.mark.parametrize("words", WAYS)
def test_what_changed_a_chunk(words: str) -> None:
    chunk = encode(0x81, 7, PAYLOAD)[1:-1]
    found = cause(WAYS[words](chunk).strip(b"\0"))
    assert found is not None and words in found


def test_noise_has_no_cause() -> None:
    assert cause(b"boot: 0x1234 rst cause:2, boot mode:(3,6)\r\n" * 1) is None
    assert cause(b"\x99\xe0" * 60) is None
    assert cause(encode(0x81, 7, PAYLOAD)[1:-1]) is None


def test_a_board_that_cannot_be_understood_is_not_told_to_be_flashed(small: Bench) -> None:
    clock = VirtualClock(limit=10_000)

    class Telnet(MemoryBoard):
        def read(self, timeout: float) -> bytes:
            return super().read(timeout).replace(b"\xff", b"\xff\xff")

    for seed in range(
        200
    ):  # the nonce is part of the answer: some seed gives it the byte that telnet doubles
        session = Session(Telnet(small.library, clock), seed=seed, clock=clock)
        try:
            session.hello()
        except NoAnswerError as error:
            assert "telnet" in error.message
            assert "flash" not in error.hint
            return
    raise AssertionError("no hello had such a byte")
