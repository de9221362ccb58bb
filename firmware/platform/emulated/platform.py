"""PlatformIO's view of the emulated boards: which packages a build needs."""

from __future__ import annotations

import shutil
from typing import Any

from platformio.public import PlatformBase  # type: ignore[import-untyped,unused-ignore]

COMPILER = "arm-none-eabi-gcc"
TOOLCHAIN = "toolchain-gccarmnoneeabi"


class Boardproof_emulatedPlatform(PlatformBase):  # type: ignore[misc]  # noqa: N801  PlatformIO derives the name
    """Takes the compiler on PATH where there is one, else PlatformIO's package."""

    def configure_default_packages(self, options: dict[str, Any], targets: list[str]) -> Any:
        """Asks the registry for the toolchain only where it is needed: the registry may be out of reach."""
        self.packages[TOOLCHAIN]["optional"] = shutil.which(COMPILER) is not None
        return super().configure_default_packages(options, targets)
