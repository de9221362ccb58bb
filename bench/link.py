"""`make bench`: how full the link is, and what others need for the same work.

The firmware's application with the reference model, compiled for the host, answers 10,000 images of Fashion-MNIST over
an emulated 8N1 line in virtual time: the figures are the same on every machine. The peers' figures are computed from
their protocols; see PEERS for what is assumed.

Exit code 1 when a target is missed: 95 % of the line rate in bytes of inputs, and 1.6 times the images per second
when inputs are packed.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from boardproof_export.shared.project import find_project
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources.pixels import quantize
from boardproof_host.link.disturbance.rate import BITS_PER_BYTE, ThrottledTransport
from boardproof_host.link.session import Session
from support.board_library import BoardOptions, MemoryBoard, VirtualClock, build_board

BAUD = 921_600
TURN = 1e-3  # seconds from the end of a question to the start of its answer: what a USB-serial adapter adds
LEAST_PAYLOAD_FRACTION = 0.95
LEAST_PACKED_GAIN = 1.6
BUFFERS = (64, 256, 1024, 32768)
INFERENCES = (0.0, 1e-3, 4e-3)


@dataclass(frozen=True)
class Run:
    """One stream of all images. Seconds are virtual, and leave hello out."""

    packed: bool
    receive_bytes: int
    inference: float
    images: int
    seconds: float
    images_per_second: float
    payload_fraction: float  # of the line rate: input bytes before packing and framing
    wire_fraction: float  # all bytes to the board
    bytes_per_frame: float
    retransmits: int
    overruns: int


@dataclass(frozen=True)
class Peer:
    """One image in a protocol that asks and waits: bytes on the wire in both directions, questions with an answer."""

    name: str
    bytes_down: int
    bytes_up: int
    turns: int

    def images_per_second(self, baud: int, turn: float = TURN) -> float:
        """Nothing overlaps: every byte and every turn is waited for; the inference takes no time."""
        return 1 / ((self.bytes_down + self.bytes_up) * BITS_PER_BYTE / baud + self.turns * turn)


def kenning() -> Peer:
    """Kenning's UART protocol: messages of 136 bytes at most, 8 of them a header.

    Three requests (DATA with the input in 7 messages, PROCESS, OUTPUT), each answered by one message.
    """
    header, payload = 8, 136 - 8
    messages = -(-784 // payload)
    return Peer("Kenning (UART)", 784 + messages * header + 2 * header, 3 * header + 10, 3)


def mlperf_tiny() -> Peer:
    """MLPerf Tiny's runner: `db load 784%`, then 31 bytes a line as hex, `infer 1 0%`; each answered by `m-ready`.

    The results come as ten numbers with three decimals. What else the board prints for a person is left out.
    """
    lines = -(-784 // 31)
    down = len("db load 784%") + 2 * 784 + lines * len("db %") + len("infer 1 0%")
    ready = len("m-ready\r\n")
    extra = len("m-[Expecting 784 bytes]\r\n") + len("m-load-done\r\n")
    result = len("m-infer-start-1\r\nm-lap-us-12345678\r\nm-lap-us-12345678\r\nm-infer-done\r\n")
    result += len("m-results-[]\r\n") + 10 * len("0.000,") - 1
    return Peer("MLPerf Tiny runner", down, (lines + 2) * ready + extra + result, lines + 2)


def test_over_serial() -> Peer:
    """TFLM's test-over-serial: 48 bytes a line as base64 (64 characters), each acknowledged, then the result's line.

    The pauses between tests that its configuration asks for are left out.
    """
    sizes = [min(48, 784 - start) for start in range(0, 784, 48)]
    command = "DATA raw-int8 784\n"
    down = len("!" + command) + sum(-(-size // 3) * 4 + 1 for size in sizes)
    up = sum(len(f"!DATA_ACK {size}\n") for size in sizes) + len("!OK " + command) + 10 * len("-128 ")
    return Peer("TFLM test-over-serial", down, up, len(sizes) + 1)


PEERS = (kenning(), mlperf_tiny(), test_over_serial())


def stream(library: Path, images: int, *, packed: bool, receive_bytes: int, inference: float) -> Run:
    """Streams the first `images` test images."""
    clock = VirtualClock(limit=1e6, most_waits=1 << 60)
    board = MemoryBoard(library, clock, BoardOptions(receive_bytes=receive_bytes, inference=inference))
    session = Session(ThrottledTransport(board, BAUD, clock), seed=1, packed=packed, clock=clock)
    identity = session.hello()
    (edge,) = identity.inputs
    assert edge.scale is not None and edge.zero_point is not None
    inputs = quantize(dataset.load("test").images[:images], edge.scale, edge.zero_point)
    started, sent = clock(), session.counters.bytes_down
    answered = sum(1 for _ in session.stream((index, row.tobytes()) for index, row in enumerate(inputs)))
    seconds, sent = clock() - started, session.counters.bytes_down - sent
    session.check_digest()
    assert answered == images
    line = seconds * BAUD / BITS_PER_BYTE
    return Run(
        packed=packed,
        receive_bytes=receive_bytes,
        inference=inference,
        images=images,
        seconds=seconds,
        images_per_second=images / seconds,
        payload_fraction=session.counters.payload_down / line,
        wire_fraction=sent / line,
        bytes_per_frame=sent / images,
        retransmits=session.counters.retransmits,
        overruns=board.overruns,
    )


def main() -> int:
    """Measures, prints, checks; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--images", type=int, default=10_000, help="first so many test images (default: 10,000)"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = build_board(Path(folder), find_project(Path(__file__).parent).reference_model.read_bytes())
        runs = [
            stream(library, args.images, packed=packed, receive_bytes=buffer, inference=inference)
            for inference in INFERENCES
            for buffer in (BUFFERS if inference == INFERENCES[1] else BUFFERS[-1:])
            for packed in (False, True)
        ]
    if args.json:
        print(json.dumps([asdict(run) for run in runs], indent=2))
    else:
        _print_tables(runs)
    return _check(runs)


