"""Where the project's files are: the one place that knows the layout of a checkout."""

import os
from dataclasses import dataclass
from pathlib import Path

from boardproof_export.shared.errors import InputError


@dataclass(frozen=True)
class Project:
    """Paths of a boardproof checkout; `root` holds `platformio.ini` and `firmware/`."""

    root: Path

    @property
    def platformio_ini(self) -> Path:
        return self.root / "platformio.ini"

    @property
    def firmware(self) -> Path:
        return self.root / "firmware"

    @property
    def boards(self) -> Path:
        return self.firmware / "boards"

    @property
    def generated(self) -> Path:
        """Rendered sources, a folder a pack, and the exported `model.tflite` itself."""
        return self.firmware / "generated"

    @property
    def exported_model(self) -> Path:
        """What `boardproof export` has rendered last, where it has."""
        return self.generated / "model.tflite"

    @property
    def reference_model(self) -> Path:
        """What firmware is rendered from while nothing is exported, unless its target has a `custom_model`."""
        return self.root / "models" / "fashion_mnist_int8.tflite"

    @property
    def build(self) -> Path:
        return self.root / ".pio" / "build"

    @property
    def emulators(self) -> Path:
        """A state file for each emulated board that runs in the background. PlatformIO empties the build folder."""
        return self.root / ".pio" / "emulators"

    @property
    def state(self) -> Path:
        """What `prove` keeps between runs: trained models, oracle outputs, reports."""
        return self.root / ".boardproof"


def find_project(start: Path | None = None) -> Project:
    """Finds the checkout: $BOARDPROOF_PROJECT, else upwards from `start`, else where this package lies.

    Raises:
        InputError: no checkout is there.
    """
    named = os.environ.get("BOARDPROOF_PROJECT")
    origin = Path(named) if named else (start or Path.cwd())
    here = Path(__file__).resolve()
    fallback = [] if named else here.parents
    for folder in [origin.resolve(), *origin.resolve().parents, *fallback]:
        if (folder / "firmware" / "protocol.toml").is_file() and (folder / "platformio.ini").is_file():
            return Project(folder)
    raise InputError(
        f"no boardproof checkout at or above {origin}",
        hint="run inside a checkout, or set BOARDPROOF_PROJECT to its folder",
    )
