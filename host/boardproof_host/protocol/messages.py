"""Messages of the board protocol. Rendered by firmware/generate_protocol.py from firmware/protocol.toml; edit that."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Self, TypeVar

T = TypeVar("T")

VERSION = 2
FRAME_OVERHEAD = 9  # Bytes of a frame beside its payload, before COBS.
TEXT_MAX = 32  # Longest text field, in bytes.
ANSWERS_KEPT = 16  # Most answers that a board remembers; it says in hello how many.
LAYER_BYTES = 2048  # Bytes of an operator's output that every board gives in one answer: it keeps no copy of them.
ECHO_MAX = 64  # Longest payload of an echo, in bytes: every board takes as much.


class TickUnit(IntEnum):
    """What `ticks` counts."""

    CYCLES = 0  # Core clock cycles at clock_hz.
    MICROSECONDS = 1  # Microseconds of the board's clock.
    INSTRUCTIONS = 2  # Instructions counted by an emulator: never a time.


class Feature(IntFlag):
    """Bits of hello's `features`."""

    PACKED_INPUT = 1  # The board takes infer_packed.
    PROFILE = 2  # The board takes profile and layer.
    BAUD = 4  # The link has a rate and the board can change it.
    STATE = 8  # The model keeps state from one inference to the next, and the board takes keep_state.


class TensorRole(IntEnum):
    """Which edge of the model a tensor is."""

    INPUT = 0  # Written before an inference.
    OUTPUT = 1  # Read after it.


class TensorType(IntEnum):
    """Element types, with the numbers of the .tflite schema; little-endian."""

    FLOAT32 = 0  # IEEE 754 single.
    INT32 = 2  # Four bytes, signed.
    UINT8 = 3  # One byte, unsigned.
    BOOL = 6  # One byte, 0 or 1.
    INT16 = 7  # Two bytes, signed.
    INT8 = 9  # One byte, signed.


class ErrorCode(IntEnum):
    """Why a request failed."""

    UNKNOWN_TYPE = 1  # The board does not know this message type (detail: the type).
    BAD_LENGTH = 2  # The payload's length is wrong (detail: expected, got).
    BAD_PAYLOAD = 3  # A packed input does not unpack to the inputs' size, or there is no such operator or output.
    NO_SESSION = 4  # No hello since the board started: say hello, then ask again.
    VERSION_MISMATCH = 5  # Another protocol version (detail: board's, host's).
    BAUD_REFUSED = 6  # The board cannot take this rate (detail: rate).
    KEEPS_STATE = 7  # The session keeps state, which a look inside would change.
    OUT_OF_ORDER = 8  # The session keeps state, and an infer before this one is missing (detail: expected seq, got).
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


def _counted(pieces: Sequence[bytes]) -> bytes:
    if len(pieces) > 255:
        raise MalformedPayloadError(f"a list of {len(pieces)}, at most 255")
    return bytes([len(pieces)]) + b"".join(pieces)


