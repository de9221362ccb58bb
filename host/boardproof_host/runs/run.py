"""`boardproof run`: stream the test images to a board, run the oracles beside it, compare, report."""

import argparse
import hashlib
import platform as host_platform
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import ExitCode, InputError, LinkError
from boardproof_export.shared.project import Project, find_project
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_host import oracles as oracle
from boardproof_host import report
from boardproof_host.boards.open import Boards, open_boards
from boardproof_host.boards.which_model import candidates, describe_model, model_of
from boardproof_host.link.handshake import Identity
from boardproof_host.link.session import Session
from boardproof_host.oracles import AOT_HOST
from boardproof_host.protocol.messages import TickUnit
from boardproof_host.record import schema as record
from boardproof_host.record.build import (
    Circumstances,
    Images,
    LinkUse,
    Measured,
    build_record,
)
from boardproof_host.record.journal import Journal, RunKey
from boardproof_host.record.schema import Report
from boardproof_host.runs.selection import Selection, select
from boardproof_host.runs.stream import Fleet, Measurement

INTERRUPTED = 130
UNITS: dict[TickUnit, record.CostUnit] = {
    TickUnit.CYCLES: "cycles",
    TickUnit.MICROSECONDS: "microseconds",
    TickUnit.INSTRUCTIONS: "instructions",
}
VERDICTS = ("exact", "equivalent", "diverged")
PACKAGES = ("numpy", "pyserial", "tflite-micro", "ai-edge-litert", "platformio")


