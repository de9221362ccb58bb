"""What is wrong with a board or its link, in words, and what to do about it."""

import shlex
from collections.abc import Callable

from boardproof_export.shared.errors import BoardproofError, InputError, LinkError
from boardproof_host.link.translated import cause
from boardproof_host.protocol import messages
from boardproof_host.protocol.messages import ErrorCode

FLASH = "build the firmware and flash it again: boardproof flash --target TARGET"


class NoAnswerError(LinkError):
    """The port is open, and nothing there speaks the protocol."""


class StalledError(LinkError):
    """The pipe is there and takes no more bytes."""


class DigestError(LinkError):
    """The board's digest over its answers is not the host's: some answer is not what it computed."""


class SessionLostError(LinkError):
    """The board restarted since hello."""


class StateLostError(LinkError):
    """The board was lost within a sequence, and the model's state with it. The session has begun anew."""

    def __init__(self) -> None:
        super().__init__(
            "the board was lost within a sequence, and the model's state with it",
            hint="check its power supply and the cable; go on with --resume, which begins the sequence again",
        )


class OperatorError(LinkError):
    """An operator of the model failed on the board. Who knows the model's file may name it."""

    def __init__(self, op: int) -> None:
        super().__init__(
            f"operator {op} of the model failed on the board",
            hint="boardproof inspect names it",
        )
        self.op = op

    def named(self, name: str, path: str) -> LinkError:
        """The same, of a file that is known."""
        return LinkError(
            f"operator {self.op} ({name}) of {path} failed on the board",
            hint=f"see what it is given: boardproof inspect {shlex.quote(path)}",
        )


Advice = Callable[[str], str | None]  # from a pipe's name to what else may be the matter there


def no_answer(name: str, foreign: bytes = b"", advice: Advice | None = None) -> NoAnswerError:
    """The error for an open pipe without a board that answers; `foreign` is what it said instead."""
    hint = "flash the firmware (pio run -t upload), check the port (boardproof ports), press reset"
    translation = cause(foreign)
    if translation is not None:
        return NoAnswerError(
            f"the board at {name} answers, and something on the way changes its bytes: {translation}",
            hint="use a line that carries all bytes as they are: raw mode, 8 bits, no flow control, no telnet",
        )
    more = advice(name) if advice is not None else None
    heard = f"; it sent something else: {foreign[-80:]!r}" if foreign else ""
    return NoAnswerError(
        f"no answer from a boardproof board at {name}{heard}", hint=f"{hint}; {more}" if more else hint
    )


def refused_by_board(error: messages.Error) -> BoardproofError:
    """The exception for an error that the board answered with."""
    a, b = error.detail_a, error.detail_b
    texts: dict[int, tuple[str, str]] = {
        ErrorCode.UNKNOWN_TYPE: (f"the board does not know messages of type {a:#04x}", FLASH),
        ErrorCode.BAD_LENGTH: (f"the board expected {a} bytes and got {b}", FLASH),
        ErrorCode.BAD_PAYLOAD: ("the board could not unpack an input, or has no such operator", FLASH),
        ErrorCode.NO_SESSION: ("the board lost the session", "run again"),
        ErrorCode.VERSION_MISMATCH: (
            f"the board's firmware speaks version {a} of the protocol, this host version {b}",
            FLASH if a < b else "use the boardproof that built the firmware, or flash it with this one",
        ),
        ErrorCode.BAUD_REFUSED: (f"the board cannot run its link at {a} baud", "choose a lower rate"),
        ErrorCode.KEEPS_STATE: (
            "the session keeps state, which a look inside would change",
            "trace without --stateful",
        ),
        ErrorCode.OUT_OF_ORDER: (f"the board waits for request {a} and was given {b}", "run again"),
        ErrorCode.ENGINE_ARENA: (
            f"the model's arena does not fit the board: needed {a or 'more'}, given {b} bytes",
            "give it more (MODEL_TFLM_ARENA_BYTES), use the engine aot, or a smaller model",
        ),
        ErrorCode.ENGINE_OP: (f"operator {b} of the model (builtin code {a}) is not in the firmware", FLASH),
        ErrorCode.ENGINE_SCHEMA: (f"the model has schema version {b}, the engine reads {a}", FLASH),
        ErrorCode.ENGINE_MODEL: ("the model in the firmware is not what it was configured for", FLASH),
    }
    if error.code == ErrorCode.ENGINE_INVOKE:
        return OperatorError(b)
    message, hint = texts.get(error.code, (f"the board answered error {error.code} ({a}, {b})", FLASH))
    if error.code == ErrorCode.BAUD_REFUSED:
        return InputError(message, hint=hint)
    if error.code == ErrorCode.NO_SESSION:
        return SessionLostError(message, hint=hint)
    return LinkError(message, hint=hint)
