"""Hello: who the board says it is, and why it may be refused."""

from dataclasses import dataclass

from boardproof_export.shared.errors import LinkError
from boardproof_export.shared.tensors import TENSOR_TYPES, TensorInfo, TensorType, total_bytes
from boardproof_host.link.exchange import Exchange
from boardproof_host.link.refusals import FLASH, Advice, no_answer, refused_by_board
from boardproof_host.link.timeouts import Patience
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, encode
from boardproof_host.protocol.messages import Feature, TensorRole, TickUnit
from boardproof_host.protocol.unpack import unpack


@dataclass(frozen=True)
class Identity:
    """The board's answer to hello. Sizes in bytes."""

    target: str
    core: str
    engine: str
    kernels: str
    model_sha256: str
    build_id: str
    features: Feature
    tick_unit: TickUnit
    answers_kept: int
    receive_bytes: int
    clock_hz: int
    baud: int
    longest_request: int
    longest_answer: int
    inference_seconds: float  # that an inference may take; 0 where it is not known
    packed_fill: int  # the byte that packed inputs repeat
    inputs: tuple[TensorInfo, ...]  # without names, which the board does not know
    outputs: tuple[TensorInfo, ...]
    op_count: int
    ram_used: int
    ram_given: int

    @classmethod
    def of(cls, answer: messages.HelloAnswer) -> "Identity":
        """Reads hello's answer.

        Raises:
            LinkError: a value that no board of this protocol version sends.
        """
        try:
            unit = TickUnit(answer.tick_unit)
            inputs, outputs = (_tensors(answer, role) for role in (TensorRole.INPUT, TensorRole.OUTPUT))
        except ValueError as error:
            raise LinkError(f"hello's answer makes no sense: {error}", hint=FLASH) from error
        if answer.answers_kept < 1 or not total_bytes(inputs) or not total_bytes(outputs):
            raise LinkError(
                "hello's answer makes no sense: it keeps no answers, or has no tensors", hint=FLASH
            )
        return cls(
            target=answer.target,
            core=answer.core,
            engine=answer.engine,
            kernels=answer.kernels,
            model_sha256=answer.model_sha256.hex(),
            build_id=answer.build_id.hex(),
            features=Feature(answer.features),
            tick_unit=unit,
            answers_kept=answer.answers_kept,
            receive_bytes=answer.receive_bytes,
            clock_hz=answer.clock_hz,
            baud=answer.baud,
            longest_request=answer.longest_request,
            longest_answer=answer.longest_answer,
            inference_seconds=answer.inference_ms / 1000,
            packed_fill=answer.packed_fill,
            inputs=inputs,
            outputs=outputs,
            op_count=answer.op_count,
            ram_used=answer.ram_used,
            ram_given=answer.ram_given,
        )

    @property
    def input_bytes(self) -> int:
        """All inputs, one behind the other."""
        return total_bytes(self.inputs)

    @property
    def output_bytes(self) -> int:
        """All outputs."""
        return total_bytes(self.outputs)

    @property
    def emulated(self) -> bool:
        """No silicon: it has no clock (firmware/protocol.toml, `clock_hz`), so its ticks are never a time."""
        return self.clock_hz == 0 or self.tick_unit is TickUnit.INSTRUCTIONS

    def check_model(self, sha256: str, name: str, runs: str | None = None) -> None:
        """Refuses a board that runs another model than `name`.

        Args:
            runs: the file that it runs, where that is known.

        Raises:
            LinkError: naming both models.
        """
        if self.model_sha256 == sha256:
            return
        raise LinkError(
            f"the board runs another model: {self.model_sha256[:12]}, not {sha256[:12]} ({name})",
            hint=f"name the one it runs (--model {runs or 'FILE'}), or flash this one: boardproof flash "
            f"--target {self.target} --model {name}",
        )

    def check_same(
        self,
        before: "Identity",
        who: str = "the board that came back",
        hint: str = "a run is one firmware's: start a new one",
    ) -> None:
        """Refuses to go on with another board or another firmware than `before`.

        Raises:
            LinkError: naming `who` and what differs.
        """
        for what in ("model_sha256", "build_id", "target", "engine", "kernels"):
            was, now = getattr(before, what), getattr(self, what)
            if was != now:
                raise LinkError(f"{who} has another {what}: {now[:16]}, not {was[:16]}", hint=hint)


def _tensors(answer: messages.HelloAnswer, role: TensorRole) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(
            name="",
            type=_type(tensor.type),
            shape=tensor.dims,
            scale=tensor.scale if tensor.quantized else None,
            zero_point=tensor.zero_point if tensor.quantized else None,
        )
        for tensor in answer.tensors
        if tensor.role == role
    )


def _type(number: int) -> TensorType:
    name = messages.TensorType(number).name.lower()
    return next(known for known in TENSOR_TYPES if known == name)


def say_hello(exchange: Exchange, patience: Patience, advice: Advice | None = None) -> Identity:
    """Opens a session on the board.

    Raises:
        LinkError: silence, another protocol version, or an engine that did not start.
    """
    deadline = exchange.clock() + patience.hello
    # One nonce for all tries: an answer to an earlier try is as good, and a late try opens no other session.
    nonce = exchange.random.getrandbits(32)
    mine: set[int] = set()  # sequence numbers of the tries
    while (left := deadline - exchange.clock()) > 0:
        data = messages.Hello(nonce, messages.VERSION).pack()
        mine.add(exchange.seq)
        exchange.send(encode(messages.Hello.TYPE, exchange.next_seq(), data))
        for frame in exchange.frames_until(exchange.clock() + min(patience.hello_every, left)):
            identity = _identity_in(frame, nonce) if frame.seq in mine else None
            if identity is not None:
                exchange.expect(identity.longest_answer)
                exchange.rate(identity.baud)
                return identity
    raise no_answer(exchange.transport.name, exchange.foreign, advice)


def _identity_in(frame: Frame, nonce: int) -> Identity | None:
    if frame.type == messages.Error.TYPE:
        raise refused_by_board(unpack(messages.Error, frame))
    if frame.type != messages.HelloAnswer.TYPE:
        return None
    answer = unpack(messages.HelloAnswer, frame)
    return Identity.of(answer) if answer.nonce == nonce else None
