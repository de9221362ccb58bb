"""Conversations that any board must have in one way: what the host sends, by what it is about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, encode
from boardproof_host.protocol.messages import ErrorCode
from boardproof_host.protocol.packed import pack


@dataclass(frozen=True)
class Requests:
    """The requests that fit a model."""

    input_bytes: int
    fill: int  # the byte that is packed
    longest: int  # payload that the board takes

    def image(self, seed: int, zeros: float = 0.5) -> bytes:
        """Inputs, part of them the byte that is packed."""
        rng = np.random.default_rng(seed)
        values = rng.integers(0, 256, self.input_bytes, dtype=np.uint8)
        values[rng.random(self.input_bytes) < zeros] = self.fill
        return values.tobytes()

    def infer(self, seq: int, seed: int = 1) -> bytes:
        return encode(messages.Infer.TYPE, seq, self.image(seed))

    def packed(self, seq: int, seed: int = 1) -> bytes:
        return encode(messages.InferPacked.TYPE, seq, pack(self.image(seed), self.fill))

    def run(self) -> bytes:
        """The token for inputs that are nothing but the packed byte."""
        assert self.input_bytes <= 128
        return bytes([0x7F + self.input_bytes])

    def profile(self, seq: int, seed: int = 1) -> bytes:
        return encode(messages.Profile.TYPE, seq, self.image(seed))

    def layer(self, seq: int, op: int, output: int = 0, offset: int = 0, length: int = 99) -> bytes:
        request = messages.Layer(op, output, offset, length, self.image(1))
        return encode(messages.Layer.TYPE, seq, request.pack())


def hello(seq: int = 0, nonce: int = 7, version: int = messages.VERSION) -> bytes:
    return encode(messages.Hello.TYPE, seq, messages.Hello(nonce, version).pack())


def ops(seq: int, first: int = 0) -> bytes:
    return encode(messages.Ops.TYPE, seq, messages.Ops(first).pack())


def status(seq: int) -> bytes:
    return encode(messages.Status.TYPE, seq, b"")


def keep_state(seq: int, payload: bytes = b"") -> bytes:
    return encode(messages.KeepState.TYPE, seq, payload)


def damaged(wire: bytes) -> bytes:
    """With one byte of its middle changed to something that is no delimiter."""
    at = len(wire) // 2
    return wire[:at] + bytes([wire[at] ^ 0xFF or 0x55]) + wire[at + 1 :]


def error(seq: int, code: ErrorCode, a: int = 0, b: int = 0) -> Frame:
    return Frame(messages.Error.TYPE, seq, messages.Error(code, a, b).pack())


CONVERSATIONS: dict[str, Callable[[Requests], list[bytes]]] = {
    "hello": lambda b: [hello()],
    "hello twice is one session": lambda b: [hello(0), b.infer(1), hello(2), status(3)],
    "another nonce is another session": lambda b: [
        hello(0, 7),
        b.infer(1),
        status(2),
        hello(3, 8),
        status(4),
        b.infer(1),
    ],
    "hello of another version": lambda b: [hello(version=messages.VERSION + 1), status(1)],
    "hello cut short": lambda b: [encode(messages.Hello.TYPE, 0, b"\1\2\3")],
    "hello too long": lambda b: [encode(messages.Hello.TYPE, 0, bytes(6))],
    "nothing without a session": lambda b: [
        b.infer(1),
        b.packed(2),
        status(3),
        b.profile(4),
        encode(messages.SetBaud.TYPE, 5, bytes(4)),
        b.layer(6, 0),
        ops(7),
        encode(0x33, 8, b""),
    ],
    "echo without a session": lambda b: [encode(messages.Echo.TYPE, 0, bytes(range(64)))],
    "echo of nothing": lambda b: [encode(messages.Echo.TYPE, 0, b"")],
    "echo longer than the frame buffer": lambda b: [
        encode(messages.Echo.TYPE, 0, bytes(65)),
        hello(1),
        status(2),
    ],
    "inputs plain and packed": lambda b: [
        hello(),
        *(b.infer(n, n) for n in range(1, 9)),
        *(b.packed(n, n) for n in range(9, 17)),
    ],
    "the same input plain and packed": lambda b: [hello(), b.infer(1), b.packed(2), status(3)],
    "a request repeated": lambda b: [hello(), b.infer(1), b.infer(1), b.infer(1), status(2)],
    "a sequence number with another request": lambda b: [
        hello(),
        b.infer(1, 1),
        b.infer(1, 2),
        b.infer(1, 1),
        status(2),
    ],
    "an answer that is no longer kept": lambda b: [
        hello(),
        *(b.infer(n, n) for n in range(40)),
        b.infer(23, 23),
        b.infer(24, 24),
        status(50),
    ],
    "requests from before the hello": lambda b: [
        hello(5, 1),
        b.infer(5),
        b.infer(4),
        status(3),
        encode(0x33, 2, b""),
        b.infer(6),
    ],
    "a later hello of the same session": lambda b: [
        hello(5, 1),
        b.infer(6),
        hello(9, 1),
        b.infer(7),
        b.infer(8),
        b.infer(5),
        status(10),
    ],
    "requests half the sequence numbers away": lambda b: [
        hello(0),
        b.infer(2**31 - 1),
        b.infer(2**31),
        status(2**31 + 1),
        status(1),
    ],
    "a session that goes on for ever": lambda b: [
        hello(0),
        *(b.infer(n * 2**30 & 0xFFFFFFFF, n) for n in range(1, 9)),
        b.infer(8 * 2**30 & 0xFFFFFFFF, 8),
        b.infer(7 * 2**30 & 0xFFFFFFFF, 7),
        b.infer(1),
        status(2),
    ],
    "sequence numbers that wrap": lambda b: [
        hello(2**32 - 3),
        b.infer(2**32 - 2),
        b.infer(2**32 - 1),
        b.infer(0),
        b.infer(1),
        status(2),
    ],
    "inputs too short and too long": lambda b: [
        hello(),
        encode(messages.Infer.TYPE, 1, b.image(1)[:-1]),
        encode(messages.Infer.TYPE, 2, b.image(1) + b"\0"),
        encode(messages.Infer.TYPE, 3, b""),
        encode(messages.Profile.TYPE, 4, b"\1"),
        status(5),
    ],
    "packed inputs that do not unpack": lambda b: [
        hello(),
        encode(messages.InferPacked.TYPE, 1, b""),
        encode(messages.InferPacked.TYPE, 2, b"\xff"),
        encode(messages.InferPacked.TYPE, 3, b.run() + b"\0"),
        encode(messages.InferPacked.TYPE, 4, b"\x7f\1\2"),
        encode(messages.InferPacked.TYPE, 5, b.run() + b"\0\7"),
        encode(messages.InferPacked.TYPE, 6, b.run()),
        status(7),
    ],
    "profile": lambda b: [
        hello(),
        b.profile(1, 1),
        b.profile(1, 2),
        status(2),
    ],
    "state that is kept": lambda b: [
        hello(),
        keep_state(1),
        *(b.infer(n, 1) for n in range(2, 6)),
        keep_state(1),
        *(b.infer(n, 1) for n in (5, 6, 7)),
        keep_state(8, b"\0"),
        status(9),
    ],
    "a look inside where state is kept": lambda b: [
        hello(),
        keep_state(1),
        b.profile(3),
        b.layer(4, 0),
        b.infer(2),
    ],
    "order where state is kept": lambda b: [
        hello(),
        keep_state(1),
        b.infer(2),
        keep_state(5),
        b.infer(3),
        b.infer(6),
        keep_state(1),
        b.infer(8),
        b.infer(7),
        status(9),
    ],
    "another session keeps no state": lambda b: [
        hello(),
        keep_state(1),
        hello(2, 8),
        b.profile(3),
        b.infer(4),
    ],
    "operators": lambda b: [
        hello(),
        ops(1),
        ops(2, 1),
        ops(3, 2),
        ops(4, 65535),
        encode(messages.Ops.TYPE, 5, b"\0"),
        encode(messages.Ops.TYPE, 6, b"\0\0\0"),
        status(7),
    ],
    "values of a layer": lambda b: [
        hello(),
        b.layer(1, 0),
        b.layer(2, 0, offset=1, length=2),
        b.layer(3, 0, offset=0, length=0),
        b.layer(4, 0, offset=2**32 - 1, length=2**32 - 1),
        b.layer(5, 0, offset=5000),
        b.layer(6, 0, offset=0, length=2**32 - 1),
        status(7),
    ],
    "layers that are not there": lambda b: [
        hello(),
        b.layer(1, 500),
        b.layer(2, 0, output=7),
        b.layer(3, 65535, output=255),
        encode(messages.Layer.TYPE, 4, b""),
        encode(messages.Layer.TYPE, 5, bytes(11)),
        encode(messages.Layer.TYPE, 6, bytes(10) + b.image(1)),
        encode(messages.Layer.TYPE, 7, bytes(12) + b.image(1)),
        status(8),
    ],
    "what looks into the engine leaves no trace in an answer": lambda b: [
        hello(),
        b.infer(1),
        b.profile(2, 7),
        b.layer(3, 0),
        b.infer(4),
        b.infer(1),
        status(5),
    ],
    "types that nobody knows": lambda b: [
        hello(),
        encode(0x0B, 1, b"x"),
        encode(0x7F, 2, b""),
        encode(0x82, 3, b"abc"),
        encode(0xFF, 4, b""),
    ],
    "status with a payload": lambda b: [hello(), encode(messages.Status.TYPE, 1, b"more")],
    "rates": lambda b: [
        hello(),
        encode(messages.SetBaud.TYPE, 1, messages.SetBaud(921600).pack()),
        encode(messages.SetBaud.TYPE, 2, b"\1\2"),
        encode(messages.SetBaud.TYPE, 3, bytes(5)),
        status(4),
    ],
    "damage is counted and never answered": lambda b: [
        hello(),
        damaged(b.infer(1)),
        b"boot text\r\n",
        b.infer(2),
        status(3),
    ],
    "damage before hello is forgotten": lambda b: [b"boot\0text\0", damaged(b.infer(1)), hello(2), status(3)],
    "damage behind a request does not count in its answer": lambda b: [
        hello() + damaged(b.infer(1)) + status(2) + damaged(b.infer(3)) + b.infer(4)[:9] + status(5)
    ],
    "frames longer than the buffer": lambda b: [
        hello(),
        encode(messages.Infer.TYPE, 1, bytes(b.longest + 1)),
        encode(2, 2, b"\1" * 9000),
        status(3),
    ],
    "frames without a body": lambda b: [hello(), b"\0\0\0", b"\0\1\0", b"\0\5abcd\0", status(1)],
    "one byte at a time": lambda b: [
        bytes([byte]) for byte in hello() + b.infer(1) + damaged(b.infer(2)) + b.packed(3) + status(4)
    ],
    "all at once": lambda b: [hello() + b"".join(b.infer(n, n) for n in range(1, 12)) + status(12)],
}
