"""`boardproof run`: stream the test images to a board, run the oracles beside it, compare, report."""

import argparse
import platform as host_platform
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from boardproof_export.manifest import dataset
from boardproof_export.manifest.errors import ExitCode, InputError, LinkError
from boardproof_export.manifest.project import Project, find_project
from numpy.typing import NDArray

from boardproof_host import oracle, platformio, record, report, targets
from boardproof_host.emulator import emulated_board
from boardproof_host.identity import Identity
from boardproof_host.measure import Measurement, measure
from boardproof_host.model_file import describe_model
from boardproof_host.protocol.messages import StatusAnswer, TickUnit
from boardproof_host.record import Report
from boardproof_host.record_builder import (
    Circumstances,
    Footprint,
    Images,
    LinkUse,
    Measured,
    build_record,
)
from boardproof_host.selection import Selection, select
from boardproof_host.session import Session
from boardproof_host.transport import SerialTransport

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
    """What the board said."""

    identity: Identity
    measurement: Measurement
    session: Session
    status: StatusAnswer | None = None


def run(args: argparse.Namespace) -> int:
    """Runs one measurement; returns the exit code that its report stands for."""
    phases = Phases()
    project = find_project()
    with phases.phase("prepare"):
        work = _prepare(args, project)
    with ExitStack() as stack:
        port, footprint = _board(args, project, stack, phases)
        streamed, oracles = _stream_beside_oracles(args, work, port, phases, stack)
    result = _report(work, streamed, oracles, footprint, args, phases)
    return _finish(result, streamed.measurement, work, args)


def _prepare(args: argparse.Namespace, project: Project) -> Work:
    """Everything that can be refused before a board is started."""
    if args.min_accuracy is not None and not 0 <= args.min_accuracy <= 1:
        raise InputError(
            f"--min-accuracy {args.min_accuracy} is not within 0 to 1", hint="write 0.87 for 87 %"
        )
    exported = project.generated / "model.tflite"
    path = args.model or (exported if exported.is_file() else project.reference_model)
    model = describe_model(path)
    split = dataset.load("test", args.data)
    selection = select(len(split.labels), args.images, args.limit, args.seed)
    out = args.out or project.state / "reports" / (args.target or "port")
    record.check_writable(out)
    return Work(path, model, split, selection, out, project.state / "oracles")


def _board(
    args: argparse.Namespace, project: Project, stack: ExitStack, phases: Phases
) -> tuple[str, Footprint]:
    """The port of the board: the one that was named, or that of an emulated board started for this run."""
    if args.port:
        return args.port, Footprint()
    target = targets.find_target(project, args.target)
    if not target.emulated:
        raise InputError(
            f"{target.name} is a real board: it has to be named by its port",
            hint=f"pio run -e {target.name} -t upload && boardproof run --port /dev/ttyACM0",
        )
    folder = platformio.build_folder(project, target.name)
    if not (folder / "build.json").is_file():
        with phases.phase("build"):
            platformio.build(project, target.name)
    built = platformio.build_record(folder)
    with phases.phase("start"):
        port = stack.enter_context(emulated_board(project, folder))
    return port, Footprint(flash_bytes=built.get("flash_bytes"), ram_bytes=built.get("ram_bytes"))


def _stream_beside_oracles(
    args: argparse.Namespace, work: Work, port: str, phases: Phases, stack: ExitStack
) -> tuple[Streamed, dict[str, oracle.OracleOutputs]]:
    transport = SerialTransport(port)
    stack.callback(transport.close)
    session = Session(transport, packed=not args.plain)
    with phases.phase("hello"):
        identity = session.hello()
    identity.check_model(work.model.sha256, str(work.path))
    inputs = _inputs(work, identity)
    run_of_oracles = stack.enter_context(oracle.start(work.path, inputs, work.cache))
    with phases.phase("stream"):
        measurement = _measure_with_progress(session, inputs)
    streamed = Streamed(identity, measurement, session)
    if measurement.failure is None and not measurement.interrupted:
        streamed.status = session.status()
    with phases.phase("oracles after the stream"):
        outputs = run_of_oracles.result()
    return streamed, outputs


def _inputs(work: Work, identity: Identity) -> NDArray[np.int8]:
    images = work.split.images[work.selection.indices]
    inputs = dataset.quantize(images, identity.input_scale, identity.input_zero_point)
    if inputs.shape[1] != identity.input_bytes:
        raise InputError(
            f"the model takes {identity.input_bytes} values, an image has {inputs.shape[1]}",
            hint="boardproof streams Fashion-MNIST: use a model with 28 x 28 inputs",
        )
    return inputs


def _measure_with_progress(session: Session, inputs: NDArray[np.int8]) -> Measurement:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("streaming"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("streaming", total=len(inputs))
        return measure(session, inputs, lambda done: progress.update(task, completed=done))


def _report(
    work: Work,
    streamed: Streamed,
    oracles: dict[str, oracle.OracleOutputs],
    footprint: Footprint,
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
            reason=None if measurement.complete else measurement.reason,
        ),
        oracles=oracles,
        reference=record.Reference(next(iter(oracles)), stand_in=next(iter(oracles)) != oracle.TFLM.name),
        footprint=Footprint(footprint.flash_bytes, footprint.ram_bytes, identity.ram_used),
        link=_link_use(streamed),
        circumstances=_circumstances(phases),
    )


def _link_use(streamed: Streamed) -> LinkUse:
    counters = streamed.session.counters
    board_damaged = streamed.status.damaged if streamed.status else 0
    return LinkUse(
        seconds=streamed.measurement.seconds,
        bytes_down=counters.bytes_down,
        bytes_up=counters.bytes_up,
        retransmits=counters.retransmits,
        crc_errors=streamed.session.damaged + board_damaged,
        baud=streamed.identity.baud,
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


def _finish(result: Report, measurement: Measurement, work: Work, args: argparse.Namespace) -> int:
    path = result.write(work.out / record.FILE_NAME)
    record.write_whole(work.out / "report.md", report.render_markdown(result))
    record.write_whole(work.out / "report.html", report.render_html(result))
    if args.json:
        print(result.to_json(), end="")
    else:
        from rich.console import Console

        Console().print(report.render_terminal(result))
        print(f"record: {path}")
    if measurement.failure is not None:
        raise LinkError(
            f"{measurement.failure.message} (after {result.images} of {result.selection.requested} images; "
            f"the report so far is in {work.out})",
            hint=measurement.failure.hint,
        )
    return _exit_code(result, measurement, args)


def _exit_code(result: Report, measurement: Measurement, args: argparse.Namespace) -> int:
    if measurement.interrupted:
        print(f"interrupted: the report so far is in {args.out or 'the reports folder'}", file=sys.stderr)
        return INTERRUPTED
    if VERDICTS.index(result.verdict) > VERDICTS.index(args.gate):
        print(f"below the gate: verdict {result.verdict}, wanted {args.gate}", file=sys.stderr)
        return ExitCode.DIVERGED
    reached = result.accuracy["device"]
    if args.min_accuracy is not None and (reached is None or reached < args.min_accuracy):
        print(f"below the gate: accuracy {reached}, wanted {args.min_accuracy}", file=sys.stderr)
        return ExitCode.DIVERGED
    return ExitCode.PROVEN
