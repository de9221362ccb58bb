"""A folder of .tflite files through the engine `aot`, one by one: `python bench/corpus.py FOLDER`.

For each file: what export says, whether TensorFlow Lite Micro runs it on this machine, the verdict of each target on
random inputs, and the memory of both engines. The record, `--out`, has a JSON object a line; a file that stands there
by its SHA-256 is not measured again, unless `--again` names it. `--table` prints the rows of docs/CORPUS.md.

Exit code 1 where a network that is exported is not `exact` on a target that holds it.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from boardproof_export.aot.cores import CORES
from boardproof_export.aot.network import Network, resolve
from boardproof_export.commands.export import render_aot
from boardproof_export.shared.errors import BoardproofError
from boardproof_export.shared.model import Graph, read_graph
from boardproof_export.tflm.arena import measured

TARGETS = ("aot_host", "qemu_cortex_m4")
ROOM = 4 << 20  # bytes of flash, and of RAM, of the emulated boards
FIRMWARE_RAM = 64 << 10  # of it, for all but tensors
SECONDS = 900  # for a run; more is a hang
INPUTS = 20

_INVOKE = """\
import sys
import numpy as np
from tflite_micro import runtime
interpreter = runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=int(sys.argv[1]))
for index in range(int(sys.argv[2])):
    details = interpreter.get_input_details(index)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), index)
