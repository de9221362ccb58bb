"""The serial link of an emulated board: a pseudo-terminal on this side, QEMU's chardev on the other.

QEMU gives its UART one byte a turn of its main loop, whatever the chardev: 18 to 50 KB/s by pty, TCP or Unix socket.
Only its UDP chardev passes a datagram on in one go, as much as there is room for, and the multiplexer in front of the
UART has room for 32 bytes. So the way in is UDP on the loopback interface. Linux keeps count of what waits there
(/proc/net/udp), and this module never sends more than fits: nothing is lost.

The way out is the chardev's log file, which is a pipe of ours: a pipe loses nothing either, while the datagrams
that QEMU sends as well (one a byte) are left to be dropped.

On Linux two more things matter, because the UART's emulation wakes QEMU's main loop for every byte that the core takes,
and both then fight for one lock: QEMU stays on one core, and its main loop yields to the emulated core.
docs/TARGETS.md has the measurements.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
import tty
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

DATAGRAM_BYTES = 2048  # QEMU cuts a datagram at 4096
# What the kernel charges a waiting datagram with, about: its buffer is a power of two, and has a header.
DATAGRAM_CHARGE = 1024
UNCHECKED_CHARGE = (
    49152  # sent since the last look at the queue; with the queue's limit, half of Linux's default
)
QUEUE_LIMIT = 49152
QUEUE_PATH = Path("/proc/net/udp")
CHUNK_BYTES = 65536
# The board sends byte by byte; after the first one, wait for the others: a wake-up costs more than the delay.
GATHER_SECONDS = 0.0003
BLOCKED_SECONDS = 0.005  # until the next attempt to hand bytes to a host that does not read
EMULATOR_THREADS = 3  # main loop, read-copy-update, the emulated core
YIELDING_NICENESS = 8


class Link:
    """A pseudo-terminal and what connects it to an emulator. Use it as a context manager."""

    def __init__(self) -> None:
        self._terminal, self._device = os.openpty()
        tty.setraw(self._device)  # and held open: it stays raw, and a client may come and go
        os.set_blocking(self._terminal, False)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # never read, see above
        self._socket.bind(("127.0.0.1", 0))
        self._emulator_port = _free_port()
        self._pipe, self._pipe_writer = os.pipe()
        os.set_blocking(self._pipe, False)
        self._unchecked = 0
        self._backlog = b""  # from the board, not yet taken by the terminal
        self.broken = False  # the emulator closed its end

    @property
    def port(self) -> str:
        """The device that a host opens as the board's serial port."""
        return os.ttyname(self._device)

    def chardev(self, name: str) -> str:
        """The -chardev argument of QEMU."""
        here = self._socket.getsockname()[1]
        return (
            f"udp,id={name},mux=on,logfile=/dev/fd/{self._pipe_writer},host=127.0.0.1,port={here},"
            f"localaddr=127.0.0.1,localport={self._emulator_port}"
        )

    def inherited(self) -> tuple[int, ...]:
        """File descriptors that the emulator must inherit."""
        return (self._pipe_writer,)

    def opened_by_emulator(self) -> None:
        """To be called when the emulator has inherited its end: from then on its death closes the pipe."""
        os.close(self._pipe_writer)
        self._pipe_writer = -1

    def emulator_listens(self, pid: int) -> bool:
        """Whether bytes sent from now on are kept, and all threads of the emulator `pid` are there."""
        if not QUEUE_PATH.exists():
            return _is_bound(self._emulator_port) and self._connect()
        threads = len(list(Path(f"/proc/{pid}/task").iterdir())) if Path(f"/proc/{pid}/task").exists() else 0
        return self._queued() is not None and threads >= EMULATOR_THREADS and self._connect()

    def _connect(self) -> bool:
        self._socket.connect(("127.0.0.1", self._emulator_port))
        return True

    def pump(self, *, until_readable: Sequence[int]) -> None:
        """Moves bytes both ways until one of the descriptors is readable, or until the emulator is gone."""
        with selectors.DefaultSelector() as selector:
            for descriptor in (self._terminal, self._pipe, *until_readable):
                selector.register(descriptor, selectors.EVENT_READ)
            while not self.broken:
                ready = {key.fd for key, _ in selector.select(BLOCKED_SECONDS if self._backlog else None)}
                if any(_has_ended(descriptor) for descriptor in ready.intersection(until_readable)):
                    return
                if self._pipe in ready or self._backlog:
                    self._from_board()
                if self._terminal in ready:
                    self._to_board()

    def _to_board(self) -> None:
        if self._unchecked > UNCHECKED_CHARGE:
            if (self._queued() or 0) > QUEUE_LIMIT:
                time.sleep(GATHER_SECONDS)
                return
            self._unchecked = 0
        try:
            data = os.read(self._terminal, CHUNK_BYTES // 4)
            for offset in range(0, len(data), DATAGRAM_BYTES):
                sent = self._socket.send(data[offset : offset + DATAGRAM_BYTES])
                self._unchecked += 2 * sent + DATAGRAM_CHARGE
        except ConnectionRefusedError:
            self.broken = True
        except BlockingIOError:
            pass

    def _from_board(self) -> None:
        if not self._backlog:
            time.sleep(GATHER_SECONDS)
            self._backlog = os.read(self._pipe, CHUNK_BYTES)
            self.broken = not self._backlog
        try:
            self._backlog = self._backlog[os.write(self._terminal, self._backlog) :]
        except BlockingIOError:  # the host does not read: keep it, and let the pipe hold up the board
            time.sleep(BLOCKED_SECONDS)

    def _queued(self) -> int | None:
        """Bytes charged to what the emulator has not read yet; None where nobody listens or nobody counts."""
        wanted = f"0100007F:{self._emulator_port:04X}"
        try:
            lines = QUEUE_PATH.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            return None
        for line in lines:
            fields = line.split()
            if fields[1] == wanted:
                return int(fields[4].partition(":")[2], 16)
        return None

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        for descriptor in (self._terminal, self._device, self._pipe, self._pipe_writer):
            if descriptor >= 0:
                os.close(descriptor)


def _has_ended(descriptor: int) -> bool:
    """Whether a readable descriptor has nothing more to say; what it says is dropped."""
    return os.read(descriptor, CHUNK_BYTES) == b""


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def idlest_core(program: str) -> int | None:
    """The core for a new emulator: of those we may use, one with the fewest emulators `program` on it, and of those
    the one that idled most in the last moment. None where the system does not tell."""
    if not hasattr(os, "sched_getaffinity") or not Path("/proc/stat").exists():
        return None
    before = _idle_ticks()
    time.sleep(0.1)
    gained = {core: ticks - before.get(core, 0) for core, ticks in _idle_ticks().items()}
    taken = _cores_of(program)
    allowed = [core for core in sorted(os.sched_getaffinity(0)) if core in gained]
    return min(allowed, key=lambda core: (taken.count(core), -gained[core]), default=None)


def _idle_ticks() -> dict[int, int]:
    ticks = {}
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu":
            ticks[int(name[3:])] = int(fields[3])
    return ticks


def _cores_of(program: str) -> list[int]:
    """The cores that running instances of `program` are bound to."""
    comm_length = 15  # Linux cuts a process's name there
    cores: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # it may end while we look
            if entry.read_text(encoding="utf-8", errors="replace").strip() == program[:comm_length]:
                bound = os.sched_getaffinity(int(entry.parent.name))
                cores.extend(bound if len(bound) == 1 else ())
    return cores


def stay_on(core: int | None) -> None:
    """Binds this process, and what it will start, to one core; None leaves it free."""
    if core is not None:
        with contextlib.suppress(OSError):  # a sandbox may forbid it; it only costs speed
            os.sched_setaffinity(0, {core})


def prefer_core_thread(pid: int) -> None:
    """Lets QEMU's main loop (the thread whose id is `pid`) run when the emulated core sleeps, not when it is woken."""
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
            os.setpriority(os.PRIO_PROCESS, pid, YIELDING_NICENESS)
