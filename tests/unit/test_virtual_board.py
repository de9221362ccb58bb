"""The virtual board: its engine's failures by name, its process, and its port."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from boardproof_export.shared.errors import InputError, LinkError
from boardproof_export.shared.model import read_graph
from boardproof_export.tflm.engines import export_support
from boardproof_host.boards.virtual import board as virtual_board
from boardproof_host.boards.virtual import terminal as pty_link
from boardproof_host.boards.virtual.board import VirtualBoard
from boardproof_host.boards.virtual.engine import EngineError
from boardproof_host.boards.virtual.firmware import Engine
from boardproof_host.boards.virtual.terminal import PtyLink
from boardproof_host.link.session import Session
from boardproof_host.link.timeouts import Patience
from boardproof_host.oracles.worker import load_tflm
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, FrameParser, encode
from boardproof_host.protocol.messages import ErrorCode, TensorRole, TensorType
from model_builder import ModelBuilder, random_model
from support.linked_checkout import boardproof, linked_checkout
from support.small_models import edges_of, reshaping_model, running_sum_model

DEPTHS = (20, 12, 5)
MODEL = random_model(3, depths=DEPTHS)


def converse(model: bytes, *requests: bytes, arena: int | None = None) -> list[Frame]:
    said = bytearray()
    board = VirtualBoard(virtual_board.build(model, arena), said.extend)
    for request in (encode(messages.Hello.TYPE, 0, messages.Hello(1, messages.VERSION).pack()), *requests):
        board.feed(request)
    return FrameParser().feed(bytes(said))


def engine_of(model: bytes) -> Engine:
    engine = virtual_board.build(model).engine
    assert not isinstance(engine, EngineError)
    return engine


def hello_error(model: bytes, arena: int | None = None) -> tuple[int, int, int]:
    """What a board with this model answers to hello, an error: code and details."""
    (frame,) = converse(model, arena=arena)
    assert frame.type == messages.Error.TYPE
    error = messages.Error.unpack(frame.payload)
    return error.code, error.detail_a, error.detail_b


def reshaped(*, version: int = 3, then: int | None = None, custom: str | None = None) -> bytes:
    """A model of one RESHAPE and, where `then` is given, an operator without options behind it."""
    builder = ModelBuilder()
    first, last = builder.tensor((1, 4), 0.5), builder.tensor((1, 4), 0.5)
    builder.reshape(first, last)
    if then is not None:
        source, last = last, builder.tensor((1, 4), 0.5)
        builder.op(then, [source], [last], custom=custom)
    return builder.build([first], [last], version=version)


def test_a_missing_operator_is_named_by_code_and_index() -> None:
    atan2 = schema.BuiltinOperator.ATAN2
    assert hello_error(reshaped(then=atan2)) == (ErrorCode.ENGINE_OP, atan2, 1)
    custom = schema.BuiltinOperator.CUSTOM
    assert hello_error(reshaped(then=custom, custom="Fancy")) == (ErrorCode.ENGINE_OP, custom, 1)


def test_another_schema_version_is_refused() -> None:
    with pytest.raises(InputError, match="schema version is 2"):
        virtual_board.build(reshaped(version=2))


def test_an_operator_that_cannot_be_prepared() -> None:
    """QUANTIZE of two tensors: registered, but its kernel refuses that when the tensors are allocated."""
    builder = ModelBuilder()
    first, middle, last = (builder.tensor((1, 4), 0.5) for _ in range(3))
    builder.reshape(first, middle)
    builder.op(schema.BuiltinOperator.QUANTIZE, [middle, middle], [last])
    assert hello_error(builder.build([first], [last])) == (ErrorCode.ENGINE_INVOKE, 0, 1)


def with_a_broken_name() -> bytes:
    """A builtin operator with the name of a custom one, which leads out of the file; only the interpreter reads it."""
    builder = ModelBuilder()
    first, last = builder.tensor((1, 784), 0.5), builder.tensor((784, 1), 0.5)
    builder.reshape(first, last)
    builder.codes[0] = (builder.codes[0][0], "a name that nobody needs")
    content = bytearray(builder.build([first], [last]))
    text = content.index(b"a name that nobody needs") - 4  # its length stands before it
    (field,) = (at for at in range(0, text, 4) if at + int.from_bytes(content[at : at + 4], "little") == text)
    content[field : field + 4] = (0x7FFFFFFF).to_bytes(4, "little")
    return bytes(content)


def test_whatever_the_interpreter_raises_is_a_refusal(tmp_path: Path) -> None:
    assert hello_error(with_a_broken_name()) == (ErrorCode.ENGINE_MODEL, 0, 0)
    path = tmp_path / "broken name.tflite"
    path.write_bytes(with_a_broken_name())
    for answer in export_support(read_graph(path))[1:]:
        (reason,) = answer.reasons
        assert "unpack_from" in str(reason) or "bad number" in str(reason)
    done = boardproof(linked_checkout(tmp_path), "run", "--target", "tflm_host", "--model", str(path))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"TensorFlow Lite Micro cannot run {path}: " in done.stderr


def test_an_arena_that_is_too_small() -> None:
    used = engine_of(MODEL).ram_used
    assert used > sum(DEPTHS)
    assert hello_error(MODEL, arena=used - 1) == (ErrorCode.ENGINE_ARENA, used, used - 1)
    assert hello_error(MODEL, arena=0) == (ErrorCode.ENGINE_ARENA, used, 0)
    (frame,) = converse(MODEL, arena=used)
    hello = messages.HelloAnswer.unpack(frame.payload)
    assert (hello.ram_used, hello.ram_given) == (used, used)


def test_the_arena_grows_with_the_model() -> None:
    """A hidden layer with 200 values more needs at least 200 bytes more."""
    small, large = random_model(4, depths=(8, 8, 8)), random_model(4, depths=(8, 208, 8))
    used = [engine_of(model).ram_used for model in (small, large)]
    assert used[1] - used[0] >= 200


def test_hello_tells_the_model_and_never_a_clock() -> None:
    (frame,) = converse(MODEL)
    hello = messages.HelloAnswer.unpack(frame.payload)
    assert (hello.target, hello.engine, hello.kernels) == ("tflm_host", "tflm", "reference")
    assert (hello.op_count, hello.clock_hz, hello.inference_ms) == (len(DEPTHS) - 1, 0, 0)
    assert hello.longest_request >= DEPTHS[0]
    assert hello.longest_answer >= len(frame.payload)
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(MODEL)
    for tensor, side in zip(hello.tensors, ("input", "output"), strict=True):
        details: Any = getattr(interpreter, f"get_{side}_details")(0)
        assert tensor.role == TensorRole[side.upper()]
        assert (tensor.type, tensor.quantized) == (TensorType.INT8, 1)
        assert tensor.dims == tuple(details["shape"])
        quantization = details["quantization_parameters"]
        assert np.float32(tensor.scale) == quantization["scales"][0]
        assert tensor.zero_point == quantization["zero_points"][0]
    assert hello.packed_fill == hello.tensors[0].zero_point & 0xFF


def test_hello_tells_all_edges_in_order() -> None:
    (frame,) = converse(reshaping_model("float32", "int16", "uint8", "bool"))
    tensors = messages.HelloAnswer.unpack(frame.payload).tensors
    kinds = [TensorType.FLOAT32, TensorType.INT16, TensorType.UINT8, TensorType.BOOL]
    assert [tensor.type for tensor in tensors] == kinds * 2
    assert [tensor.role for tensor in tensors] == [TensorRole.INPUT] * 4 + [TensorRole.OUTPUT] * 4
    assert [tensor.dims for tensor in tensors] == [(1, 6)] * 4 + [(2, 3)] * 4
    assert [tensor.quantized for tensor in tensors] == [0, 1, 1, 0] * 2


@pytest.mark.parametrize("content", [b"", b"no model at all", MODEL[: len(MODEL) // 3]])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        virtual_board.build(content, name="some.tflite")


@pytest.mark.parametrize("types", [["float32"], ["uint8", "int16"], ["bool", "int32", "int8"]])
def test_edges_of_any_type_and_number(types: list[str]) -> None:
    """The outputs are the inputs reshaped: all bytes come back, in order."""
    engine = engine_of(reshaping_model(*types))
    data = b"".join(
        np.arange(1, 7).astype(kind).tobytes() if kind != "bool" else b"\1\0\1\1\0\1" for kind in types
    )
    assert engine.invoke(data) == data
    assert b"".join(output for outputs in engine.profile(data) for output in outputs) == data


def test_every_input_meets_the_state_of_a_fresh_start() -> None:
    """A sum over all inputs: neither the board's start nor an input before may be in its answer."""
    engine = engine_of(running_sum_model())
    for value in (3.0, 4.0, 3.0):
        data = np.full(4, value, np.float32).tobytes()
        assert engine.invoke(data) == data
        assert engine.profile(data)[2] == (data,)


