"""The boards of a run: emulated ones that are started for it, or real ones behind ports."""

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from boardproof_export.shared.errors import BoardproofError, InputError, LinkError
from boardproof_export.shared.project import Project
from boardproof_host.boards import build as builds
from boardproof_host.boards import native, targets
from boardproof_host.boards.options import BoardOptions, LinkOptions
from boardproof_host.boards.processes import BoardProcess, emulated_board, native_board, virtual_board
from boardproof_host.boards.which_model import check_runs, default_model, model_of
from boardproof_host.link.disturbance.cable import Cable, cable_for
from boardproof_host.link.handshake import Identity
from boardproof_host.link.session import Session
from boardproof_host.link.timeouts import Patience
from boardproof_host.link.transport import Transport
from boardproof_host.ports import advice
from boardproof_host.ports.find import AUTO, find_board
from boardproof_host.ports.find_again import reopener
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.record.facts import Footprint

FAST_RATES = (921600, 460800, 230400)
MIN_RATE, MAX_RATE = 300, 20_000_000
MOST_PATIENCE = 86_400  # a day


@dataclass(frozen=True)
class Boards:
    """Sessions with identical boards, hello said, their cables, what their firmware takes, and its model."""

    sessions: list[Session]
    cables: list[Cable]
    footprint: Footprint
    model: Path

    @property
    def identity(self) -> Identity:
        """Of all of them."""
        identity = self.sessions[0].identity
        assert identity is not None
        return identity


def check(options: BoardOptions, project: Project | None) -> None:
    """Refuses what can be refused before anything is built or opened.

    Raises:
        InputError: the target does not exist or is a real board, or an option makes no sense.
    """
    _rates(options.link.baud)
    if options.link.throttle is not None and options.link.throttle <= 0:
        raise InputError(
            f"--throttle {options.link.throttle} is no line rate", hint="give a rate such as 921600"
        )
    if options.link.patience is not None and not 0 < options.link.patience <= MOST_PATIENCE:
        raise InputError(
            f"--patience {options.link.patience:g} is not a time from 0 to {MOST_PATIENCE:,} s",
            hint="give seconds, such as 30",
        )
    if options.boards < 1:
        raise InputError(f"--boards {options.boards} leaves no board", hint="give 1 or more")
    if len(set(options.ports)) < len(options.ports):
        raise InputError("a port is named twice", hint="give --port once a board")
    if not options.ports:
        targets.check_starts(_target(options, project))


def _target(options: BoardOptions, project: Project | None) -> targets.Target:
    if options.target == targets.VIRTUAL.name:
        return targets.VIRTUAL
    if project is None:
        raise InputError(
            f"the target {options.target!r} needs a checkout of boardproof to be built in",
            hint="run inside a checkout or set BOARDPROOF_PROJECT; a board that is there is named with --port",
        )
    return targets.find_target(project, options.target or targets.DEFAULT)


def expected_model(options: BoardOptions, project: Project | None) -> Path | None:
    """The file that the boards will run, where that is known before they are asked."""
    if options.model is not None or options.ports or project is None:
        return options.model
    return default_model(project, _target(options, project))


def open_boards(options: BoardOptions, project: Project | None, stack: ExitStack) -> Boards:
    """Builds and starts, or opens, the boards; `stack` ends and closes them.

    Raises:
        InputError: the target does not exist, is a real board that needs a port, or cannot run the model.
        LinkError: a board does not start or answer, or the boards are not the same.
    """
    check(options, project)
    if options.ports:
        return _over_ports(options, project, stack)
    target = _target(options, project)
    if target == targets.VIRTUAL:
        model = options.model or (None if project is None else default_model(project, target))
        if model is None:
            raise InputError(
                "which model shall the virtual board run?", hint="name a .tflite file with --model"
            )
        check_runs(target, model)
        return _started(options, stack, [virtual_board(model) for _ in range(options.boards)], None, model)
    assert project is not None
    if target == targets.NATIVE:
        built = native.build(project, options.model or default_model(project, target))
        boards = [native_board(built.folder) for _ in range(options.boards)]
    else:
        builds.require_emulator(target)
        built = builds.build(project, target, options.model, verbose=options.verbose)
        boards = [emulated_board(project, built.folder) for _ in range(options.boards)]
    return _started(options, stack, boards, built, built.model)


