"""The boards of a run: emulated ones that are started for it, or real ones behind ports."""

import argparse
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from boardproof_export.manifest.errors import InputError
from boardproof_export.manifest.project import Project
from boardproof_host import platformio, targets
from boardproof_host.cable import Cable, cable_for
from boardproof_host.emulator import emulated_board, virtual_board
from boardproof_host.identity import Identity
from boardproof_host.ports import AUTO, find_board
from boardproof_host.record_builder import Footprint
from boardproof_host.reopen import reopener
from boardproof_host.session import Session
from boardproof_host.transport import SerialTransport, Transport

FAST_RATES = (921600, 460800, 230400)


@dataclass(frozen=True)
class Boards:
    """Sessions with identical boards, hello said, their cables, and what their firmware takes."""

    sessions: list[Session]
    cables: list[Cable]
    footprint: Footprint


def open_boards(args: argparse.Namespace, project: Project, stack: ExitStack, model: Path) -> Boards:
    """Starts or opens the boards that the arguments name; `stack` ends and closes them.

    Args:
        model: what a virtual board runs; all others have theirs in the firmware.

    Raises:
        InputError: the target does not exist, or is a real board that needs a port.
        LinkError: a board does not start or answer, or the boards are not the same.
    """
    if args.port:
        cables = [cable_for(args, number) for number in range(len(args.port))]
        sessions = [
            _over_port(_found(port, project), args, stack, cable)
            for port, cable in zip(args.port, cables, strict=True)
        ]
    else:
        cables = [cable_for(args, number) for number in range(args.boards)]
        sessions = _started(args, project, stack, model, cables)
    first = sessions[0].hello()
    for session in sessions[1:]:
        session.hello().check_same(first)
    footprint = _footprint(project, first)
    if args.port and args.baud != "safe":
        for session in sessions:
            session.raise_baud(_rates(args.baud))
    return Boards(sessions, cables, footprint)


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
    if baud == "auto":
        return FAST_RATES
    try:
        return (int(baud),)
    except ValueError as error:
        raise InputError(
            f"--baud {baud} is no rate", hint="write auto, safe, or a rate such as 921600"
        ) from error


def _found(port: str, project: Project) -> str:
    return find_board(project.build) if port == AUTO else port


def _over_port(port: str, args: argparse.Namespace, stack: ExitStack, cable: Cable) -> Session:
    def open_port(name: str) -> Transport:
        return cable.over(SerialTransport(name))

    session = Session(open_port(port), packed=not args.plain, reopen=reopener(port, open_port=open_port))
    stack.callback(lambda: session.transport.close())  # the one it has at the end
    return session


def _started(
    args: argparse.Namespace, project: Project, stack: ExitStack, model: Path, cables: list[Cable]
) -> list[Session]:
    target = targets.find_target(project, args.target)
    if not target.emulated:
        raise InputError(
            f"{target.name} is a real board: it has to be named by its port",
            hint=f"pio run -e {target.name} -t upload && boardproof run --port /dev/ttyACM0",
        )
    if args.boards < 1:
        raise InputError(f"--boards {args.boards} leaves no board", hint="give 1 or more")
    boards: list[AbstractContextManager[str]]
    if target.virtual:
        boards = [virtual_board(model) for _ in range(args.boards)]
    else:
        folder = platformio.build_folder(project, target.name)
        if not (folder / "build.json").is_file():
            platformio.build(project, target.name)
        boards = [emulated_board(project, folder) for _ in range(args.boards)]
    return [_over_process(board, args, stack, cable) for board, cable in zip(boards, cables, strict=True)]


def _over_process(
    board: AbstractContextManager[str], args: argparse.Namespace, stack: ExitStack, cable: Cable
) -> Session:
    port = stack.enter_context(board)
    if cable.plan is not None:
        return _over_port(port, args, stack, cable)  # a cable that is cut may be plugged in again
    transport = cable.over(SerialTransport(port))
    stack.callback(transport.close)
    return Session(transport, packed=not args.plain)