def test_profile_and_layer_look_behind_every_operator() -> None:
    """The last output is the model's; the values are those that the profile's CRCs are of, in pieces and at once."""
    data = np.arange(DEPTHS[0], dtype=np.int8).tobytes()
    pieces = [(1, 0, 0, 99), (0, 0, 0, 7), (0, 0, 7, 99), (0, 0, 12, 1)]
    asked = [
        encode(messages.Layer.TYPE, 10 + number, messages.Layer(*piece, data).pack())
        for number, piece in enumerate(pieces)
    ]
    _, plain, profiled, *layers = converse(
        MODEL, encode(messages.Infer.TYPE, 1, data), encode(messages.Profile.TYPE, 2, data), *asked
    )
    output = messages.InferAnswer.unpack(plain.payload).output
    reader = messages.Reader(profiled.payload)
    first, last = messages.ProfileEntry.read(reader), messages.ProfileEntry.read(reader)
    assert reader.at_end
    assert [(entry.op, entry.output, entry.size) for entry in (first, last)] == [
        (0, 0, DEPTHS[1]),
        (1, 0, DEPTHS[2]),
    ]
    assert last.crc == zlib.crc32(output)
    whole, start, rest, nothing = (frame.payload for frame in layers)
    assert whole == output
    assert (len(start), first.crc, nothing) == (7, zlib.crc32(start + rest), b"")


