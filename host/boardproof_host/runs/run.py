"""A run: stream a data source to boards, run the oracles beside them, compare, and keep the record."""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import BoardproofError, ExitCode, LinkError
from boardproof_export.shared.model import read_graph
from boardproof_export.shared.project import Project, state_folder
from boardproof_host import oracles, report
from boardproof_host.boards.open import Boards, check, expected_model, open_boards
from boardproof_host.boards.which_model import describe_model
from boardproof_host.link.disturbance.cable import stories
from boardproof_host.link.handshake import Identity
from boardproof_host.link.refusals import OperatorError
from boardproof_host.oracles import NoOutputs, OracleOutputs
from boardproof_host.record import facts, file, store
from boardproof_host.record.build import build_record, failed
from boardproof_host.record.journal import Entry, Journal, Leg, RunKey
from boardproof_host.record.schema import Model, Reference, Report, Target
from boardproof_host.record.store import Store
from boardproof_host.runs import data, sequences
from boardproof_host.runs.circumstances import UNITS, Phases, circumstances, target_of
from boardproof_host.runs.data import Work
from boardproof_host.runs.insides import with_insides
from boardproof_host.runs.legs import leg_so_far, link_use
from boardproof_host.runs.listener import Listener, Silent
from boardproof_host.runs.options import RunOptions
from boardproof_host.runs.stream import Fleet, Measurement

REPORTS = "reports"
REFERENCE_SECONDS = 10.0  # that a run waits for the reference to take the model


@dataclass(frozen=True)
class Finished:
    """A run that has a record."""

    report: Report
    folder: Path
    stories: tuple[str, ...] = ()  # what was put in on purpose, and how to see it again
    failures: tuple[str, ...] = ()  # of boards whose work others took over


@dataclass
class _Known:
    """What is known of a run so far, for a record of its failure."""

    model: Model | None = None
    target: Target | None = None
    folder: Path | None = None
    work: Work | None = None


def run(
    options: RunOptions,
    project: Project | None,
    listener: Listener | None = None,
    command: Sequence[str] = (),
) -> Finished:
    """Runs one measurement and keeps its record, also where it fails once boards are asked for.

    Args:
        project: the checkout; None outside of one, where only boards that are there can be measured.
        command: the command line, for the record.

    Raises:
        BoardproofError: nothing was measured; the record says why.
    """
    listener = listener or Silent()
    phases = Phases()
    with phases.phase("prepare"):
        check(options.board, project)
        oracles.check_installed(oracles.default_oracles(oracles.AOT_HOST))
        model = expected_model(options.board, project)
        work = None
        if options.images.source.data is not None or model is not None:
            work = data.work(options.images, None if model is None else describe_model(model))
        if options.images.stateful:
            sequences.check(options.board, model)
        if options.out is not None:
            file.check_writable(options.out)
    kept = Store(state_folder(project) / REPORTS)
    known = _Known(work=work)
    try:
        with ExitStack() as stack:
            return _run(options, project, kept, known, phases, listener, command, stack)
    except (BoardproofError, KeyboardInterrupt) as error:
        _keep_failure(error, options, kept, known, phases, command)
        raise


