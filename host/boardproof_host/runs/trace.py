"""A trace: single images operator by operator, on the board and in TensorFlow Lite Micro beside it.

The reference is a virtual board of its own, asked the same questions: a model that crashes the interpreter takes down
that process and not this one.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from boardproof_export.shared.errors import InputError, LinkError
from boardproof_export.shared.model import read_graph
from boardproof_export.shared.project import Project, state_folder
from boardproof_export.shared.sources import DataSource
from boardproof_export.shared.sources.opening import open_source
from boardproof_host.boards.open import check, open_boards
from boardproof_host.boards.processes import virtual_board
from boardproof_host.boards.which_model import describe_graph
from boardproof_host.link.handshake import Identity
from boardproof_host.link.session import Session
from boardproof_host.oracles.edges import Edges
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.protocol.messages import Feature
from boardproof_host.record.store import Store
from boardproof_host.runs import layers, suspects
from boardproof_host.runs.data import for_model
from boardproof_host.runs.mistakes import explained
from boardproof_host.runs.options import TraceOptions
from boardproof_host.runs.pair import Pair
from boardproof_host.runs.run import REPORTS
from boardproof_host.runs.suspects import Suspects
from boardproof_host.runs.trace_record import Trace, build_trace


def trace(
    options: TraceOptions, project: Project | None, tell: Callable[[str], None] = lambda _: None
) -> Trace:
    """Traces the images that the options ask for.

    Args:
        tell: takes a line about what is being done.

    Raises:
        InputError: the model, the data or the report cannot be used, or the data do not fit the model.
        LinkError: the board cannot be opened, cannot profile, or answers with something else.
        ToolMissingError: `tflite-micro` is not installed.
    """
    check(options.board, project)
    named = None if options.source.data is None else open_source(options.source)
    wanted = options.board.model
    graph = None if wanted is None else read_graph(wanted)
    if named is not None and graph is not None and wanted is not None:
        # Before the board is asked: it refuses an input of another size in words that lead elsewhere.
        named.rows(Edges.of(graph, wanted).inputs, np.arange(1))
    with ExitStack() as stack:
        tell("opening the board")
        boards = open_boards(replace(options.board, boards=1), project, stack)
        session, path = boards.sessions[0], boards.model
        if graph is None or path != wanted:
            graph = read_graph(path)
        model = describe_graph(graph, path)
        source = named or for_model(options.source, model)
        identity = profiling(session)
        chosen = _suspects(options, project, graph.sha256, identity.target, source)
        rows = source.rows(model.inputs, np.array(chosen.images))
        tell(f"looking at {chosen.words}")
        pair = Pair(session, _reference(path, stack), graph, options.board.link.patience)
        pairs = zip(chosen.images, rows, strict=True)
        profiled = [pair.profile(image, row.tobytes()) for image, row in pairs]
        differing = pair.values(profiled)
        meant = [explained(pair, found, profiled, differing) for found in layers.diagnoses(graph, differing)]
    return build_trace(path.name, graph, identity, chosen, profiled, differing, meant)


def profiling(session: Session) -> Identity:
    """The identity of a board that can profile.

    Raises:
        LinkError: it cannot.
    """
    identity = session.identity
    assert identity is not None
    if not identity.features & Feature.PROFILE:
        raise LinkError(
            f"the board ({identity.target}) cannot profile: its firmware keeps no operator's output",
            hint="use a target whose firmware can",
        )
    return identity


def _suspects(
    options: TraceOptions, project: Project | None, model_sha256: str, target: str, source: DataSource
) -> Suspects:
    if options.images:
        return suspects.named(options.images, len(source))
    if options.report is not None:
        report = suspects.read_report(options.report, model_sha256, source.sha256)
        return suspects.of_report(options.report, report, options.worst)
    found = suspects.latest_report(
        Store(state_folder(project) / REPORTS), target, model_sha256, source.sha256
    )
    return suspects.of_report(*found, options.worst) if found else suspects.unknown(target)


def _reference(path: Path, stack: ExitStack) -> Session:
    port = stack.enter_context(virtual_board(path))
    transport = SerialTransport(port)
    stack.callback(transport.close)
    session = Session(transport)
    if not session.hello().features & Feature.PROFILE:
        raise InputError(f"{path} is too large to keep every operator's output", hint="trace a smaller model")
    return session