class Reader:
    """Takes a payload apart, from the front."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._offset = 0

    @property
    def at_end(self) -> bool:
        """All was taken."""
        return self._offset == len(self._payload)

    def take(self, length: int) -> bytes:
        """The next `length` bytes; raises MalformedPayloadError where there are fewer."""
        end = self._offset + length
        if end > len(self._payload):
            raise MalformedPayloadError(f"payload of {len(self._payload)} bytes is too short")
        piece = self._payload[self._offset : end]
        self._offset = end
        return piece

    def integer(self, layout: str) -> int:
        """An integer, by its code of `struct`."""
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def real(self, layout: str) -> float:
        """A float, likewise."""
        value: float = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def text(self) -> str:
        """A text, with its length before it."""
        length = self.integer("<B")
        if length > TEXT_MAX:
            raise MalformedPayloadError(f"text of {length} bytes, at most {TEXT_MAX}")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise MalformedPayloadError("text is not UTF-8") from error

    def counted(self, read: Callable[[], T]) -> tuple[T, ...]:
        """A list, with its count before it."""
        return tuple(read() for _ in range(self.integer("<B")))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._payload) - self._offset)

    def close(self) -> None:
        """Raises MalformedPayloadError where something is left."""
        if not self.at_end:
            raise MalformedPayloadError(f"{len(self._payload) - self._offset} bytes too many")


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of the model."""

    FIXED_BYTES: ClassVar[int] = 12  # without lists
    role: int  # Enum tensor_role.
    type: int  # Enum tensor_type.
    dims: tuple[int, ...]  # Shape, batch included.
    quantized: int  # 1: real value = scale * (q - zero_point); 0: the next two are 0.
    scale: float  # Scale.
    zero_point: int  # Zero point.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<BB", self.role, self.type),
                _counted([struct.pack("<I", value) for value in self.dims]),
                struct.pack("<Bfi", self.quantized, self.scale, self.zero_point),
            )
        )

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Takes one from a payload; raises MalformedPayloadError."""
        role = reader.integer("<B")
        type = reader.integer("<B")
        dims = reader.counted(lambda: reader.integer("<I"))
        quantized = reader.integer("<B")
        scale = reader.real("<f")
        zero_point = reader.integer("<i")
        return cls(role=role, type=type, dims=dims, quantized=quantized, scale=scale, zero_point=zero_point)


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """An output of an operator in a profiled inference."""

    FIXED_BYTES: ClassVar[int] = 15  # without lists
    op: int  # The operator's index in the model, from 0.
    output: int  # Which of its outputs, from 0.
    ticks: int  # Cost of the operator in tick_unit; 0 but for its first output.
    size: int  # Bytes of the output.
    crc: int  # CRC-32 of the output.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<HBIII", self.op, self.output, self.ticks, self.size, self.crc),
            )
        )

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Takes one from a payload; raises MalformedPayloadError."""
        op = reader.integer("<H")
        output = reader.integer("<B")
        ticks = reader.integer("<I")
        size = reader.integer("<I")
        crc = reader.integer("<I")
        return cls(op=op, output=output, ticks=ticks, size=size, crc=crc)


@dataclass(frozen=True, slots=True)
class Hello:
    """Opens a session: clears the answers kept, the digest and the counters."""

    TYPE: ClassVar[int] = 0x01
    ANSWER: ClassVar[int] = 0x81
    FIXED_BYTES: ClassVar[int] = 5  # without a rest, texts and lists
    nonce: int  # Random; the answer returns it, so that an old answer is not taken for a new one.
    version: int  # The host's protocol version.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<IB", self.nonce, self.version),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        nonce = reader.integer("<I")
        version = reader.integer("<B")
        reader.close()
        return cls(nonce=nonce, version=version)


@dataclass(frozen=True, slots=True)
class HelloAnswer:
    """Who the board is."""

    TYPE: ClassVar[int] = 0x81
    FIXED_BYTES: ClassVar[int] = 88  # without a rest, texts and lists
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
    longest_request: int  # Bytes of the longest payload that the board takes.
    longest_answer: int  # Bytes of the longest payload that it sends.
    inference_ms: int  # Milliseconds that an inference may take, generously; 0 where that is not known.
    op_count: int  # Operators of the model.
    ram_used: int  # Tensor RAM used by the engine, in bytes.
    ram_given: int  # Tensor RAM given to the engine, in bytes.
    packed_fill: int  # The byte that packed inputs tell runs of: the first input's zero point where its elements are bytes, else 0.
    target: str  # PlatformIO environment that built the firmware.
    core: str  # Processor core, e.g. cortex-m4.
    engine: str  # aot or tflm.
    kernels: str  # Kernels that were linked.
    tensors: tuple[Tensor, ...]  # The inputs in their order, then the outputs.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<IBBBBIII", self.nonce, self.version, self.features, self.tick_unit, self.answers_kept, self.receive_bytes, self.clock_hz, self.baud),
                _exactly(self.model_sha256, 32),
                _exactly(self.build_id, 8),
                struct.pack("<IIIHIIB", self.longest_request, self.longest_answer, self.inference_ms, self.op_count, self.ram_used, self.ram_given, self.packed_fill),
                _text(self.target),
                _text(self.core),
                _text(self.engine),
                _text(self.kernels),
                _counted([record.pack() for record in self.tensors]),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
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
        longest_request = reader.integer("<I")
        longest_answer = reader.integer("<I")
        inference_ms = reader.integer("<I")
        op_count = reader.integer("<H")
        ram_used = reader.integer("<I")
        ram_given = reader.integer("<I")
        packed_fill = reader.integer("<B")
        target = reader.text()
        core = reader.text()
        engine = reader.text()
        kernels = reader.text()
        tensors = reader.counted(lambda: Tensor.read(reader))
        reader.close()
        return cls(nonce=nonce, version=version, features=features, tick_unit=tick_unit, answers_kept=answers_kept, receive_bytes=receive_bytes, clock_hz=clock_hz, baud=baud, model_sha256=model_sha256, build_id=build_id, longest_request=longest_request, longest_answer=longest_answer, inference_ms=inference_ms, op_count=op_count, ram_used=ram_used, ram_given=ram_given, packed_fill=packed_fill, target=target, core=core, engine=engine, kernels=kernels, tensors=tensors)


