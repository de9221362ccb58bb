"""Errors and exit codes of the command line: part of its interface, shared by export and host."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the `boardproof` process returns."""

    PROVEN = 0
    DIVERGED = 1  # the outputs differ, or a gate was missed
    USAGE = 2  # wrong arguments, or a file that cannot be used
    LINK = 3  # the link or the board failed
    ENVIRONMENT = 4  # a tool is missing, a build failed, there is no room, or boardproof itself is at fault
    INTERRUPTED = 130  # by Ctrl-C


class BoardproofError(Exception):
    """An error that the user can act on.

    Args:
        message: what is wrong, in one sentence that names the file, port or tool.
        hint: the next action, in one sentence or one command.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(BoardproofError):
    """A wrong argument, or a file that cannot be used (exit code 2)."""


class LinkError(BoardproofError):
    """The port, the link or the board failed (exit code 3)."""

    exit_code = ExitCode.LINK


class ToolMissingError(BoardproofError):
    """A tool or a package is missing on this machine (exit code 4)."""

    exit_code = ExitCode.ENVIRONMENT


class NoRoomError(BoardproofError):
    """A disk is full (exit code 4)."""

    exit_code = ExitCode.ENVIRONMENT
