"""Frame by frame with a board in memory: what is sent, and every frame that comes back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, FrameParser, encode
from support.board_library import BoardOptions, MemoryBoard, VirtualClock

PIECE_BYTES = 4096  # less than the receive buffer: nothing is lost
LONGEST = 1 << 20


@dataclass
class Talk:
    """A conversation in virtual time. `baud` is the line's rate: how fast `send` hands bytes over; 0: at once."""

    library: Path
    options: BoardOptions = field(default_factory=BoardOptions)
    baud: int = 0

    def __post_init__(self) -> None:
        self.clock = VirtualClock(most_waits=20_000_000)
        self.board = MemoryBoard(self.library, self.clock, self.options)
        self.parser = FrameParser(LONGEST)

    @property
    def damaged(self) -> int:
        """What the board said that was no frame."""
        return self.parser.damaged

    def send(self, wire: bytes) -> list[Frame]:
        """Sends bytes, at the line's rate; returns the frames that came meanwhile and right after."""
        frames = []
        piece = PIECE_BYTES if self.baud == 0 else 32
        for at in range(0, len(wire), piece):
            sent = wire[at : at + piece]
            self.board.write(sent)
            frames += self.hear(len(sent) * 10 / self.baud if self.baud else 0.0)
        return frames + self.hear(0.001 + 8 * self.options.inference)

    def hear(self, seconds: float) -> list[Frame]:
        """The frames that come within this time."""
        frames = []
        until = self.clock() + seconds
        while True:
            data = self.board.read(max(until - self.clock(), 0.0))
            frames += self.parser.feed(data)
            if not data and self.clock() >= until:
                return frames

    def ask(self, request: "messages.Hello | Request", seq: int) -> Frame:
        """Sends a request; returns the one frame that answers it."""
        (answer,) = self.send(encode(request.TYPE, seq, request.pack()))
        assert answer.seq == seq
        return answer

    def hello(self, seq: int = 0, nonce: int = 7) -> messages.HelloAnswer:
        """Opens a session."""
        answer = self.ask(messages.Hello(nonce, messages.VERSION), seq)
        assert answer.type == messages.HelloAnswer.TYPE, messages.Error.unpack(answer.payload)
        return messages.HelloAnswer.unpack(answer.payload)

    def infer(self, data: bytes, seq: int) -> messages.InferAnswer:
        """One inference."""
        answer = self.ask(messages.Infer(data), seq)
        assert answer.type == messages.InferAnswer.TYPE, messages.Error.unpack(answer.payload)
        return messages.InferAnswer.unpack(answer.payload)

    def status(self, seq: int) -> messages.StatusAnswer:
        """The session's counters."""
        return messages.StatusAnswer.unpack(self.ask(messages.Status(), seq).payload)

    def refused(self, request: "Request", seq: int) -> tuple[messages.ErrorCode, int, int]:
        """Sends a request that is answered with an error; returns it."""
        answer = self.ask(request, seq)
        assert answer.type == messages.Error.TYPE
        error = messages.Error.unpack(answer.payload)
        return messages.ErrorCode(error.code), error.detail_a, error.detail_b


Request = (
    messages.Infer
    | messages.InferPacked
    | messages.Profile
    | messages.Layer
    | messages.Ops
    | messages.Status
    | messages.Echo
    | messages.SetBaud
)


def entries(payload: bytes) -> Sequence[messages.ProfileEntry]:
    """The records of a profile_answer."""
    reader = messages.Reader(payload)
    found = []
    while not reader.at_end:
        found.append(messages.ProfileEntry.read(reader))
    return found
