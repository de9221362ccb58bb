"""The boards of a run: emulated ones that are started for it, or real ones behind ports."""

import sys
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.project import Project
from boardproof_host.boards import build as platformio
from boardproof_host.boards import targets
from boardproof_host.boards.options import BoardOptions, LinkOptions
from boardproof_host.boards.processes import emulated_board, virtual_board
from boardproof_host.boards.which_model import candidates, model_of
from boardproof_host.link.disturbance.cable import Cable, cable_for
from boardproof_host.link.handshake import Identity
from boardproof_host.link.session import Session
from boardproof_host.link.timeouts import Patience
from boardproof_host.link.transport import Transport
from boardproof_host.ports.find import AUTO, find_board
from boardproof_host.ports.find_again import reopener
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.record.facts import Footprint

FAST_RATES = (921600, 460800, 230400)
MIN_RATE, MAX_RATE = 300, 20_000_000


@dataclass(frozen=True)
class Boards:
    """Sessions with identical boards, hello said, their cables, what their firmware takes, and the model in it."""

    sessions: list[Session]
    cables: list[Cable]
    footprint: Footprint
    model: Path


def open_boards(options: BoardOptions, project: Project, stack: ExitStack) -> Boards:
    """Builds and starts, or opens, the boards that the options name; `stack` ends and closes them.

    Raises:
        InputError: the target does not exist, or is a real board that needs a port.
        LinkError: a board does not start or answer, runs another model, or the boards are not the same.
    """
    link = options.link
    rates = _rates(link.baud)
    if len(set(options.ports)) < len(options.ports):
        raise InputError("a port is named twice", hint="give --port once a board")
    many = len(options.ports) or options.boards
    cables = [cable_for(link.throttle, link.faults, link.fault_seed, number) for number in range(many)]
    if options.ports:
        sessions = [
            _over_port(_found(port, project), link, stack, cable)
            for port, cable in zip(options.ports, cables, strict=True)
        ]
    else:
        sessions = _started(options, project, stack, cables)
    first = sessions[0].hello()
    for session in sessions[1:]:
        name, other = session.transport.name, sessions[0].transport.name
        session.hello().check_same(first, f"{name}, next to {other},", "flash both with one firmware")
    if options.ports:
        for session in sessions:
            _raise_baud(session, link.baud, rates)
    return Boards(sessions, cables, _footprint(project, first), model_of(project, options.model, first))


def _raise_baud(session: Session, wanted: str, rates: tuple[int, ...]) -> None:
    if rates and session.raise_baud(rates) is None and wanted != "auto":
        print(
            f"warning: {session.transport.name} stays at its safe rate: --baud {wanted} was not possible",
            file=sys.stderr,
        )


def _footprint(project: Project, identity: Identity) -> Footprint:
    """What the build takes that the board says it runs; not known where it was built elsewhere, or has changed."""
    try:
        built = platformio.build_record(platformio.build_folder(project, identity.target))
    except InputError:
        return Footprint()
    if built.get("build_id") != identity.build_id:
        return Footprint()
    return Footprint(flash_bytes=built.get("flash_bytes"), ram_bytes=built.get("ram_bytes"))


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


def _found(port: str, project: Project) -> str:
    return find_board(project.emulators) if port == AUTO else port


def _over_port(port: str, link: LinkOptions, stack: ExitStack, cable: Cable) -> Session:
    def open_port(name: str) -> Transport:
        return cable.over(SerialTransport(name))

    session = Session(
        open_port(port),
        Patience(silence=link.patience),
        packed=link.packed,
        reopen=reopener(port, open_port=open_port),
    )
    stack.callback(lambda: session.transport.close())  # the one it has at the end
    return session


def _started(options: BoardOptions, project: Project, stack: ExitStack, cables: list[Cable]) -> list[Session]:
    target = targets.find_target(project, options.target or "")
    targets.check_starts(target)
    if options.boards < 1:
        raise InputError(f"--boards {options.boards} leaves no board", hint="give 1 or more")
    boards: list[AbstractContextManager[str]]
    if target.virtual:
        model = candidates(project, options.model)[0]
        boards = [virtual_board(model) for _ in cables]
    else:
        platformio.build(project, target)  # what is measured is what the sources say
        folder = platformio.build_folder(project, target.name)
        boards = [emulated_board(project, folder) for _ in cables]
    return [
        _over_process(board, options.link, stack, cable) for board, cable in zip(boards, cables, strict=True)
    ]


def _over_process(
    board: AbstractContextManager[str], link: LinkOptions, stack: ExitStack, cable: Cable
) -> Session:
    port = stack.enter_context(board)
    if cable.plan is not None:
        return _over_port(port, link, stack, cable)  # a cable that is cut may be plugged in again
    transport = cable.over(SerialTransport(port))
    stack.callback(transport.close)
    return Session(transport, Patience(silence=link.patience), packed=link.packed)
