"""The firmware compiled for the host as a shared library: a board in memory, with a virtual clock.

The application, the protocol code and the rendered `aot` engine are the firmware's own; memory_hal.c stands for the
hardware. Everything that happens is decided by what is fed and when, so that a run is the same every time.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from boardproof_export.commands.export import render
from boardproof_export.model.config import render_config
from boardproof_export.shared.model import parse_graph
from boardproof_host.link.transport import PortGoneError
from support.host_c import FIRMWARE, compile_host
from support.sum_model import Edges

HERE = Path(__file__).parent
BUILD_HEADER = """#define BOARDPROOF_TARGET "memory"
#define BOARDPROOF_CORE "host"
#define BOARDPROOF_BUILD_ID_BYTES {0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x00, 0x01}
"""
NANOSECONDS = 1e9
NEVER = 2**64 - 1
TAKE_BYTES = 1 << 16

SMALL_DEPTHS = (20, 12, 5)  # of the model of most tests: frames of some 30 bytes
IMAGE_DEPTHS = (784, 10)  # frames as Fashion-MNIST makes them


class HangError(AssertionError):
    """A conversation went on for longer than any that ends."""


@dataclass
class VirtualClock:
    """Seconds that pass only when somebody waits; call it as a session calls its clock."""

    now: float = 0.0
    limit: float = 600.0  # seconds; a conversation that lasts longer hangs
    waits: int = 0
    most_waits: int = 2_000_000

    def __call__(self) -> float:
        return self.now

    def advance(self, to: float) -> None:
        """Lets time pass.

        Raises:
            HangError: it passes without end.
        """
        self.waits += 1
        self.now = max(self.now, to)
        if self.now > self.limit or self.waits > self.most_waits:
            raise HangError(f"still talking after {self.now:.1f} s and {self.waits} waits")


@dataclass(frozen=True)
class BoardOptions:
    """The hardware around the firmware; memory_hal.h describes each field. Times in seconds."""

    receive_bytes: int = 32768
    safe_baud: int = 0
    inference: float = 0.0
    transmit: float = 0.0
    boot: float = 0.0
    power_lost_at: int = 0
    boot_text: bytes = b""


class _Options(ctypes.Structure):
    _fields_ = (
        ("receive_bytes", ctypes.c_uint32),
        ("safe_baud", ctypes.c_uint32),
        ("inference_ns", ctypes.c_uint64),
        ("transmit_ns", ctypes.c_uint64),
        ("boot_ns", ctypes.c_uint64),
        ("power_lost_at", ctypes.c_uint64),
        ("boot_text", ctypes.c_char_p),
        ("boot_text_length", ctypes.c_size_t),
    )


def firmware_sources(generated: Path) -> list[Path]:
    """The C files of the whole application, memory HAL included, for a model rendered to `generated`."""
    aot = FIRMWARE / "engine" / "aot"
    engine = [path for path in sorted(aot.rglob("*.c")) if "cores" not in path.relative_to(aot).parts]
    return [*_APPLICATION, *engine, generated / "model_aot.c"]


_APPLICATION = (
    HERE / "memory_hal.c",
    HERE / "board_app.c",
    FIRMWARE / "protocol" / "frame.c",
    FIRMWARE / "protocol" / "crc32.c",
)


def render_model(folder: Path, model: bytes) -> Path:
    """Renders `model` (a .tflite file's bytes) and the build header; returns the folder of both."""
    path = folder / "model.tflite"
    path.write_bytes(model)
    render(path, folder / "generated", ["portable"])
    generated = folder / "generated" / "portable"
    (generated / "boardproof_build.h").write_text(BUILD_HEADER)
    return generated


def build_board(folder: Path, model: bytes, flags: Sequence[str] = (), *, sanitize: bool = False) -> Path:
    """Builds the shared library of a board with `model` in `folder`; returns its path.

    With `sanitize`, the process that loads it must have the sanitizers' run-time library preloaded.
    """
    generated = render_model(folder, model)
    return _build(folder, generated, firmware_sources(generated), flags, sanitize)


def build_sum_board(folder: Path, edges: Edges, flags: Sequence[str] = ()) -> Path:
    """Builds a board in `folder` whose engine is sum_engine.c: any edges, and no network. Returns its path."""
    (folder / "boardproof_build.h").write_text(BUILD_HEADER)
    config = render_config(parse_graph(edges.model(), Path("sum.tflite")))
    (folder / "model_config.h").write_text(config["model_config.h"])
    return _build(folder, folder, [*_APPLICATION, HERE / "sum_engine.c"], flags, sanitize=False)


def _build(
    folder: Path, generated: Path, sources: Sequence[Path], flags: Sequence[str], sanitize: bool
) -> Path:
    library = folder / "board.so"
    include = [f"-I{HERE}", f"-I{generated}", "-shared", "-fPIC", "-Wl,--no-undefined"]
    compile_host(library, sources, [*include, *flags], sanitize=sanitize)
    return library


@cache
def _load(library: Path) -> ctypes.CDLL:
    loaded = ctypes.CDLL(str(library))
    loaded.board_make.argtypes = [ctypes.POINTER(_Options)]
    loaded.board_make.restype = None
    loaded.board_feed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    loaded.board_feed.restype = ctypes.c_bool
    loaded.board_run.argtypes = [ctypes.c_uint64]
    loaded.board_run.restype = ctypes.c_uint64
    loaded.board_sent_at.restype = ctypes.c_uint64
    loaded.board_take.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    loaded.board_take.restype = ctypes.c_size_t
    for name in ("board_baud", "board_sent_baud", "board_overruns", "board_inferences", "board_power_losses"):
        getattr(loaded, name).restype = ctypes.c_uint32
    return loaded


@dataclass
class MemoryBoard:
    """A board in memory, as a Transport. A library holds one board: making another ends the first.

    Args:
        library: of `build_board`.
        clock: advanced by `read` when there is nothing to read.
        options: of the hardware.
        cable_limit: bytes come out as others above this rate, in baud; 0: never.
    """

    library: Path
    clock: VirtualClock
    options: BoardOptions = field(default_factory=BoardOptions)
    cable_limit: int = 0
    name: str = "memory://"
    write_seconds: float = 10.0
    baud: int = 0  # the board tells it

    def __post_init__(self) -> None:
        self._lib = _load(self.library)
        self._text = self.options.boot_text  # the library keeps a pointer to it
        self._baud = self.options.safe_baud
        self._gone = False
        self._buffer = ctypes.create_string_buffer(TAKE_BYTES)
        o = self.options
        self._lib.board_make(
            ctypes.byref(
                _Options(
                    o.receive_bytes,
                    o.safe_baud,
                    _ns(o.inference),
                    _ns(o.transmit),
                    _ns(o.boot),
                    o.power_lost_at,
                    self._text,
                    len(self._text),
                )
            )
        )

    def read(self, timeout: float) -> bytes:
        """See Transport: the time-out is virtual."""
        self._present()
        deadline = self.clock() + timeout
        until = _ns(deadline)
        self._lib.board_run(until)
        sent = int(self._lib.board_sent_at())
        if sent > until:
            self.clock.advance(deadline)
            return b""
        self.clock.advance(min(deadline, sent / NANOSECONDS))
        rate = int(self._lib.board_sent_baud())
        count = self._lib.board_take(self._buffer, TAKE_BYTES, max(sent, _ns(self.clock())))
        return self._passed(self._buffer.raw[:count], rate)

    def write(self, data: bytes) -> None:
        """See Transport."""
        self._present()
        now = _ns(self.clock())
        if self.options.safe_baud:
            self._lib.board_run(now)  # the rate may change now
        assert self._lib.board_feed(self._passed(data, self.board_baud), len(data), now), (
            "the board's queue is full"
        )

    def set_baud(self, baud: int) -> None:
        """See Transport."""
        if self.options.safe_baud:
            self._baud = baud

    def close(self) -> None:
        """The board stays as it is: another transport may be opened on it by `reopened`."""
        self._gone = True

    def reopened(self) -> "MemoryBoard":
        """Another transport on the same, still running board."""
        again = object.__new__(MemoryBoard)
        again.__dict__.update(self.__dict__, _gone=False, _baud=self.options.safe_baud)
        return again

    def lose_power(self) -> None:
        """Takes the power away and gives it back."""
        self._lib.board_lose_power()

    @property
    def board_baud(self) -> int:
        """The rate that the firmware runs its link at."""
        return int(self._lib.board_baud())

    @property
    def overruns(self) -> int:
        """Bytes that the board lost because its receive buffer was full."""
        return int(self._lib.board_overruns())

    @property
    def inferences(self) -> int:
        """Runs of the engine."""
        return int(self._lib.board_inferences())

    @property
    def power_losses(self) -> int:
        """Times that the board lost its power."""
        return int(self._lib.board_power_losses())

    def _present(self) -> None:
        if self._gone:
            raise PortGoneError(f"{self.name} is gone: closed", hint="open it again")

    def _passed(self, data: bytes, rate: int) -> bytes:
        """What comes out of the cable: something else where the ends' rates differ, or the cable cannot carry them."""
        if self._baud == rate and not (self.cable_limit and self._baud > self.cable_limit):
            return data
        return bytes((byte * 167 + 13) & 0xFF for byte in data)


def _ns(seconds: float) -> int:
    return round(seconds * NANOSECONDS)