@dataclass
class Phases:
    """Wall seconds by phase of a run."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the time spent in the block to `name`."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - started, 3)


@dataclass(frozen=True)
class Work:
    """What a run streams: the model, and the selected images."""

    path: Path
    model: record.Model
    split: dataset.Split
    selection: Selection
    out: Path
    cache: Path


@dataclass
class Streamed:
    """What the boards said."""

    boards: Boards
    identity: Identity
    measurement: Measurement
    journal: Journal


def run(args: argparse.Namespace) -> int:
    """Runs one measurement; returns the exit code that its report stands for."""
    phases = Phases()
    project = find_project()
    with phases.phase("prepare"):
        work = _prepare(args, project)
    with ExitStack() as stack:
        with phases.phase("start"):
            boards = open_boards(args, project, stack, work.path)
        work = _with_the_boards_model(work, args, project, boards)
        streamed, oracles = _stream_beside_oracles(args, work, boards, phases, stack)
    result = _report(work, streamed, oracles, args, phases)
    return _finish(result, streamed, work, args)


def _prepare(args: argparse.Namespace, project: Project) -> Work:
    """Everything that can be refused before a board is started."""
    if args.min_accuracy is not None and not 0 <= args.min_accuracy <= 1:
        raise InputError(
            f"--min-accuracy {args.min_accuracy} is not within 0 to 1", hint="write 0.87 for 87 %"
        )
    path = candidates(project, args.model)[0]
    model = describe_model(path)
    split = dataset.load("test", args.data)
    selection = select(len(split.labels), args.images, args.limit, args.seed)
    out = args.out or project.state / "reports" / (args.target or "port")
    record.check_writable(out)
    return Work(path, model, split, selection, out, project.state / "oracles")


def _with_the_boards_model(work: Work, args: argparse.Namespace, project: Project, boards: Boards) -> Work:
    """The work with the file that the firmware was rendered from.

    Raises:
        LinkError: the board runs none of them.
    """
    identity = boards.sessions[0].identity
    assert identity is not None
    path = model_of(project, args.model, identity)
    return replace(work, path=path, model=describe_model(path))


def _stream_beside_oracles(
    args: argparse.Namespace, work: Work, boards: Boards, phases: Phases, stack: ExitStack
) -> tuple[Streamed, dict[str, oracle.OracleOutputs]]:
    identity = boards.sessions[0].identity
    assert identity is not None
    inputs = _inputs(work, identity)
    journal = Journal(work.out, _run_key(work, inputs, identity), resume=args.resume)
    stack.callback(journal.close)
    oracles = oracle.default_oracles(AOT_HOST)
    run_of_oracles = stack.enter_context(oracle.start(work.path, inputs.view(np.uint8), work.cache, oracles))
    with phases.phase("stream"):
        measurement = _measure(boards.sessions, inputs, journal)
    journal.close()
    with phases.phase("oracles after the stream"):
        try:
            outputs = run_of_oracles.result()
        except KeyboardInterrupt:
            print(f"what the board answered is kept in {work.out}; go on with --resume", file=sys.stderr)
            raise
    return Streamed(boards, identity, measurement, journal), outputs


def _run_key(work: Work, inputs: NDArray[np.int8], identity: Identity) -> RunKey:
    return RunKey(
        model=work.model.sha256,
        data=hashlib.sha256(inputs.tobytes()).hexdigest(),
        firmware=identity.build_id,
        target=identity.target,
        engine=identity.engine,
        kernels=identity.kernels,
        images=len(inputs),
        output_bytes=identity.output_bytes,
        tick_unit=UNITS[identity.tick_unit],
    )


def _inputs(work: Work, identity: Identity) -> NDArray[np.int8]:
    images = work.split.images[work.selection.indices]
    inputs = dataset.quantize(images, identity.input_scale, identity.input_zero_point)
    if inputs.shape[1] != identity.input_bytes:
        raise InputError(
            f"the model takes {identity.input_bytes} values, an image has {inputs.shape[1]}",
            hint="boardproof streams Fashion-MNIST: use a model with 28 x 28 inputs",
        )
    return inputs


def _measure(sessions: list[Session], inputs: NDArray[np.int8], journal: Journal) -> Measurement:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("streaming"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("streaming", total=len(inputs))
        fleet = Fleet(sessions, inputs, journal.add, lambda done: progress.update(task, completed=done))
        fleet.resume(journal.entries)
        return fleet.run()


def _report(
    work: Work,
    streamed: Streamed,
    oracles: dict[str, oracle.OracleOutputs],
    args: argparse.Namespace,
    phases: Phases,
) -> Report:
    identity, measurement = streamed.identity, streamed.measurement
    positions = np.flatnonzero(measurement.answered)
    selection = work.selection
    return build_record(
        model=work.model,
        target=record.Target(
            name=identity.target,
            engine=identity.engine,
            kernels=identity.kernels,
            core=identity.core,
            build_id=identity.build_id,
            emulated=identity.emulated,
            clock_hz=identity.clock_hz or None,
        ),
        images=Images(
            selection=record.Selection(
                requested=len(selection.indices),
                available=len(work.split.labels),
                images=args.images,
                seed=args.seed,
            ),
            indices=selection.indices,
            labels=work.split.labels[selection.indices],
            dataset=record.Dataset("Fashion-MNIST test set", work.split.sha256),
        ),
        measured=Measured(
            positions=positions,
            outputs=measurement.outputs[positions],
            ticks=measurement.ticks[positions],
            unit=UNITS[identity.tick_unit],
            reason=measurement.reason,
        ),
        oracles=oracles,
        reference=record.Reference(next(iter(oracles)), stand_in=next(iter(oracles)) != oracle.TFLM.name),
        footprint=replace(streamed.boards.footprint, arena_bytes=identity.ram_used),
        link=_link_use(streamed, args),
        circumstances=_circumstances(phases),
    )


def _link_use(streamed: Streamed, args: argparse.Namespace) -> LinkUse:
    sessions = streamed.boards.sessions
    plans = [cable.plan for cable in streamed.boards.cables if cable.plan is not None]
    return LinkUse(
        seconds=streamed.measurement.seconds,
        bytes_down=sum(session.counters.bytes_down for session in sessions),
        bytes_up=sum(session.counters.bytes_up for session in sessions),
        retransmits=sum(session.counters.retransmits for session in sessions),
        crc_errors=sum(session.damaged + session.counters.damaged_down for session in sessions),
        # The rate of an emulated line holds in emulated time only.
        baud=args.throttle or (0 if streamed.identity.emulated else streamed.identity.baud),
        payload_down=sum(session.counters.payload_down for session in sessions),
        faults=dict(sum((Counter(plan.counts) for plan in plans), Counter())) if plans else None,
    )


def _circumstances(phases: Phases) -> Circumstances:
    packages = {name: text for name in PACKAGES if (text := _version(name)) is not None}
    return Circumstances(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        boardproof=version("boardproof"),
        host=record.Host(
            os=f"{host_platform.system()} {host_platform.machine()}",
            python=host_platform.python_version(),
            packages=packages,
        ),
        timing=phases.seconds,
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _finish(result: Report, streamed: Streamed, work: Work, args: argparse.Namespace) -> int:
    measurement, boards = streamed.measurement, streamed.boards
    path = result.write(work.out / record.FILE_NAME)
    record.write_whole(work.out / "report.md", report.render_markdown(result))
    record.write_whole(work.out / "report.html", report.render_html(result))
    if measurement.reason is None or measurement.untrusted is not None:
        streamed.journal.discard()  # nothing to go on with, or nothing to be trusted
    if args.json:
        print(result.to_json(), end="")
    else:
        from rich.console import Console

        Console().print(report.render_terminal(result))
        print(f"record: {path}")
    for cable in boards.cables:
        if (story := cable.story()) is not None:
            print(story, file=sys.stderr)
    for port, error in measurement.failures.items():
        print(f"warning: {port} failed: {error.message}", file=sys.stderr)
    if measurement.untrusted is not None:
        raise measurement.untrusted
    failure = next(iter(measurement.failures.values()), None)
    if failure is not None and measurement.reason is not None and not measurement.interrupted:
        raise LinkError(
            f"{failure.message} (after {result.images} of {result.selection.requested} images; "
            f"the report so far is in {work.out}; go on with --resume)",
            hint=failure.hint,
        )
    return _exit_code(result, measurement, work, args)


def _exit_code(result: Report, measurement: Measurement, work: Work, args: argparse.Namespace) -> int:
    if measurement.interrupted:
        print(f"interrupted: the report so far is in {work.out}; go on with --resume", file=sys.stderr)
        return INTERRUPTED
    if VERDICTS.index(result.verdict) > VERDICTS.index(args.gate):
        print(f"below the gate: verdict {result.verdict}, wanted {args.gate}", file=sys.stderr)
        return ExitCode.DIVERGED
    reached = result.accuracy["device"]
    if args.min_accuracy is not None and (reached is None or reached < args.min_accuracy):
        print(f"below the gate: accuracy {reached}, wanted {args.min_accuracy}", file=sys.stderr)
        return ExitCode.DIVERGED
    return ExitCode.PROVEN
