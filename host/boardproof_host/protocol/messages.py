"""Messages of the board protocol. Rendered by firmware/generate_protocol.py from firmware/protocol.toml; edit that."""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Self

VERSION = 1
FRAME_OVERHEAD = 9  # Bytes of a frame beside its payload, before COBS.
TEXT_MAX = 32  # Longest text field, in bytes.
ANSWERS_KEPT = 16  # Most answers that a board remembers; it says in hello how many.


class TickUnit(IntEnum):
    """What `ticks` counts."""

    CYCLES = 0  # Core clock cycles at clock_hz.
    MICROSECONDS = 1  # Microseconds of the board's clock.
    INSTRUCTIONS = 2  # Instructions counted by an emulator: never a time.


class Feature(IntFlag):
    """Bits of hello's `features`."""

    PACKED_INPUT = 1  # The board takes infer_packed.
    PROFILE = 2  # The board takes profile.
    BAUD = 4  # The link has a rate and the board can change it.


class ErrorCode(IntEnum):
    """Why a request failed."""

    UNKNOWN_TYPE = 1  # The board does not know this message type (detail: the type).
    BAD_LENGTH = 2  # The payload's length is wrong (detail: expected, got).
    BAD_PAYLOAD = 3  # A packed input does not unpack to the input's size.
    NO_SESSION = 4  # No hello since the board started: say hello, then ask again.
    VERSION_MISMATCH = 5  # Another protocol version (detail: board's, host's).
    BAUD_REFUSED = 6  # The board cannot take this rate (detail: rate).
    ENGINE_ARENA = 17  # The arena is too small (detail: needed, given, in bytes).
    ENGINE_OP = 18  # An operator is not registered (detail: builtin code, index).
    ENGINE_SCHEMA = 19  # The model's schema version differs (detail: needed, given).
    ENGINE_MODEL = 20  # The model is not what the firmware was configured for.
    ENGINE_INVOKE = 21  # An operator failed (detail: 0, index).


class MalformedPayloadError(ValueError):
    """A payload is shorter or longer than its message, or holds an invalid text."""


def _text(value: str) -> bytes:
    data = value.encode()
    if len(data) > TEXT_MAX:
        raise MalformedPayloadError(f"text of {len(data)} bytes, at most {TEXT_MAX}")
    return bytes([len(data)]) + data


def _exactly(value: bytes, length: int) -> bytes:
    if len(value) != length:
        raise MalformedPayloadError(f"{len(value)} bytes, expected {length}")
    return value


