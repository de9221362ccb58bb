"""Opening a port again after it vanished: a board that resets or is plugged in anew may get another name."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.transport import Transport
from boardproof_host.ports.serial_port import SerialTransport

POLL_SECONDS = 0.25


@dataclass(frozen=True)
class UsbIdentity:
    """What stays the same of a USB port when its name changes."""

    vid: int
    pid: int
    serial_number: str | None
    location: str | None  # the hub port it is plugged into

    def matches(self, other: "UsbIdentity") -> bool:
        """The same board: by serial number where it has one, else by the place it is plugged into."""
        if (self.vid, self.pid) != (other.vid, other.pid):
            return False
        if self.serial_number:
            return self.serial_number == other.serial_number
        return self.location is not None and self.location == other.location


def usb_ports() -> dict[str, UsbIdentity]:
    """USB serial ports by device name."""
    return {
        port.device: UsbIdentity(port.vid, port.pid, port.serial_number or None, port.location or None)
        for port in list_ports.comports()
        if port.vid is not None and port.pid is not None
    }


def _device(url: str) -> str:
    return os.path.realpath(url) if Path(url).is_symlink() else url


def reopener(
    url: str,
    ports: Callable[[], dict[str, UsbIdentity]] = usb_ports,
    open_port: Callable[[str], Transport] = SerialTransport,
) -> Callable[[float], Transport]:
    """Remembers which board is at `url` now; the function returned finds it again within so many seconds."""
    before = ports().get(_device(url))

    def candidates() -> list[str]:
        if before is None:
            return [url]
        return [name for name, identity in ports().items() if before.matches(identity)]

    def open_again(seconds: float) -> Transport:
        deadline = time.monotonic() + seconds
        while True:
            for name in candidates():
                try:
                    return open_port(name)
                except LinkError:
                    continue  # it is there but not ready yet: permissions are set a moment later
            if time.monotonic() >= deadline:
                raise LinkError(
                    f"{url} vanished and did not come back within {seconds:.0f} s",
                    hint="check the cable, then go on where it stopped: boardproof run --resume",
                )
            time.sleep(POLL_SECONDS)

    return open_again
