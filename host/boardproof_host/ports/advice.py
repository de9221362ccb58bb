"""Why a port cannot be used, and what to do about it."""

import errno
import os
from pathlib import Path
from urllib.parse import urlsplit

from boardproof_export.shared.errors import BoardproofError, InputError, LinkError
from boardproof_host.ports import holders as port_state
from boardproof_host.ports.holders import Access, Holder

SEE_PORTS = "plug the board in, then see the ports with: boardproof ports"
MODEM_MANAGER = (
    "ModemManager talks to new serial ports for some 30 s: wait, or stop it (sudo systemctl stop ModemManager), "
    "or keep it off the board with a udev rule (docs/PORTS.md)"
)

NAMED = 2  # processes that a message names at most


class PortBusyError(LinkError):
    """Another program uses the port."""


class PortDeniedError(LinkError):
    """This user may not open the port."""


def check(url: str) -> None:
    """Refuses, without opening anything, what is no port and what another process has open.

    Raises:
        InputError: a URL without a port number, a folder or a file.
        PortBusyError: naming the process.
    """
    device = port_state.device_of(url)
    if device is None:
        _check_url(url)
    elif Path(device).exists() and (not Path(device).is_char_device() or port_state.is_memory(device)):
        raise InputError(f"{device} is no serial port", hint="see the ports with: boardproof ports")
    elif found := port_state.holders(device):
        raise busy(device, found)


def _check_url(url: str) -> None:
    if not url.lower().startswith(("socket://", "rfc2217://")):
        return
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname) and parts.port is not None
    except ValueError:
        complete = False
    if not complete:
        scheme = url.partition("://")[0]
        raise InputError(f"{url} is no port", hint=f"name host and port: {scheme}://localhost:4000")


def unopened(url: str, error: OSError) -> BoardproofError:
    """The error for a port that pyserial could not open."""
    text = str(error)
    if "expected a string in the form" in text:  # all of pyserial's URLs say so
        return InputError(f"{url} is no port: {text}", hint="see the forms in docs/PORTS.md")
    device = port_state.device_of(url)
    if error.filename is not None and device not in (None, error.filename):  # the log of spy://
        return InputError(f"{error.filename} cannot be written: {text}", hint="name another file")
    if device is None and error.errno is None:
        return LinkError(f"{url} cannot be opened: {text}", hint=_remote_hint(url))
    url = device or url
    if error.errno == errno.ENOENT or "No such file" in text or "FileNotFoundError" in text:
        return LinkError(f"there is no port {url}", hint=SEE_PORTS)
    if os.name == "nt" and "PermissionError" in text:  # Windows says so of ports in use
        return busy(url, [])
    if error.errno in (errno.EACCES, errno.EPERM):
        return denied(url, port_state.access(url))
    if error.errno in (errno.EBUSY, errno.EAGAIN):
        return busy(url, port_state.holders(url))
    if error.errno == errno.ENOTTY or "Inappropriate ioctl" in text:
        return InputError(f"{url} is no serial port: {text}", hint="see the ports with: boardproof ports")
    return LinkError(f"{url} cannot be opened: {text}", hint="see the ports with: boardproof ports")


def busy(url: str, found: list[Holder]) -> PortBusyError:
    """The error for a port in use; `found` is empty where the process cannot be seen."""
    who = named(found) or "another program"
    if any(holder.name == "ModemManager" for holder in found):
        hint = MODEM_MANAGER
    elif found:
        hint = f"close it, or end it (kill {found[0].pid}), and try again"
    else:
        hint = f"close the other program (a serial monitor?) and try again; to find it: sudo fuser -v {url}"
    return PortBusyError(f"{url} is in use by {who}", hint=hint)


def named(found: list[Holder]) -> str:
    """The first few processes that hold a port."""
    more = [f"{len(found) - NAMED} more"] if len(found) > NAMED else []
    return ", ".join([*(str(holder) for holder in found[:NAMED]), *more])


def denied(url: str, access: Access | None) -> PortDeniedError:
    """The error for a port that this user may not open."""
    if access is None:
        return PortDeniedError(
            f"no permission to open {url}", hint="ask whoever runs this machine for access"
        )
    if access.by_group and access.is_member:
        hint = (
            f"you are in the group {access.group}, but this login is older than that: log out and in again, "
            f"or work in: newgrp {access.group}"
        )
    elif access.by_group:
        hint = (
            f"join the group that owns it, then log out and in again: sudo usermod -aG {access.group} $USER"
        )
    else:
        hint = (
            f"no group may use it: write a udev rule (docs/PORTS.md), or for this once: sudo chmod a+rw {url}"
        )
    return PortDeniedError(
        f"no permission to open {url} ({access.mode}, group {access.group})",
        hint=hint,
    )


def silence(url: str) -> str | None:
    """What else may be the matter with a port where no board answers."""
    return MODEM_MANAGER if port_state.modem_manager_may_meddle(url) else None


def _remote_hint(url: str) -> str:
    if url.lower().startswith("hwgrep://"):
        return "no port's description matches; see them with: boardproof ports"
    if url.lower().startswith("rfc2217://"):
        return "check host and port, and that an RFC 2217 server listens there (for plain TCP: socket://)"
    return "check host and port, and that the server is running"