interpreter.invoke()
"""


@dataclass(frozen=True)
class Run:
    """What `boardproof run` said of a target: a verdict, or why there is none."""

    verdict: str | None
    words: str | None = None
    instructions: int | None = None  # mean of an inference; None where nothing counts
    flash_bytes: int | None = None  # of the whole firmware


@dataclass(frozen=True)
class Row:
    """One file. Bytes everywhere; None where it is not known."""

    sha256: str
    name: str
    bytes: int
    operators: tuple[str, ...] = ()  # in the order of their first use
    edges: str = ""  # types of the inputs, and of the outputs
    refusal: str | None = None  # why the engine aot does not take it; None where it does
    tflm: str | None = None  # why TensorFlow Lite Micro does not run it; None where it does
    constants: int | None = None  # of the rendered model: weights, biases and scales as the board has them
    arena: int | None = None  # of the engine aot; this, and what is above, for the dsp profile
    tflm_arena: int | None = None
    runs: dict[str, Run] = field(default_factory=dict)  # by target

    @property
    def wrong(self) -> bool:
        """It was exported, TensorFlow Lite Micro runs it, and a target did not prove it."""
        unproven = any(run.verdict != "exact" and run.words != DOES_NOT_FIT for run in self.runs.values())
        return self.refusal is None and self.tflm is None and unproven


DOES_NOT_FIT = "does not fit"


def examine(path: Path, name: str, targets: list[str]) -> Row:
    """Everything about one file."""
    content = path.read_bytes()
    row = Row(hashlib.sha256(content).hexdigest(), name, len(content))
    try:
        graph = read_graph(path)
    except BoardproofError as error:
        return _with(row, refusal=error.message, tflm=_tflm_complaint(content, 1, len(content)))
    network = resolve(graph)
    row = _with(
        row,
        operators=tuple(dict.fromkeys(op.code for op in graph.ops)),
        edges=f"{_types(graph, graph.inputs)} to {_types(graph, graph.outputs)}",
        refusal=None if isinstance(network, Network) else str(network[0]),
        **_tflm(graph, path),
    )
    if not isinstance(network, Network):
        return row
    manifest, _ = render_aot(network, CORES["dsp"])
    row = _with(row, arena=manifest.arena_bytes, constants=manifest.constants_bytes)
    return _with(row, runs={target: _run(path, target, row) for target in targets})


def _with(row: Row, **changes: object) -> Row:
    return Row(**(vars(row) | changes))  # type: ignore[arg-type]


def _types(graph: Graph, indices: tuple[int, ...]) -> str:
    return ", ".join(dict.fromkeys(graph.tensors[index].type.lower() for index in indices))


def _tflm(graph: Graph, path: Path) -> dict[str, object]:
    """Whether TensorFlow Lite Micro prepares and invokes the model, and what its arena holds then."""
    try:
        arena = measured(graph, path)
    except BoardproofError as error:
        return {"tflm": error.message.partition(": ")[2] or error.message}
    if arena is None:
        return {"tflm": "is not installed"}
    size = arena.head + arena.tail
    return {"tflm": _tflm_complaint(graph.content, len(graph.inputs), size), "tflm_arena": size}


def _tflm_complaint(content: bytes, inputs: int, arena: int) -> str | None:
    command = [sys.executable, "-c", _INVOKE, str(2 * arena + (1 << 20)), str(inputs)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[0] if lines and not lines[0].startswith("Traceback") else (lines or ["died"])[-1]


def _run(path: Path, target: str, row: Row) -> Run:
    """`boardproof run`, as a user types it."""
    emulated = target != TARGETS[0]
    if emulated and ((row.constants or 0) > ROOM or (row.arena or 0) > ROOM - FIRMWARE_RAM):
        return Run(None, DOES_NOT_FIT)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "boardproof", "run", "--target", target, "--quiet"]
        command += ["--model", str(path), "--data", f"random:{INPUTS}", "--out", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return Run(None, f"no answer within {SECONDS} s")
        record = Path(folder) / "report.json"
        report = json.loads(record.read_text()) if record.is_file() else {}
    if not report.get("measured"):
        words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Run(None, next((line for line in words if line.startswith("error")), words[-1]))
    cost = report["measured"]["cost"]
    count = cost["instructions_per_inference"]
    mean = round(count["mean"]) if emulated and count else None
    return Run(report["measured"]["verdict"], None, mean, cost["flash_bytes"] if emulated else None)


def load(path: Path) -> dict[str, Row]:
    """The rows of a record, by SHA-256."""
    rows = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        entry = json.loads(line)
        entry["operators"] = tuple(entry["operators"])
        entry["runs"] = {target: Run(**run) for target, run in entry["runs"].items()}
        rows[entry["sha256"]] = Row(**entry)
    return rows


_COLUMNS = (
    "file",
    "SHA-256",
    "bytes",
    "host",
    "Cortex-M4",
    "instructions",
    "tensors, B",
    "TensorFlow Lite Micro, B",
    "flash beyond constants, B",
)


def table(rows: list[Row]) -> Iterator[str]:
    """Markdown: what was exported, then what was refused."""
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"| {' | '.join('---' for _ in _COLUMNS)} |"
    for row in rows:
        if row.refusal is None:
            host, board = (row.runs.get(target, Run(None)) for target in TARGETS)
            beyond = None if board.flash_bytes is None else board.flash_bytes - (row.constants or 0)
            figures = (board.instructions, row.arena, row.tflm_arena, beyond)
            verdicts = (host.verdict or host.words or "", board.verdict or board.words or "")
            cells = (row.name, f"`{row.sha256[:16]}`", f"{row.bytes:,}", *verdicts, *map(_number, figures))
            yield f"| {' | '.join(cells)} |"
    yield ""
    yield "| file | SHA-256 | refused because | TensorFlow Lite Micro |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        if row.refusal is not None:
            yield f"| {row.name} | `{row.sha256[:16]}` | {row.refusal} | {row.tflm or 'runs it'} |"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def main() -> int:
    """Measures what is not in the record yet, and says what is wrong; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="searched with all that is below it")
    parser.add_argument("--out", type=Path, default=Path(".boardproof/corpus.jsonl"), help="the record")
    parser.add_argument("--target", action="append", help=f"repeatable (default: {', '.join(TARGETS)})")
    parser.add_argument("--again", help="measure again what has this in its name or in its refusal")
    parser.add_argument("--table", action="store_true", help="print the record as Markdown")
    args = parser.parse_args()
    rows, targets = load(args.out), args.target or list(TARGETS)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    seen = {}
    for path in sorted(args.folder.rglob("*.tflite")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        row, seen[digest] = rows.get(digest), True
        again = row and args.again and (args.again in row.name or args.again in (row.refusal or ""))
        if row is None or again or (row.refusal is None and not set(targets) <= set(row.runs)):
            row = examine(path, path.relative_to(args.folder).as_posix(), targets)
            rows[digest] = row
            with args.out.open("a") as record:
                record.write(json.dumps(asdict(row)) + "\n")
            said = {target: run.verdict or run.words for target, run in row.runs.items()} or row.refusal
            print(f"{row.sha256[:16]} {row.name}: {said}", flush=True)
    found = [row for digest, row in rows.items() if digest in seen]
    if args.table:
        print("\n".join(table(sorted(found, key=lambda row: row.name))))
    wrong = [row for row in found if row.wrong]
    for row in wrong:
        print(f"wrong: {row.name} {row.sha256[:16]}: {row.runs}", file=sys.stderr)
    exported = sum(row.refusal is None for row in found)
    print(f"{len(found)} files, {exported} exported, {len(wrong)} of them not exact", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
