"""Messages from frames whose CRC held."""

from typing import TypeVar

from boardproof_export.shared.errors import LinkError
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame
from boardproof_host.protocol.messages import MalformedPayloadError

M = TypeVar("M", messages.HelloAnswer, messages.InferAnswer, messages.StatusAnswer, messages.Error)


def unpack(kind: type[M], frame: Frame) -> M:
    """Unpacks a frame whose CRC held; a wrong layout then means another firmware, not damage.

    Raises:
        LinkError: the payload is not laid out as this version of the protocol says.
    """
    try:
        return kind.unpack(frame.payload)
    except MalformedPayloadError as error:
        raise LinkError(
            f"the board's message of type {frame.type:#04x} has another layout: {error}",
            hint="the firmware is of another boardproof version: build and flash it again",
        ) from error