class _Reader:
    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._offset = 0

    def take(self, length: int) -> bytes:
        end = self._offset + length
        if end > len(self._payload):
            raise MalformedPayloadError(f"payload of {len(self._payload)} bytes is too short")
        piece = self._payload[self._offset : end]
        self._offset = end
        return piece

    def integer(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def real(self, layout: str) -> float:
        value: float = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def text(self) -> str:
        length = self.integer("<B")
        if length > TEXT_MAX:
            raise MalformedPayloadError(f"text of {length} bytes, at most {TEXT_MAX}")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise MalformedPayloadError("text is not UTF-8") from error

    def rest(self) -> bytes:
        return self.take(len(self._payload) - self._offset)

    def close(self) -> None:
        if self._offset != len(self._payload):
            raise MalformedPayloadError(f"{len(self._payload) - self._offset} bytes too many")


@dataclass(frozen=True, slots=True)
class Hello:
    """Opens a session: clears the answers kept, the digest and the counters."""

    TYPE: ClassVar[int] = 0x01
    ANSWER: ClassVar[int] = 0x81
    nonce: int  # Random; the answer returns it, so that an old answer is not taken for a new one.
    version: int  # The host's protocol version.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                struct.pack("<IB", self.nonce, self.version),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        nonce = reader.integer("<I")
        version = reader.integer("<B")
        reader.close()
        return cls(nonce=nonce, version=version)


@dataclass(frozen=True, slots=True)
class HelloAnswer:
    """Who the board is. A field may be added at the end of the fixed part only with a new version."""

    TYPE: ClassVar[int] = 0x81
    nonce: int  # From the request.
    version: int  # The board's protocol version.
    features: int  # Bits of enum feature.
    tick_unit: int  # Enum tick_unit.
    answers_kept: int  # Requests in flight at most: the board repeats this many answers.
    receive_bytes: int  # Bytes on the wire that may wait behind the oldest request in flight.
    clock_hz: int  # Core clock in Hz; 0 for an emulator.
    baud: int  # Present line rate in baud; 0 where the link has none.
    model_sha256: bytes  # SHA-256 of the .tflite file.
    build_id: bytes  # First 8 bytes of the SHA-256 over the firmware's sources and configuration.
    input_bytes: int  # int8 elements of the input.
    input_scale: float  # Input scale.
    input_zero_point: int  # Input zero point, -128 to 127.
    output_bytes: int  # int8 elements of the output.
    output_scale: float  # Output scale.
    output_zero_point: int  # Output zero point, -128 to 127.
    op_count: int  # Operators of the model, RESHAPE included.
    ram_used: int  # Tensor RAM used by the engine, in bytes.
    ram_given: int  # Tensor RAM given to the engine, in bytes.
    target: str  # PlatformIO environment that built the firmware.
    core: str  # Processor core, e.g. cortex-m4.
    engine: str  # aot or tflm.
    kernels: str  # Kernels that were linked.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                struct.pack("<IBBBBIII", self.nonce, self.version, self.features, self.tick_unit, self.answers_kept, self.receive_bytes, self.clock_hz, self.baud),
                _exactly(self.model_sha256, 32),
                _exactly(self.build_id, 8),
                struct.pack("<IfiIfiHII", self.input_bytes, self.input_scale, self.input_zero_point, self.output_bytes, self.output_scale, self.output_zero_point, self.op_count, self.ram_used, self.ram_given),
                _text(self.target),
                _text(self.core),
                _text(self.engine),
                _text(self.kernels),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        nonce = reader.integer("<I")
        version = reader.integer("<B")
        features = reader.integer("<B")
        tick_unit = reader.integer("<B")
        answers_kept = reader.integer("<B")
        receive_bytes = reader.integer("<I")
        clock_hz = reader.integer("<I")
        baud = reader.integer("<I")
        model_sha256 = reader.take(32)
        build_id = reader.take(8)
        input_bytes = reader.integer("<I")
        input_scale = reader.real("<f")
        input_zero_point = reader.integer("<i")
        output_bytes = reader.integer("<I")
        output_scale = reader.real("<f")
        output_zero_point = reader.integer("<i")
        op_count = reader.integer("<H")
        ram_used = reader.integer("<I")
        ram_given = reader.integer("<I")
        target = reader.text()
        core = reader.text()
        engine = reader.text()
        kernels = reader.text()
        reader.close()
        return cls(nonce=nonce, version=version, features=features, tick_unit=tick_unit, answers_kept=answers_kept, receive_bytes=receive_bytes, clock_hz=clock_hz, baud=baud, model_sha256=model_sha256, build_id=build_id, input_bytes=input_bytes, input_scale=input_scale, input_zero_point=input_zero_point, output_bytes=output_bytes, output_scale=output_scale, output_zero_point=output_zero_point, op_count=op_count, ram_used=ram_used, ram_given=ram_given, target=target, core=core, engine=engine, kernels=kernels)


@dataclass(frozen=True, slots=True)
class Infer:
    """Runs the model once on an input as it is."""

    TYPE: ClassVar[int] = 0x02
    ANSWER: ClassVar[int] = 0x82
    input: bytes  # input_bytes int8 values.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                self.input,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        input = reader.rest()
        reader.close()
        return cls(input=input)


@dataclass(frozen=True, slots=True)
class InferPacked:
    """Runs the model once on a packed input (docs/PROTOCOL.md, 'Packed inputs'). Answered by infer_answer."""

    TYPE: ClassVar[int] = 0x03
    ANSWER: ClassVar[int] = 0x82
    packed: bytes  # Unpacks to input_bytes int8 values.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                self.packed,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        packed = reader.rest()
        reader.close()
        return cls(packed=packed)


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """The outputs, what they cost, and which input they belong to."""

    TYPE: ClassVar[int] = 0x82
    input_crc: int  # CRC-32 of the input tensor that the engine saw.
    ticks: int  # Cost of the inference in tick_unit.
    output: bytes  # output_bytes int8 values.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                struct.pack("<II", self.input_crc, self.ticks),
                self.output,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        input_crc = reader.integer("<I")
        ticks = reader.integer("<I")
        output = reader.rest()
        reader.close()
        return cls(input_crc=input_crc, ticks=ticks, output=output)


@dataclass(frozen=True, slots=True)
class Profile:
    """Runs the model once and looks behind every operator. Not kept for repetition."""

    TYPE: ClassVar[int] = 0x04
    ANSWER: ClassVar[int] = 0x84
    input: bytes  # input_bytes int8 values.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                self.input,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        input = reader.rest()
        reader.close()
        return cls(input=input)


@dataclass(frozen=True, slots=True)
class ProfileAnswer:
    """An entry an operator, in execution order: ticks u32, output's length u32, output's CRC-32 u32."""

    TYPE: ClassVar[int] = 0x84
    entries: bytes  # op_count entries of 12 bytes.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                self.entries,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        entries = reader.rest()
        reader.close()
        return cls(entries=entries)


@dataclass(frozen=True, slots=True)
class Status:
    """Asks for the session's counters."""

    TYPE: ClassVar[int] = 0x05
    ANSWER: ClassVar[int] = 0x85

    def pack(self) -> bytes:
        """Returns the payload."""
        return b""

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        reader.close()
        return cls()


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What the board counted since hello."""

    TYPE: ClassVar[int] = 0x85
    frames: int  # Good frames received.
    damaged: int  # Frames dropped: CRC, length or COBS.
    repeated: int  # Requests answered again without computing.
    inferences: int  # Inferences computed.
    overruns: int  # Received bytes lost.
    digest: int  # Sum modulo 2^32 over all inferences of CRC-32(input_crc, then the output).

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                struct.pack("<IIIIII", self.frames, self.damaged, self.repeated, self.inferences, self.overruns, self.digest),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        frames = reader.integer("<I")
        damaged = reader.integer("<I")
        repeated = reader.integer("<I")
        inferences = reader.integer("<I")
        overruns = reader.integer("<I")
        digest = reader.integer("<I")
        reader.close()
        return cls(frames=frames, damaged=damaged, repeated=repeated, inferences=inferences, overruns=overruns, digest=digest)


@dataclass(frozen=True, slots=True)
class Echo:
    """Returns its payload: the self-test of a line rate."""

    TYPE: ClassVar[int] = 0x06
    ANSWER: ClassVar[int] = 0x86
    data: bytes  # At most the longest payload.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                self.data,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        data = reader.rest()
        reader.close()
        return cls(data=data)


@dataclass(frozen=True, slots=True)
class EchoAnswer:
    """The payload of the request."""

    TYPE: ClassVar[int] = 0x86
    data: bytes  # As received.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                self.data,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        data = reader.rest()
        reader.close()
        return cls(data=data)


@dataclass(frozen=True, slots=True)
class SetBaud:
    """Answers at the present rate, then changes; falls back unless an echo arrives within 500 ms."""

    TYPE: ClassVar[int] = 0x07
    ANSWER: ClassVar[int] = 0x87
    baud: int  # The new rate in baud.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                struct.pack("<I", self.baud),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        baud = reader.integer("<I")
        reader.close()
        return cls(baud=baud)


@dataclass(frozen=True, slots=True)
class SetBaudAnswer:
    """The board changes its rate when this answer has left."""

    TYPE: ClassVar[int] = 0x87
    baud: int  # The new rate in baud.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                struct.pack("<I", self.baud),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        baud = reader.integer("<I")
        reader.close()
        return cls(baud=baud)


@dataclass(frozen=True, slots=True)
class Error:
    """The answer to a request that failed, with the request's seq."""

    TYPE: ClassVar[int] = 0xff
    code: int  # Enum error_code.
    detail_a: int  # First number of the error's detail, else 0.
    detail_b: int  # Second number of the error's detail, else 0.

    def pack(self) -> bytes:
        """Returns the payload."""
        return b"".join(
            (
                struct.pack("<BII", self.code, self.detail_a, self.detail_b),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = _Reader(payload)
        code = reader.integer("<B")
        detail_a = reader.integer("<I")
        detail_b = reader.integer("<I")
        reader.close()
        return cls(code=code, detail_a=detail_a, detail_b=detail_b)