@dataclass(frozen=True, slots=True)
class Infer:
    """Runs the model once on inputs as they are."""

    TYPE: ClassVar[int] = 0x02
    ANSWER: ClassVar[int] = 0x82
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists
    input: bytes  # The inputs, one behind the other.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                self.input,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        input = reader.rest()
        reader.close()
        return cls(input=input)


@dataclass(frozen=True, slots=True)
class InferPacked:
    """Runs the model once on packed inputs (docs/PROTOCOL.md, 'Packed inputs'). Answered by infer_answer."""

    TYPE: ClassVar[int] = 0x03
    ANSWER: ClassVar[int] = 0x82
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists
    packed: bytes  # Unpacks to the inputs, one behind the other.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                self.packed,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        packed = reader.rest()
        reader.close()
        return cls(packed=packed)


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """The outputs, what they cost, and which inputs they belong to."""

    TYPE: ClassVar[int] = 0x82
    FIXED_BYTES: ClassVar[int] = 8  # without a rest, texts and lists
    input_crc: int  # CRC-32 over the inputs that the engine saw, one behind the other.
    ticks: int  # Cost of the inference in tick_unit.
    output: bytes  # The outputs, one behind the other.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<II", self.input_crc, self.ticks),
                self.output,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
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
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists
    input: bytes  # The inputs, one behind the other.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                self.input,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        input = reader.rest()
        reader.close()
        return cls(input=input)


@dataclass(frozen=True, slots=True)
class ProfileAnswer:
    """An entry for each output of each operator, in execution order."""

    TYPE: ClassVar[int] = 0x84
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists
    entries: bytes  # Records of the name profile_entry, without a count.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                self.entries,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        entries = reader.rest()
        reader.close()
        return cls(entries=entries)