def _print_tables(runs: list[Run]) -> None:
    print(f"{runs[0].images:,} images of 784 bytes at {BAUD:,} baud, 8N1\n")
    print(
        "| inputs | buffer | inference | images/s | line rate, bytes of inputs | all bytes down | bytes a frame |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for run in runs:
        print(
            f"| {'packed' if run.packed else 'plain'} | {run.receive_bytes:,} B | {run.inference * 1e3:.0f} ms "
            f"| {run.images_per_second:.1f} | {run.payload_fraction:.2%} | {run.wire_fraction:.2%} "
            f"| {run.bytes_per_frame:.1f} |"
        )
    print(f"\nThe same work elsewhere, computed from the protocols; a turn takes {TURN * 1e3:.0f} ms:\n")
    print("| protocol | bytes down | bytes up | turns | images/s | of the line | minutes at 115,200 baud |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for peer in PEERS:
        speed = peer.images_per_second(BAUD)
        slow = runs[0].images / peer.images_per_second(115_200) / 60
        share = speed * 784 * BITS_PER_BYTE / BAUD
        print(
            f"| {peer.name} | {peer.bytes_down:,} | {peer.bytes_up:,} | {peer.turns} | {speed:.1f} "
            f"| {share:.1%} | {slow:.1f} |"
        )


def _check(runs: list[Run]) -> int:
    """Holds the targets where the hardware lets transfer and inference overlap."""
    failures = [f"{run.retransmits} retransmits, {run.overruns} overruns" for run in runs if run.retransmits]
    for plain, packed in zip(runs[::2], runs[1::2], strict=True):
        if plain.receive_bytes < 1024:
            continue
        where = f"inference {plain.inference * 1e3:.0f} ms, buffer {plain.receive_bytes} B"
        gain = packed.images_per_second / plain.images_per_second
        if plain.payload_fraction < LEAST_PAYLOAD_FRACTION:
            failures.append(f"{where}: {plain.payload_fraction:.2%} of the line rate")
        if gain < LEAST_PACKED_GAIN:
            failures.append(f"{where}: packed inputs are {gain:.2f} times as fast")
        print(
            f"{where}: {plain.payload_fraction:.2%} of the line rate, packed {gain:.2f} times",
            file=sys.stderr,
        )
    for failure in failures:
        print(f"missed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
