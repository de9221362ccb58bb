"""What the operating system knows of a port before it is opened: who holds it, who may open it, who meddles.

Opening a serial port raises its control lines, which restarts many boards, even where the open then fails on a lock. So
whether a port is in use is looked up, on Linux in /proc; elsewhere only the open tells.
"""

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LOCKS = (Path("/run/lock"), Path("/var/lock"))
_MASTERS = ("/dev/ptmx", "/dev/pts/ptmx")  # the other end of every pseudo-terminal
_SHOWN = 60  # characters of a command line


@dataclass(frozen=True)
class Holder:
    """A process that has a port open."""

    pid: int
    name: str  # of the program
    command: str  # its command line, shortened

    def __str__(self) -> str:
        command = "" if self.command in ("", self.name) else f": {self.command}"
        return f"{self.name} (process {self.pid}{command})"


@dataclass(frozen=True)
class Access:
    """Who may open a device, as its file says."""

    group: str  # name, or the number where it has none
    by_group: bool  # the group may read and write, and is not that of root
    is_member: bool  # this user belongs to the group, by the user database
    mode: str  # like "crw-rw----"


def device_of(url: str) -> str | None:
    """The file of /dev behind a port: itself, or what spy:// listens in on; None for other URLs, and on Windows."""
    if os.name != "posix":
        return None
    if url.lower().startswith("spy://"):
        return device_of(url[len("spy://") :].partition("?")[0])
    return None if "://" in url else url


def is_memory(device: str) -> bool:
    """/dev/null and its like: devices that are no serial port, and that every process has open (Linux)."""
    try:
        status = Path(device).stat()
    except OSError:
        return False
    return sys.platform == "linux" and stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) == 1


def holders(device: str) -> list[Holder]:
    """The other processes that have this device open, as far as this user may see.

    The process behind a pseudo-terminal (an emulator) may hold both of its ends: that is no use of the port.
    """
    path = os.path.realpath(device)
    found = [
        pid for pid in _processes() if _has_open(pid, path) and not serves_terminal(pid, device)
    ] + _lock_file_owners(path)
    return [_describe(pid) for pid in dict.fromkeys(found) if pid != os.getpid()]


def serves_terminal(pid: int, device: str) -> bool:
    """Whether a process holds the other end of the pseudo-terminal `device`."""
    number = os.path.realpath(device).removeprefix("/dev/pts/")
    if not number.isdecimal():
        return False
    for descriptor, target in _descriptors(pid):
        if target in _MASTERS and _terminal_number(pid, descriptor) == number:
            return True
    return False


def access(device: str) -> Access | None:
    """Who may open the device; None where that cannot be told."""
    try:
        import grp  # not on Windows
        import pwd
    except ImportError:
        return None
    try:
        status = Path(device).stat()
    except OSError:
        return None
    try:
        entry = grp.getgrgid(status.st_gid)
        name, members = entry.gr_name, entry.gr_mem
    except KeyError:
        name, members = str(status.st_gid), []
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = ""
    wanted = stat.S_IRGRP | stat.S_IWGRP
    by_group = status.st_mode & wanted == wanted and status.st_gid != 0
    return Access(name, by_group, user in members, stat.filemode(status.st_mode))


def modem_manager_may_meddle(device: str) -> bool:
    """ModemManager runs, and the device is of a kind that it talks to after it was plugged in."""
    behind = device_of(device)
    name = Path(os.path.realpath(behind)).name if behind else ""
    return name.startswith(("ttyACM", "ttyUSB")) and any(_name(pid) == "ModemManager" for pid in _processes())


def _processes() -> Iterator[int]:
    try:
        names = [entry.name for entry in PROC.iterdir()]
    except OSError:
        return  # no Linux
    yield from (int(name) for name in names if name.isdecimal())


def _descriptors(pid: int) -> Iterator[tuple[str, str]]:
    """A process's descriptors and what they are open on; none where this user may not look."""
    try:
        links = list((PROC / str(pid) / "fd").iterdir())
    except OSError:
        return
    for link in links:
        try:
            yield link.name, str(link.readlink())
        except OSError:
            continue


def _has_open(pid: int, path: str) -> bool:
    return any(target == path for _, target in _descriptors(pid))


def _terminal_number(pid: int, descriptor: str) -> str:
    """Which pseudo-terminal a descriptor of /dev/ptmx is the master of: `tty-index` of its fdinfo."""
    try:
        lines = (PROC / str(pid) / "fdinfo" / descriptor).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("tty-index")), "")


def _lock_file_owners(path: str) -> list[int]:
    """Living processes that locked the port by a UUCP lock file, as minicom and picocom do."""
    for folder in LOCKS:
        try:
            pid = int((folder / f"LCK..{Path(path).name}").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            continue
        return [pid] if (PROC / str(pid)).is_dir() else []
    return []


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _describe(pid: int) -> Holder:
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        words = []
    command = " ".join(word.decode(errors="replace") for word in words).strip()
    if len(command) > _SHOWN:
        command = command[: _SHOWN - 1] + "…"
    return Holder(pid, _name(pid) or "a program", command)
