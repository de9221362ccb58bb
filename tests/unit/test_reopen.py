"""A port that vanished is found again by what USB says of it, under whatever name."""

import pytest

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.transport import Transport
from boardproof_host.ports.find_again import UsbIdentity, reopener

BOARD = UsbIdentity(0x2341, 0x805A, "ABC123", "1-4")
SAME_KIND = UsbIdentity(0x2341, 0x805A, "XYZ789", "1-2")


class Bench:
    """Ports that change while one looks; opening returns the name instead of a transport."""

    def __init__(self, *looks: dict[str, UsbIdentity]) -> None:
        self.looks = list(looks)
        self.opened: list[str] = []

    def ports(self) -> dict[str, UsbIdentity]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def open(self, name: str) -> Transport:
        self.opened.append(name)
        if name not in self.looks[0]:
            raise LinkError("not there", hint="")
        return name  # type: ignore[return-value]


def test_by_serial_number_under_another_name() -> None:
    bench = Bench({"/dev/ttyACM0": BOARD}, {}, {"/dev/ttyACM0": SAME_KIND, "/dev/ttyACM1": BOARD})
    again = reopener("/dev/ttyACM0", bench.ports, bench.open)
    assert again(5.0) == "/dev/ttyACM1"
    assert bench.opened == ["/dev/ttyACM1"]


def test_by_location_without_a_serial_number() -> None:
    nameless = UsbIdentity(0x1A86, 0x7523, None, "1-3")
    elsewhere = UsbIdentity(0x1A86, 0x7523, None, "1-9")
    bench = Bench({"/dev/ttyUSB0": nameless}, {"/dev/ttyUSB0": elsewhere, "/dev/ttyUSB7": nameless})
    assert reopener("/dev/ttyUSB0", bench.ports, bench.open)(5.0) == "/dev/ttyUSB7"


def test_another_board_of_the_kind_is_not_taken() -> None:
    bench = Bench({"/dev/ttyACM0": BOARD}, {"/dev/ttyACM0": SAME_KIND})
    with pytest.raises(LinkError, match="did not come back"):
        reopener("/dev/ttyACM0", bench.ports, bench.open)(0.3)
    assert bench.opened == []


def test_without_usb_the_same_name_is_tried() -> None:
    bench = Bench({}, {"socket://127.0.0.1:1": BOARD})
    assert reopener("socket://127.0.0.1:1", bench.ports, bench.open)(1.0) == "socket://127.0.0.1:1"