# -- the process and its pseudo-terminal ----------------------------------------------------------------------


@contextmanager
def process(model: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, Any]]]:
    command = [
        sys.executable,
        "-m",
        "boardproof_host.boards.virtual.board",
        "--model",
        str(model),
        *arguments,
    ]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        yield child, json.loads(child.stdout.readline())
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(MODEL)
    return path


def test_a_session_over_its_port(model_file: Path) -> None:
    rng = np.random.default_rng(1)
    inputs = rng.integers(-128, 128, (300, DEPTHS[0])).astype(np.int8)
    with process(model_file) as (child, started):
        assert started["pid"] == child.pid
        transport = SerialTransport(started["port"])
        session = Session(transport, seed=1)
        identity = session.hello()
        assert identity.emulated  # so that no report takes its ticks for a latency
        answers = {
            a.index: a.output for a in session.stream((i, row.tobytes()) for i, row in enumerate(inputs))
        }
        session.check_digest()
        assert session.counters.retransmits == 0
        transport.close()
    run = load_tflm(MODEL, edges_of(MODEL))
    rows = enumerate(inputs)
    assert answers == {index: run(row.view(np.uint8), fresh=True).tobytes() for index, row in rows}


def test_it_ends_with_its_standard_input(model_file: Path) -> None:
    with process(model_file) as (child, started):
        assert child.stdin is not None
        child.stdin.close()
        child.stdin = None
        assert child.wait(timeout=10) == 0
        assert not Path(started["port"]).exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_a_signal(model_file: Path, number: signal.Signals) -> None:
    with process(model_file) as (child, _):
        child.send_signal(number)
        assert child.wait(timeout=10) == 0


def test_hosts_come_and_go(model_file: Path) -> None:
    """A host that leaves without reading its answers leaves nothing behind for the next one."""
    with process(model_file) as (_, started):
        rude = os.open(started["port"], os.O_RDWR | os.O_NOCTTY)
        os.write(rude, encode(messages.Hello.TYPE, 0, messages.Hello(1, messages.VERSION).pack()) * 20)
        time.sleep(0.2)
        os.close(rude)
        for _ in range(2):
            transport = SerialTransport(started["port"])
            assert Session(transport, Patience(hello=5.0)).hello().target == "tflm_host"
            transport.close()


def test_a_model_that_cannot_be_used_ends_the_process_with_code_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"no model")
    for path, said in ((bad, "not a .tflite file"), (tmp_path / "absent.tflite", "cannot read")):
        command = [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(path)]
        done = subprocess.run(command, input=b"", capture_output=True, timeout=30, check=False)
        assert done.returncode == 2
        assert said in done.stderr.decode()
        assert done.stdout == b""


def test_a_small_arena_is_refused_by_hello(model_file: Path) -> None:
    with process(model_file, "--arena", "500") as (_, started):
        transport = SerialTransport(started["port"])
        with pytest.raises(LinkError, match=r"needed \d+, given 500 bytes"):
            Session(transport).hello()
        transport.close()


def test_answers_that_nobody_reads_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A board must not hang for ever on a port that nobody reads, nor keep old answers for the next host."""
    monkeypatch.setattr(pty_link, "UNHEARD_SECONDS", 0.2)
    link = PtyLink()
    try:
        writer = threading.Thread(target=lambda: [link.write(bytes(4000)) for _ in range(8)], daemon=True)
        writer.start()
        writer.join(timeout=20)
        assert not writer.is_alive()
    finally:
        if not writer.is_alive():
            link.close()


def test_the_port_passes_every_byte() -> None:
    """No byte means anything to the terminal: it is raw before anybody opens it."""
    link = PtyLink()
    host = os.open(link.port, os.O_RDWR | os.O_NOCTTY)
    try:
        everything = bytes(range(256))
        os.write(host, everything)
        assert link.read() == everything
        link.write(everything)
        ready, _, _ = select.select([host], [], [], 5)
        assert ready
        assert os.read(host, 1000) == everything
    finally:
        os.close(host)
        link.close()
