"""A board that is a process: the board's side of the protocol in Python, over TensorFlow Lite Micro of this machine.

`python -m boardproof_host.boards.virtual.board --model FILE` opens a pseudo-terminal, prints one JSON line with its
port, and serves until its standard input ends. What it answers is what firmware/src/app answers, byte for byte:
tests/contract/test_boards.py holds one list of conversations against both.
"""

import argparse
import json
import os
import signal
import struct
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from boardproof_export.shared.errors import BoardproofError
from boardproof_export.shared.files import read_model
from boardproof_host.boards.virtual.engine import EngineError, refusal
from boardproof_host.boards.virtual.firmware import LAYER_HEAD_BYTES, Engine, Firmware, build
from boardproof_host.boards.virtual.terminal import PtyLink, lifeline
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import DELIMITER, Frame, FrameParser, encode
from boardproof_host.protocol.messages import ErrorCode, Feature, MalformedPayloadError, TickUnit
from boardproof_host.protocol.packed import unpack

RECEIVE_BYTES = 16384  # what a Linux pseudo-terminal holds for sure, and a window of 16 inputs of 784 bytes
MASK = 0xFFFFFFFF
# A session may go on for ever: see firmware/src/app/app.c.
SINCE_FAR, SINCE_NEAR = 0x40000000, 0x20000000


@dataclass(frozen=True, slots=True)
class _Answer:
    seq: int
    request_crc: int
    payload: bytes


