"""Who the board says it is, and why it may be refused."""

from dataclasses import dataclass

from boardproof_export.shared.errors import BoardproofError, InputError, LinkError
from boardproof_host.protocol import messages
from boardproof_host.protocol.messages import ErrorCode, Feature, TickUnit


@dataclass(frozen=True)
class Identity:
    """The board's answer to hello. Sizes in bytes; real value = scale * (q - zero_point)."""

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
    input_bytes: int
    input_scale: float
    input_zero_point: int
    output_bytes: int
    output_scale: float
    output_zero_point: int
    op_count: int
    ram_used: int
    ram_given: int

    @classmethod
    def of(cls, answer: messages.HelloAnswer) -> "Identity":
        """Reads hello's answer.

        Raises:
            LinkError: a value that no board of this protocol version sends.
        """
        if answer.answers_kept < 1 or answer.input_bytes < 1 or answer.output_bytes < 1:
            raise LinkError("hello's answer makes no sense", hint="build and flash the firmware again")
        try:
            unit = TickUnit(answer.tick_unit)
        except ValueError as error:
            raise LinkError(
                f"hello's answer makes no sense: {error}", hint="flash the firmware again"
            ) from error
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
            input_bytes=answer.input_bytes,
            input_scale=answer.input_scale,
            input_zero_point=answer.input_zero_point,
            output_bytes=answer.output_bytes,
            output_scale=answer.output_scale,
            output_zero_point=answer.output_zero_point,
            op_count=answer.op_count,
            ram_used=answer.ram_used,
            ram_given=answer.ram_given,
        )

    @property
    def emulated(self) -> bool:
        """No silicon: it has no clock (firmware/protocol.toml, `clock_hz`), so its ticks are never a time."""
        return self.clock_hz == 0 or self.tick_unit is TickUnit.INSTRUCTIONS

    def check_model(self, sha256: str, name: str, runs: str | None = None, *, exported: bool) -> None:
        """Refuses a board that runs another model than `name`.

        Args:
            runs: the file that it runs, where that is known.
            exported: a build would take `name` as it is.

        Raises:
            LinkError: naming both models.
        """
        if self.model_sha256 == sha256:
            return
        export = "" if exported else f"boardproof export {name} && "
        raise LinkError(
            f"the board runs another model: {self.model_sha256[:12]}, not {sha256[:12]} ({name})",
            hint=f"name the one it runs (--model {runs or 'FILE'}), or flash this one: {export}boardproof flash "
            f"--target {self.target}",
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


def refused_by_board(error: messages.Error) -> BoardproofError:
    """The exception for an error that the board answered with."""
    a, b = error.detail_a, error.detail_b
    flash = "export the model and flash the firmware again: pio run -t upload"
    texts: dict[int, tuple[str, str]] = {
        ErrorCode.UNKNOWN_TYPE: (
            f"the board does not know messages of type {a:#04x}",
            "flash a newer firmware",
        ),
        ErrorCode.BAD_LENGTH: (f"the board expected {a} bytes and got {b}", flash),
        ErrorCode.BAD_PAYLOAD: ("the board could not unpack an input", flash),
        ErrorCode.NO_SESSION: ("the board lost the session", "run again"),
        ErrorCode.VERSION_MISMATCH: (
            f"the board speaks protocol version {a}, this host version {b}",
            "use firmware and host of one boardproof version: build and flash again",
        ),
        ErrorCode.BAUD_REFUSED: (f"the board cannot run its link at {a} baud", "choose a lower rate"),
        ErrorCode.ENGINE_ARENA: (
            f"the model's arena does not fit the board: needed {a or 'more'}, given {b} bytes",
            "give it more (MODEL_TFLM_ARENA_BYTES), use the engine aot, or a smaller model",
        ),
        ErrorCode.ENGINE_OP: (f"operator {b} of the model (builtin code {a}) is not in the firmware", flash),
        ErrorCode.ENGINE_SCHEMA: (f"the model has schema version {b}, the engine reads {a}", flash),
        ErrorCode.ENGINE_MODEL: ("the model in the firmware is not what it was configured for", flash),
        ErrorCode.ENGINE_INVOKE: (
            f"operator {b} of the model failed on the board",
            "boardproof inspect names it",
        ),
    }
    message, hint = texts.get(error.code, (f"the board answered error {error.code} ({a}, {b})", flash))
    if error.code == ErrorCode.BAUD_REFUSED:
        return InputError(message, hint=hint)
    return LinkError(message, hint=hint)
