"""PlatformIO's view of the simulated AVR boards: they need no package, everything comes from the system."""

from __future__ import annotations

from platformio.public import PlatformBase  # type: ignore[import-untyped,unused-ignore]


class Boardproof_simavrPlatform(PlatformBase):  # type: ignore[misc]  # noqa: N801  PlatformIO derives the name
    """Debian's gcc-avr, avr-libc, arduino-core-avr and libsimavr-dev."""