class VirtualBoard:
    """One board: takes bytes as they arrive and writes its answers. The mirror of firmware/src/app/app.c.

    Args:
        firmware: what it runs.
        write: takes all the bytes of one answer.
    """

    def __init__(self, firmware: Firmware, write: Callable[[bytes], None]) -> None:
        self._firmware = firmware
        self._write = write
        self._longest = firmware.longest_request
        self._parser = FrameParser(self._longest + messages.FRAME_OVERHEAD)
        self._nonce: int | None = None  # of the present session
        self._since = 0  # sequence number of its hello
        self._next: int | None = None  # where state is kept: the sequence number of the next infer
        self._kept: list[_Answer | None] = [None] * firmware.answers_kept
        self._frames = self._repeated = self._inferences = self._digest = 0
        self._handlers: dict[int, Callable[[Frame], None]] = {
            messages.Infer.TYPE: self._infer,
            messages.InferPacked.TYPE: self._infer,
            messages.Status.TYPE: self._status,
            messages.SetBaud.TYPE: self._set_baud,
            messages.Ops.TYPE: self._ops,
            messages.KeepState.TYPE: self._keep_state,
        }
        if isinstance(firmware.engine, EngineError) or firmware.engine.can_profile:
            self._handlers |= {messages.Profile.TYPE: self._profile, messages.Layer.TYPE: self._layer}

    def serve(self, read: Callable[[], bytes]) -> None:
        """Answers until `read`, which waits for bytes, returns none."""
        while data := read():
            self.feed(data)

    def feed(self, data: bytes) -> None:
        """Takes received bytes and answers every whole request in them."""
        at = 0
        while at < len(data):
            # Up to one delimiter at a time: what is damaged behind a request must not count in its answer.
            end = data.find(DELIMITER, at) + 1 or len(data)
            for frame in self._parser.feed(data[at:end]):
                if len(frame.payload) > self._longest:
                    self._parser.damaged += 1  # the firmware's frame buffer could not have held it
                else:
                    self._handle(frame)
            at = end

    def _handle(self, frame: Frame) -> None:
        self._frames += 1
        if frame.type == messages.Hello.TYPE:
            self._hello(frame)
        elif frame.type == messages.Echo.TYPE:
            self._echo(frame)
        elif self._nonce is None:
            self._refuse(frame, ErrorCode.NO_SESSION)
        elif not self._of_session(frame.seq):
            pass  # delivered late or once more: the host waits for no answer from before its hello
        elif self._next is not None and frame.type in (messages.Profile.TYPE, messages.Layer.TYPE):
            self._refuse(frame, ErrorCode.KEEPS_STATE)
        elif handler := self._handlers.get(frame.type):
            handler(frame)
        else:
            self._refuse(frame, ErrorCode.UNKNOWN_TYPE, frame.type)

    def _of_session(self, seq: int) -> bool:
        """Whether a request comes after the session's hello, or after what has taken its place since."""
        if not _after(seq, self._since):
            return False
        if (seq - self._since) & MASK > SINCE_FAR:
            self._since = since = (seq - SINCE_NEAR) & MASK
            self._kept = [kept if kept and _after(kept.seq, since) else None for kept in self._kept]
        return True

    def _send(self, kind: int, seq: int, payload: bytes) -> None:
        self._write(encode(kind, seq, payload))

    def _refuse(self, frame: Frame, code: int, detail_a: int = 0, detail_b: int = 0) -> None:
        self._send(messages.Error.TYPE, frame.seq, messages.Error(code, detail_a, detail_b).pack())

    def _hello(self, frame: Frame) -> None:
        try:
            hello = messages.Hello.unpack(frame.payload)
        except MalformedPayloadError:
            self._refuse(frame, ErrorCode.BAD_LENGTH, 5, len(frame.payload))
            return
        if hello.version != messages.VERSION:
            self._refuse(frame, ErrorCode.VERSION_MISMATCH, messages.VERSION, hello.version)
            return
        engine = self._firmware.engine
        if isinstance(engine, EngineError):
            self._refuse(frame, engine.code, engine.detail_a, engine.detail_b)
            return
        # A hello that was delivered twice opens one session.
        if self._nonce != hello.nonce:
            self._nonce = hello.nonce
            self._since, self._next = frame.seq, None
            self._kept = [None] * len(self._kept)
            self._frames = self._repeated = self._inferences = self._digest = 0
            self._parser.damaged = 0
        self._send(messages.HelloAnswer.TYPE, frame.seq, self._identity(hello.nonce, engine).pack())

    def _identity(self, nonce: int, engine: Engine) -> messages.HelloAnswer:
        firmware = self._firmware
        return messages.HelloAnswer(
            nonce=nonce,
            version=messages.VERSION,
            features=Feature.PACKED_INPUT
            | (Feature.PROFILE if engine.can_profile else 0)
            | (Feature.STATE if firmware.graph.keeps_state else 0),
            # Time of an interpreter under Python, and no clock: hosts never show it as a board's cost.
            tick_unit=TickUnit.MICROSECONDS,
            answers_kept=firmware.answers_kept,
            receive_bytes=RECEIVE_BYTES,
            clock_hz=0,
            baud=0,
            model_sha256=firmware.model_sha256,
            build_id=firmware.build_id,
            longest_request=firmware.longest_request,
            longest_answer=firmware.longest_answer,
            inference_ms=0,  # it depends on the machine
            op_count=len(firmware.graph.ops),
            ram_used=engine.ram_used,
            ram_given=engine.ram_given,
            packed_fill=firmware.packed_fill,
            target=firmware.target,
            core=firmware.core,
            engine=engine.name,
            kernels=engine.kernels,
            tensors=firmware.tensors,
        )

    def _input(self, frame: Frame) -> bytes | None:
        """The request's inputs; None when it was refused."""
        size = self._firmware.edges.input_bytes
        if frame.type == messages.InferPacked.TYPE:
            data = unpack(frame.payload, self._firmware.packed_fill, size)
            if data is None:
                self._refuse(frame, ErrorCode.BAD_PAYLOAD)
            return data
        if len(frame.payload) != size:
            self._refuse(frame, ErrorCode.BAD_LENGTH, size, len(frame.payload))
            return None
        return frame.payload

    def _infer(self, frame: Frame) -> None:
        engine = self._started_engine()
        crc = zlib.crc32(frame.payload, zlib.crc32(struct.pack("<BI", frame.type, frame.seq)))
        slot = frame.seq % len(self._kept)
        kept = self._kept[slot]
        if kept is not None and kept.seq == frame.seq and kept.request_crc == crc:
            self._repeated += 1
            self._send(messages.InferAnswer.TYPE, frame.seq, kept.payload)
            return
        if kept is not None and _after(kept.seq, frame.seq):
            return  # its answer is no longer kept: the host waits for it no longer
        if self._next is not None and frame.seq != self._next:
            if _after(frame.seq, self._next):
                self._refuse(frame, ErrorCode.OUT_OF_ORDER, self._next, frame.seq)
            return
        data = self._input(frame)
        if data is None:
            return
        started = time.perf_counter()
        try:
            output = engine.invoke(data, keep=self._next is not None)
        except EngineError as error:
            self._refuse(frame, error.code, error.detail_a, error.detail_b)
            return
        ticks = min(MASK, int((time.perf_counter() - started) * 1e6))
        input_crc = zlib.crc32(data)
        payload = messages.InferAnswer(input_crc, ticks, output).pack()
        if self._next is not None:
            self._next = (frame.seq + 1) & MASK
        self._kept[slot] = _Answer(frame.seq, crc, payload)
        self._inferences += 1
        self._digest = (self._digest + zlib.crc32(output, zlib.crc32(struct.pack("<I", input_crc)))) & MASK
        self._send(messages.InferAnswer.TYPE, frame.seq, payload)

    def _keep_state(self, frame: Frame) -> None:
        if frame.payload:
            self._refuse(frame, ErrorCode.BAD_LENGTH, 0, len(frame.payload))
            return
        if self._next is None or not _after(self._next, frame.seq):
            self._started_engine().reset()
            self._next = (frame.seq + 1) & MASK
        self._send(messages.KeepStateAnswer.TYPE, frame.seq, b"")

    def _profile(self, frame: Frame) -> None:
        data = self._input(frame)
        outputs = None if data is None else self._outputs(frame, data)
        if outputs is None:
            return
        # The interpreter runs all operators in one call: what each costs is not known, and told as 0.
        entries = [
            messages.ProfileEntry(op, position, 0, len(output), zlib.crc32(output)).pack()
            for op, those in enumerate(outputs)
            for position, output in enumerate(those)
        ]
        self._send(messages.ProfileAnswer.TYPE, frame.seq, b"".join(entries))

    def _layer(self, frame: Frame) -> None:
        wanted = LAYER_HEAD_BYTES + self._firmware.edges.input_bytes
        if len(frame.payload) != wanted:
            self._refuse(frame, ErrorCode.BAD_LENGTH, wanted, len(frame.payload))
            return
        request = messages.Layer.unpack(frame.payload)
        ops = self._firmware.graph.ops
        if request.op >= len(ops) or request.output >= len(ops[request.op].outputs):
            self._refuse(frame, ErrorCode.BAD_PAYLOAD)
            return
        outputs = self._outputs(frame, request.input)
        if outputs is not None:
            length = min(request.length, self._firmware.longest_answer)
            values = outputs[request.op][request.output][request.offset : request.offset + length]
            self._send(messages.LayerAnswer.TYPE, frame.seq, values)

    def _outputs(self, frame: Frame, data: bytes) -> list[tuple[bytes, ...]] | None:
        """Every operator's outputs; None when the request was refused."""
        try:
            return self._started_engine().profile(data)
        except EngineError as error:
            self._refuse(frame, error.code, error.detail_a, error.detail_b)
            return None

    def _ops(self, frame: Frame) -> None:
        try:
            first = messages.Ops.unpack(frame.payload).first
        except MalformedPayloadError:
            self._refuse(frame, ErrorCode.BAD_LENGTH, 2, len(frame.payload))
            return
        codes = [op.builtin for op in self._firmware.graph.ops]
        fitting = codes[first : first + (self._firmware.longest_answer - 4) // 2]
        packed = struct.pack(f"<{len(fitting)}H", *fitting)
        self._send(messages.OpsAnswer.TYPE, frame.seq, messages.OpsAnswer(first, len(codes), packed).pack())

    def _started_engine(self) -> Engine:
        # Without an engine hello is refused, and nothing else comes through without a session.
        assert not isinstance(self._firmware.engine, EngineError)
        return self._firmware.engine

    def _echo(self, frame: Frame) -> None:
        if len(frame.payload) > messages.ECHO_MAX:
            self._refuse(frame, ErrorCode.BAD_LENGTH, messages.ECHO_MAX, len(frame.payload))
        else:
            self._send(messages.EchoAnswer.TYPE, frame.seq, frame.payload)

    def _status(self, frame: Frame) -> None:
        answer = messages.StatusAnswer(
            frames=self._frames,
            damaged=self._parser.damaged,
            repeated=self._repeated,
            inferences=self._inferences,
            overruns=0,  # a pipe loses nothing
            digest=self._digest,
        )
        self._send(messages.StatusAnswer.TYPE, frame.seq, answer.pack())

    def _set_baud(self, frame: Frame) -> None:
        """A pipe has no rate: every rate is refused."""
        try:
            request = messages.SetBaud.unpack(frame.payload)
        except MalformedPayloadError:
            self._refuse(frame, ErrorCode.BAD_LENGTH, 4, len(frame.payload))
            return
        self._refuse(frame, ErrorCode.BAUD_REFUSED, request.baud)


def _after(seq: int, other: int) -> bool:
    """Does a sequence number come after another, modulo 2^32?"""
    return 0 < (seq - other) & MASK < 1 << 31


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


def main(arguments: list[str] | None = None) -> int:
    """Serves one board on a pseudo-terminal; returns the process's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m boardproof_host.boards.virtual.board", description=__doc__
    )
    parser.add_argument("--model", type=Path, required=True, help="int8 .tflite that the board runs")
    parser.add_argument(
        "--arena", type=int, metavar="BYTES", help="give the interpreter so much RAM and no more"
    )
    args = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        firmware = build(read_model(args.model), args.arena, str(args.model))
        if isinstance(firmware.engine, EngineError) and args.arena is None:
            raise refusal(firmware.engine, args.model)
    except BoardproofError as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)
        return error.exit_code
    link = PtyLink(lifeline())
    print(json.dumps({"port": link.port, "pid": os.getpid()}), flush=True)
    try:
        VirtualBoard(firmware, link.write).serve(link.read)
    finally:
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