def _started(
    options: BoardOptions,
    stack: ExitStack,
    processes: list[BoardProcess],
    built: builds.Build | None,
    model: Path,
) -> Boards:
    cables = _cables(options.link, len(processes))
    sessions = []
    for process, cable in zip(processes, cables, strict=True):
        port = stack.enter_context(process)
        # A cable that is cut may be plugged in again; an emulator's own port does not come back.
        sessions.append(_session(port, options.link, stack, cable, process, reopens=cable.plan is not None))
    first = _hello(sessions, "the boards differ: build them anew")
    if built is None:
        return Boards(sessions, cables, Footprint(), model)
    if first.build_id != built.build_id:
        raise LinkError(
            f"the board runs build {first.build_id}, and {built.build_id} was built: another program was started",
            hint=f"delete {built.folder} and run again",
        )
    return Boards(sessions, cables, Footprint(built.flash_bytes, built.ram_bytes), model)


def _over_ports(options: BoardOptions, project: Project | None, stack: ExitStack) -> Boards:
    cables = _cables(options.link, len(options.ports))
    emulators = None if project is None else project.emulators
    sessions = [
        _session(
            find_board(emulators) if port == AUTO else port, options.link, stack, cable, None, reopens=True
        )
        for port, cable in zip(options.ports, cables, strict=True)
    ]
    first = _hello(sessions, "flash both with one firmware")
    for session in sessions:
        _raise_baud(session, options.link.baud)
    built = None if project is None else builds.find_build(project, first.target, first.build_id)
    footprint = Footprint() if built is None else Footprint(built.flash_bytes, built.ram_bytes)
    return Boards(sessions, cables, footprint, model_of(project, options.model, first))


def _hello(sessions: list[Session], hint: str) -> Identity:
    first = sessions[0].hello()
    for session in sessions[1:]:
        name, other = session.transport.name, sessions[0].transport.name
        session.hello().check_same(first, f"{name}, next to {other},", hint)
    return first


def _cables(link: LinkOptions, count: int) -> list[Cable]:
    return [cable_for(link.throttle, link.faults, link.fault_seed, number) for number in range(count)]


def _session(
    port: str,
    link: LinkOptions,
    stack: ExitStack,
    cable: Cable,
    process: BoardProcess | None,
    *,
    reopens: bool,
) -> Session:
    def open_port(name: str) -> Transport:
        return cable.over(SerialTransport(name))

    def gone() -> BoardproofError | None:
        return None if process is None else process.ended()

    session = Session(
        open_port(port),
        patience=Patience(silence=link.patience),
        packed=link.packed,
        reopen=reopener(port, open_port=open_port) if reopens else None,
        advice=advice.silence,
        gone=gone,
    )
    stack.callback(lambda: session.transport.close())  # the one it has at the end
    return session


def _raise_baud(session: Session, wanted: str) -> None:
    rates = _rates(wanted)
    if rates and session.raise_baud(rates) is None and wanted != "auto":
        print(
            f"warning: {session.transport.name} stays at its safe rate: --baud {wanted} was not possible",
            file=sys.stderr,
        )


def _rates(baud: str) -> tuple[int, ...]:
    """The rates to try, the first first; none for the one that every board has."""
    if baud in ("auto", "safe"):
        return FAST_RATES if baud == "auto" else ()
    if not baud.isascii() or not baud.isdecimal() or not MIN_RATE <= int(baud) <= MAX_RATE:
        raise InputError(
            f"--baud {baud} is no rate from {MIN_RATE} to {MAX_RATE}",
            hint="write auto, safe, or a rate such as 921600",
        )
    return (int(baud),)
