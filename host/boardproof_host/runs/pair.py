"""A board and the reference beside it, asked the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from boardproof_export.shared.model import Graph
from boardproof_host.link.session import Session
from boardproof_host.protocol import messages
from boardproof_host.runs import layers
from boardproof_host.runs.layers import Differing, Entry

_MOST_PIECES = 256  # of an output's values, in all images together


@dataclass(frozen=True)
class Profiled:
    """One image's profile."""

    image: int
    data: bytes  # the inputs, as they went to the board
    board: list[Entry]
    wrong: list[Entry]  # the board's entries that are not the reference's, in execution order


@dataclass(frozen=True)
class Pair:
    """Sessions with both, hello said."""

    board: Session
    reference: Session
    graph: Graph  # of the model that both run
    patience: float | None = None  # seconds that the board may take for an answer; None: as it says in hello

    def profile(self, image: int, data: bytes) -> Profiled:
        """One image, operator by operator: a CRC each, and no values."""
        mine, theirs = (
            layers.read_entries(payload, self.graph) for payload in self._look(messages.Profile(data))
        )
        return Profiled(image, data, mine, layers.differing(self.graph, mine, theirs))

    def values(self, found: Sequence[Profiled]) -> list[Differing]:
        """Of each image that differs the first output that does, with its values from both sides.

        Of an output that takes many answers, those of the first images alone.
        """
        left: dict[tuple[int, int], int] = {}
        return [self._values(one, left) for one in found if one.wrong]

    def _values(self, one: Profiled, left: dict[tuple[int, int], int]) -> Differing:
        """Asked for in pieces: each is an inference of its own.

        Args:
            left: pieces that may yet be asked for, by operator and output.
        """
        first = one.wrong[0]
        place = (first.op, first.output)
        size = max(first.bytes, layers.tensor_of(self.graph, first).bytes or 0)
        pieces = -(-size // self._piece)
        if pieces > left.setdefault(place, max(_MOST_PIECES, pieces)):
            return Differing(one.image, first, None, None)
        left[place] -= pieces
        mine = theirs = b""
        for offset in range(0, size, self._piece):
            parts = self._look(messages.Layer(*place, offset, self._piece, one.data))
            mine, theirs = mine + parts[0], theirs + parts[1]
        return Differing(one.image, first, mine, theirs)

    def read_by(self, op: int, data: bytes) -> dict[int, bytes]:
        """What an operator reads that is no constant, by tensor, as the reference has it."""
        graph, read = self.graph, {}
        written = {tensor: (one.index, at) for one in graph.ops for at, tensor in enumerate(one.outputs)}
        ends = accumulate(graph.tensors[tensor].bytes or 0 for tensor in graph.inputs)
        given = {
            tensor: data[end - (graph.tensors[tensor].bytes or 0) : end]
            for tensor, end in zip(graph.inputs, ends, strict=True)
        }
        for tensor in graph.ops[op].inputs:
            if tensor in given:
                read[tensor] = given[tensor]
            elif tensor in written:
                size, piece = graph.tensors[tensor].bytes or 0, self._piece
                requests = (
                    messages.Layer(*written[tensor], offset, piece, data) for offset in range(0, size, piece)
                )
                read[tensor] = b"".join(self.reference.look(request) for request in requests)
        return read

    @property
    def _piece(self) -> int:
        """Bytes of a layer that both give in one answer."""
        identities = [session.identity for session in (self.board, self.reference)]
        return min(identity.longest_answer for identity in identities if identity is not None)

    def _look(self, request: messages.Profile | messages.Layer) -> tuple[bytes, bytes]:
        """The payloads of both answers."""
        theirs = self.reference.look(request)
        if self.patience is None:
            return self.board.look(request), theirs
        return self.board.ask(request, timeout=self.patience, tries=2), theirs