def _run(
    options: RunOptions,
    project: Project | None,
    kept: Store,
    known: _Known,
    phases: Phases,
    listener: Listener,
    command: Sequence[str],
    stack: ExitStack,
) -> Finished:
    with phases.phase("start"):
        boards = open_boards(options.board, project, stack)
    identity = boards.identity
    known.target, known.model = target_of(identity), describe_model(boards.model)
    work = known.work = known.work or data.work(options.images, known.model)
    data.check(work, known.model)
    if options.images.stateful:
        sequences.keep_state(boards)
    inputs = work.source.rows(known.model.inputs, work.chosen.indices)
    for note in data.notes(work, known.model):
        listener.note(note)
    folder = _folder(options, kept, identity.target)
    known.folder = folder
    stateful = options.images.stateful
    key = replace(_run_key(known.model, inputs, identity), stateful=stateful)
    journal = Journal(folder, key, resume=options.resume)
    stack.callback(journal.close)
    chosen_oracles = oracles.default_oracles(oracles.AOT_HOST)
    cache = state_folder(project) / "oracles"
    started = oracles.start(boards.model, inputs, cache, chosen_oracles, stateful=stateful)
    beside = stack.enter_context(started)
    beside.check(REFERENCE_SECONDS)  # without a reference there is no verdict: not after 10,000 images
    with phases.phase("stream"), listener.streaming(len(inputs)):
        measurement = _measure(boards, inputs, journal, listener, stateful=stateful)
    leg = leg_so_far(boards.sessions, measurement.seconds, inputs.shape[1])
    journal.close()
    known.folder = None if _answered(measurement) else folder
    with phases.phase("oracles after the stream"):
        outputs = beside.result()
    circumstance = circumstances(phases, command)
    result = _build(
        options, known, boards, inputs, measurement, journal, leg, outputs, beside.failed, circumstance
    )
    result = with_insides(
        result, boards, options.board.link, work, inputs, measurement, state_folder(project)
    )
    if measurement.untrusted is not None or measurement.reason is None:
        journal.discard()  # nothing to be trusted, or nothing to go on with
    _keep(kept, folder, result)
    for note in _notes(measurement, journal):
        listener.note(note)
    failures = tuple(f"{port}: {error.message}" for port, error in measurement.failures.items())
    return Finished(result, folder, stories(boards.cables), failures)


def _answered(measurement: Measurement) -> bool:
    return bool(measurement.answered.any())


def _folder(options: RunOptions, kept: Store, target: str) -> Path:
    if options.out is not None:
        return options.out
    return kept.unfinished(target) if options.resume else kept.new_folder(target)


def _run_key(model: Model, inputs: NDArray[np.uint8], identity: Identity) -> RunKey:
    return RunKey(
        model=model.sha256,
        data=hashlib.sha256(inputs.tobytes()).hexdigest(),
        firmware=identity.build_id,
        target=identity.target,
        engine=identity.engine,
        kernels=identity.kernels,
        images=len(inputs),
        output_bytes=identity.output_bytes,
        tick_unit=UNITS[identity.tick_unit],
    )


def _measure(
    boards: Boards, inputs: NDArray[np.uint8], journal: Journal, listener: Listener, *, stateful: bool
) -> Measurement:
    def leg() -> Leg:
        return leg_so_far(boards.sessions, fleet.seconds, inputs.shape[1])

    def keep(entry: Entry) -> None:
        journal.add(entry, leg)

    def stopping() -> None:
        listener.step("interrupted", "keeping what was measured")

    fleet = Fleet(boards.sessions, inputs, keep, listener.progress, stopping, stateful=stateful)
    fleet.resume(journal.entries)
    result = fleet.run()
    for port, error in result.failures.items():
        if isinstance(error, OperatorError):
            result.failures[port] = error.named(_operator(boards.model, error.op), str(boards.model))
    if not _answered(result) and result.failures:
        raise next(iter(result.failures.values()))
    return result


def _operator(model: Path, index: int) -> str:
    ops = read_graph(model).ops
    return ops[index].code if index < len(ops) else "unknown"