@dataclass(frozen=True, slots=True)
class Status:
    """Asks for the session's counters."""

    TYPE: ClassVar[int] = 0x05
    ANSWER: ClassVar[int] = 0x85
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b""

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        reader.close()
        return cls()


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What the board counted since hello."""

    TYPE: ClassVar[int] = 0x85
    FIXED_BYTES: ClassVar[int] = 24  # without a rest, texts and lists
    frames: int  # Good frames received.
    damaged: int  # Frames dropped: CRC, length or COBS.
    repeated: int  # Requests answered again without computing.
    inferences: int  # Inferences computed.
    overruns: int  # Received bytes lost.
    digest: int  # Sum modulo 2^32 over all inferences of CRC-32(input_crc, then the outputs).

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<IIIIII", self.frames, self.damaged, self.repeated, self.inferences, self.overruns, self.digest),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
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
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists
    data: bytes  # At most echo_max bytes.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                self.data,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        data = reader.rest()
        reader.close()
        return cls(data=data)


@dataclass(frozen=True, slots=True)
class EchoAnswer:
    """The payload of the request."""

    TYPE: ClassVar[int] = 0x86
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists
    data: bytes  # As received.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                self.data,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        data = reader.rest()
        reader.close()
        return cls(data=data)


@dataclass(frozen=True, slots=True)
class SetBaud:
    """Answers at the present rate, then changes; falls back unless an echo arrives within 500 ms."""

    TYPE: ClassVar[int] = 0x07
    ANSWER: ClassVar[int] = 0x87
    FIXED_BYTES: ClassVar[int] = 4  # without a rest, texts and lists
    baud: int  # The new rate in baud.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<I", self.baud),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        baud = reader.integer("<I")
        reader.close()
        return cls(baud=baud)


@dataclass(frozen=True, slots=True)
class SetBaudAnswer:
    """The board changes its rate when this answer has left."""

    TYPE: ClassVar[int] = 0x87
    FIXED_BYTES: ClassVar[int] = 4  # without a rest, texts and lists
    baud: int  # The new rate in baud.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<I", self.baud),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        baud = reader.integer("<I")
        reader.close()
        return cls(baud=baud)


@dataclass(frozen=True, slots=True)
class Ops:
    """Asks which operators the model has."""

    TYPE: ClassVar[int] = 0x08
    ANSWER: ClassVar[int] = 0x88
    FIXED_BYTES: ClassVar[int] = 2  # without a rest, texts and lists
    first: int  # Index of the first operator wanted.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<H", self.first),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        first = reader.integer("<H")
        reader.close()
        return cls(first=first)


@dataclass(frozen=True, slots=True)
class OpsAnswer:
    """As many operators as fit into the longest answer."""

    TYPE: ClassVar[int] = 0x88
    FIXED_BYTES: ClassVar[int] = 4  # without a rest, texts and lists
    first: int  # From the request.
    total: int  # Operators of the model.
    codes: bytes  # A u16 each: builtin operator codes of the .tflite schema, in execution order.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<HH", self.first, self.total),
                self.codes,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        first = reader.integer("<H")
        total = reader.integer("<H")
        codes = reader.rest()
        reader.close()
        return cls(first=first, total=total, codes=codes)


@dataclass(frozen=True, slots=True)
class Layer:
    """Runs the model once and shows values of one operator's output. Not kept for repetition."""

    TYPE: ClassVar[int] = 0x09
    ANSWER: ClassVar[int] = 0x89
    FIXED_BYTES: ClassVar[int] = 11  # without a rest, texts and lists
    op: int  # The operator's index in the model, from 0.
    output: int  # Which of its outputs, from 0.
    offset: int  # First byte wanted.
    length: int  # Bytes wanted.
    input: bytes  # The inputs, one behind the other.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<HBII", self.op, self.output, self.offset, self.length),
                self.input,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        op = reader.integer("<H")
        output = reader.integer("<B")
        offset = reader.integer("<I")
        length = reader.integer("<I")
        input = reader.rest()
        reader.close()
        return cls(op=op, output=output, offset=offset, length=length, input=input)


@dataclass(frozen=True, slots=True)
class LayerAnswer:
    """Bytes of an operator's output, cut at its end and at the longest answer."""

    TYPE: ClassVar[int] = 0x89
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists
    values: bytes  # As they lie in the tensor.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                self.values,
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        values = reader.rest()
        reader.close()
        return cls(values=values)


@dataclass(frozen=True, slots=True)
class KeepState:
    """Puts the model's state back to the start and keeps it from infer to infer, until hello. A repeated one does nothing."""

    TYPE: ClassVar[int] = 0x0a
    ANSWER: ClassVar[int] = 0x8a
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b""

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        reader.close()
        return cls()


@dataclass(frozen=True, slots=True)
class KeepStateAnswer:
    """The next infer is the first of a sequence."""

    TYPE: ClassVar[int] = 0x8a
    FIXED_BYTES: ClassVar[int] = 0  # without a rest, texts and lists

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b""

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        reader.close()
        return cls()


@dataclass(frozen=True, slots=True)
class Error:
    """The answer to a request that failed, with the request's seq."""

    TYPE: ClassVar[int] = 0xff
    FIXED_BYTES: ClassVar[int] = 9  # without a rest, texts and lists
    code: int  # Enum error_code.
    detail_a: int  # First number of the error's detail, else 0.
    detail_b: int  # Second number of the error's detail, else 0.

    def pack(self) -> bytes:
        """Returns the bytes."""
        return b"".join(
            (
                struct.pack("<BII", self.code, self.detail_a, self.detail_b),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Reads a payload; raises MalformedPayloadError."""
        reader = Reader(payload)
        code = reader.integer("<B")
        detail_a = reader.integer("<I")
        detail_b = reader.integer("<I")
        reader.close()
        return cls(code=code, detail_a=detail_a, detail_b=detail_b)

