"""Where the project's files are: the one place that knows the layout of a checkout."""

import os
from dataclasses import dataclass
from pathlib import Path

from boardproof_export.shared.errors import InputError

REFERENCE_MODELS = {
    "mlp": "fashion_mnist_int8.tflite",
    "cnn": "fashion_mnist_cnn_int8.tflite",
    "dscnn": "fashion_mnist_dscnn_int8.tflite",
}


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
        """What `boardproof export` has rendered last, a folder a core profile; the model itself in `model`; and what
        builds have rendered, in `models`."""
        return self.firmware / "generated"

    @property
    def exported_model(self) -> Path | None:
        """The file that `boardproof export` has rendered last, under its own name; None where there is none."""
        return next(iter(sorted((self.generated / "model").glob("*.tflite"))), None)

    @property
    def reference_models(self) -> dict[str, Path]:
        """The committed models, by the architecture that `boardproof train --arch` takes; models/README.md has their
        recipes."""
        return {arch: self.root / "models" / name for arch, name in REFERENCE_MODELS.items()}

    @property
    def reference_model(self) -> Path:
        """What firmware is rendered from while nothing is exported, unless its target has a `custom_model`."""
        return self.reference_models["mlp"]

    @property
    def builds(self) -> Path:
        """What boardproof builds, a folder for each model and set of flags; `pio run` by hand has `.pio/build`."""
        return self.state / "build"

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


def project_if_any(start: Path | None = None) -> Project | None:
    """The checkout, or None: what only needs files works anywhere.

    Raises:
        InputError: $BOARDPROOF_PROJECT names a folder that is none.
    """
    try:
        return find_project(start)
    except InputError:
        if os.environ.get("BOARDPROOF_PROJECT"):
            raise
        return None


def state_folder(project: Project | None) -> Path:
    """Where reports and oracle outputs are kept: in the checkout, else in `.boardproof` of the working folder."""
    return Path.cwd() / ".boardproof" if project is None else project.state