def _build(
    options: RunOptions,
    known: _Known,
    boards: Boards,
    inputs: NDArray[np.uint8],
    measurement: Measurement,
    journal: Journal,
    leg: Leg,
    outputs: dict[str, OracleOutputs],
    not_run: dict[str, NoOutputs],
    circumstance: facts.Circumstances,
) -> Report:
    assert known.model is not None and known.target is not None and known.work is not None
    work = known.work
    identity, positions = boards.identity, np.flatnonzero(measurement.answered)
    reference = next(iter(outputs.values())).oracle
    labels = work.source.labels
    link = link_use(boards, journal.earlier, leg, options.board.link.throttle)
    if options.images.stateful:
        link = replace(link, confirmed=leg.confirmed)  # this leg has computed what the earlier ones had, too
    return build_record(
        model=known.model,
        target=known.target,
        images=facts.Images(
            selection=work.selection,
            indices=work.chosen.indices,
            labels=None
            if labels is None or work.source.meaning != "classes"
            else labels[work.chosen.indices],
            dataset=work.dataset,
            truth=None if labels is None else labels[work.chosen.indices],
            inputs=inputs,
        ),
        measured=facts.Measured(
            positions=positions,
            outputs=measurement.outputs[positions],
            ticks=measurement.ticks[positions],
            unit=UNITS[identity.tick_unit],
            resumed=measurement.resumed,
            legs=len(journal.earlier) + 1 if measurement.resumed else 1,
            interrupted=measurement.interrupted,
            untrusted=measurement.untrusted is not None,
            reason=measurement.reason,
        ),
        oracles={name: _facts(one) for name, one in outputs.items()},
        reference=Reference(
            oracle=reference.name,
            stand_in=reference.name != oracles.TFLM.name,
            own_oracle=oracles.is_itself(reference, identity.engine, identity.core),
        ),
        footprint=replace(boards.footprint, arena_bytes=identity.ram_used),
        link=link,
        circumstances=circumstance,
        gates=options.gates,
        not_run={name: one.reason for name, one in not_run.items()},
        advice=_advice(measurement),
    )


def _facts(one: OracleOutputs) -> facts.OracleFacts:
    return facts.OracleFacts(
        one.outputs, one.version, str(one.oracle.rounding), one.seconds, cached=one.cached
    )


def _advice(measurement: Measurement) -> str | None:
    if measurement.untrusted is not None:
        return measurement.untrusted.hint
    failure = next(iter(measurement.failures.values()), None)
    return None if failure is None or measurement.complete else failure.hint


def _notes(measurement: Measurement, journal: Journal) -> list[str]:
    notes = [
        f"{port}: the board could not confirm its answers at the end: {error.message}"
        for port, error in measurement.unconfirmed.items()
    ]
    if journal.failed is not None:
        notes.append(
            f"the journal could not be kept ({journal.failed.strerror}): this run could not be resumed"
        )
    return notes


def _keep(kept: Store, folder: Path, result: Report) -> None:
    """Writes the record with its renderings, and has `latest` be it."""
    renderings = {"report.md": report.render_markdown(result), "report.html": report.render_html(result)}
    store.write_all(folder, result, renderings)
    kept.point_to(folder)


def _keep_failure(
    error: BoardproofError | KeyboardInterrupt,
    options: RunOptions,
    kept: Store,
    known: _Known,
    phases: Phases,
    command: Sequence[str],
) -> None:
    """Writes the record of a run that measured nothing; what already has a record keeps it."""
    if isinstance(error, BoardproofError):
        message, hint, code = error.message, error.hint, error.exit_code
    else:
        message, hint, code = "interrupted", "run again", ExitCode.INTERRUPTED
    asked = options.board.target or "port"
    try:
        folder = options.out or known.folder
        if folder is None:
            folder = kept.new_folder(known.target.name if known.target else asked)
        if (folder / file.FILE_NAME).is_file() and options.resume:
            return  # of the legs before: it stands
        result = failed(
            message,
            hint,
            code,
            circumstances(phases, command),
            model=known.model,
            target=known.target,
            dataset=None if known.work is None else known.work.dataset,
            selection=None if known.work is None else known.work.selection,
        )
        _keep(kept, folder, result)
    except BoardproofError:
        return  # there is no room for it, either: the first error is the one to tell


def failure_of(finished: Finished) -> LinkError | None:
    """The error of a run that was cut short by the link or a board, for who wants an exception."""
    result = finished.report
    if result.outcome != "incomplete" or result.measured is None or result.selection is None:
        return None
    return LinkError(
        f"{result.reason} (after {result.measured.images} of {result.selection.requested} images)",
        hint=result.next or "go on with --resume",
    )
