"""Fuzzes the reader of .tflite files and all of export but the writing: damaged files are refused, never more.

For each damaged file: parse, resolve for the engine aot and for TensorFlow Lite Micro, and where aot takes it, plan and
render. An answer is a result or an InputError, within 10 s of processor time and 1 GB. Anything else is a finding: the
first of each kind is kept, with the number that makes it again.
"""

import contextlib
import mmap
import os
import resource
import signal
import struct
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, resolve
from boardproof_export.commands.export import render_aot
from boardproof_export.operators.registry import activation_of, constant_bytes, total_macs
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import parse_graph
from boardproof_export.tflm.arena import estimated
from boardproof_export.tflm.limits import firmware_reasons
from model_builder import random_model, softmax_model, tiny_model
from support.host_c import ROOT
from support.tflite_mutations import Mutator

MOST_SECONDS = 10.0  # of processor time, for a file
MOST_BYTES = 1 << 30  # beyond what the process takes before the first file
MOST_FILE_BYTES = 1 << 17  # of a file of the corpus: larger ones have more constants, hardly more tables
_ROUND = 500  # damaged files that a process examines


def examine(content: bytes) -> bool:
    """What `inspect` and `export` compute of a file; whether the engine aot takes it.

    Whatever it raises, but for an InputError of the reader, is a finding.
    """
    try:
        graph = parse_graph(content, Path("damaged.tflite"))
    except InputError as error:
        assert error.message and error.hint
        return False
    network = resolve(graph)
    list(firmware_reasons(graph))
    estimated(graph)
    total_macs(graph)
    for op in graph.ops:
        activation_of(op), constant_bytes(graph, op)
    if not isinstance(network, Network):
        assert all(map(str, network))
        return False
    core = list(CORES.values())[len(content) % len(CORES)]
    manifest, files = render_aot(network, core)
    assert manifest.arena_bytes >= 0 and all(files.values())
    return True


def good_files(folder: Path | None) -> list[bytes]:
    """The models of the repository and of the tests, and those of `folder`, up to 128 KB each."""
    files = [tiny_model(), softmax_model((2, 5)), random_model(1, depths=(9, 7, 5))]
    files += [path.read_bytes() for path in sorted((ROOT / "models").glob("*.tflite"))]
    if folder is not None:
        files += [path.read_bytes() for path in sorted(folder.rglob("*.tflite"))]
    return [content for content in files if len(content) <= MOST_FILE_BYTES and _is_read(content)]


def _is_read(content: bytes) -> bool:
    try:
        parse_graph(content, Path("good.tflite"))
    except InputError:
        return False
    return True


class TooLongError(Exception):
    """A file took more than its seconds."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Ends the block after so much processor time.

    Raises:
        TooLongError: it took more.
    """

    def over(*_: object) -> None:
        raise TooLongError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def kind_of(error: BaseException) -> str:
    """Findings of one kind end at one place."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "boardproof" in f.filename]
    last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}-{Path(last.filename).stem}-{last.lineno}"


def _work(mutator: Mutator, first: int, shared: mmap.mmap, out: Path, until: float) -> None:
    """Examines a round of damaged files; says in `shared` which one, how many were taken, and what was found."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    taken = found = 0
    for number in range(first, first + _ROUND):
        if time.monotonic() > until:
            break
        shared[:24] = struct.pack("<QQQ", number, taken, found)
        content = mutator.damaged(number)
        try:
            with within(MOST_SECONDS):
                taken += examine(content)
        except Exception as error:
            found += 1
            _keep(out, kind_of(error), number, content, "".join(traceback.format_exception(error)))
    shared[:24] = struct.pack("<QQQ", number, taken, found)


def _keep(out: Path, kind: str, number: int, content: bytes, words: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if not (out / f"{kind}.tflite").exists():
        (out / f"{kind}.tflite").write_bytes(content)
        (out / f"{kind}.txt").write_text(f"file {number}\n{words}")
        print(f"tflite  A FINDING, {kind}: file {number}, it is in {out}", flush=True)


def fuzz(files: list[bytes], seconds: float, out: Path, first: int = 0) -> int:
    """Examines damaged files until the time is over, a round a process; returns the number of findings."""
    mutator = Mutator(files)
    examine(files[0])  # what it imports is there for every round
    until = time.monotonic() + seconds
    shared = mmap.mmap(-1, mmap.PAGESIZE)
    number, taken, found = first, 0, 0
    while time.monotonic() < until:
        child = os.fork()
        if child == 0:
            try:
                _work(mutator, number, shared, out, until)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        last, took, said = struct.unpack("<QQQ", shared[:24])
        if status != 0:
            said += 1
            _keep(out, f"died-{status}", last, mutator.damaged(last), "the process died")
        number, taken, found = last + 1, taken + took, found + said
    words = "no finding" if found == 0 else f"{found} findings"
    print(f"tflite  {number - first:,} damaged files in {seconds:.0f} s, {taken:,} of them exported, {words}")
    return found
