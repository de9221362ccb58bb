"""Targets: what platformio.ini and the board definitions say of each environment."""

import configparser
import difflib
import json
from dataclasses import dataclass
from typing import Any

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.project import Project

DEFAULT = "qemu_cortex_m4"


@dataclass(frozen=True)
class Target:
    """How to build a board's firmware, and how to start or find the board.

    A PlatformIO environment, or a process of this machine.
    """

    name: str
    board: str  # id of the board definition
    engine: str
    kernels: str  # of the engine aot: portable, dsp or avr
    description: str
    emulator: dict[str, Any] | None  # the board definition's section; None for real boards
    model: str | None = None  # `custom_model`: path in the checkout; None is the reference model
    virtual: bool = False  # a process of this machine: PlatformIO has nothing to build

    @property
    def emulated(self) -> bool:
        """The target starts its own board."""
        return self.emulator is not None or self.virtual


VIRTUAL = Target(
    name="tflm_host",
    board="",
    engine="tflm",
    kernels="",
    description="TensorFlow Lite Micro in a process of this machine, no toolchain needed",
    emulator=None,
    virtual=True,
)
NATIVE = Target(
    name="aot_host",
    board="",
    engine="aot",
    kernels="portable",
    description="the firmware as a process of this machine: needs its C compiler alone",
    emulator=None,
    virtual=True,
)


def _options(config: configparser.ConfigParser, section: str, below: tuple[str, ...] = ()) -> dict[str, str]:
    """A section's options with those it extends beneath; of several, the last that is named lies on top."""
    if not config.has_section(section):
        raise InputError(f"platformio.ini extends [{section}], which is not there", hint="restore the file")
    if section in below:
        raise InputError(f"platformio.ini: [{section}] extends itself", hint="restore the file")
    own = dict(config[section])
    merged: dict[str, str] = {}
    for base in own.get("extends", "").replace(",", " ").split():
        merged |= _options(config, base, (*below, section))
    return merged | own


def load_targets(project: Project) -> dict[str, Target]:
    """All targets by name: those of platformio.ini in their order, then the processes of this machine.

    Raises:
        InputError: platformio.ini or a board definition cannot be read.
    """
    config = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#", ";"))
    try:
        config.read_string(project.platformio_ini.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise InputError(
            f"{project.platformio_ini} cannot be read: {error}", hint="restore the file"
        ) from error
    targets = {}
    shared = dict(config["env"]) if config.has_section("env") else {}
    for section in config.sections():
        if section.startswith("env:"):
            name = section.removeprefix("env:")
            targets[name] = _target(project, name, shared | _options(config, section))
    targets |= {target.name: target for target in (VIRTUAL, NATIVE)}
    return targets


def _target(project: Project, name: str, options: dict[str, str]) -> Target:
    board = options.get("board", "")
    path = project.boards / f"{board}.json"
    definition: dict[str, Any] = {}
    if path.is_file():
        try:
            definition = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(definition, dict) or not isinstance(definition.get("build", {}), dict):
                raise ValueError("no board definition")
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be used: {error}", hint="restore the file") from error
    built = definition.get("build", {})
    if "custom_pack" in options or "pack" in built:
        raise InputError(
            f"{name} has custom_pack, or its board build.pack: they are custom_kernels and build.kernels now",
            hint="rename it in platformio.ini or in the board definition",
        )
    return Target(
        name=name,
        board=board,
        engine=options.get("custom_engine", "aot"),
        kernels=options.get("custom_kernels", built.get("kernels", "portable")),
        description=options.get("custom_title", definition.get("name", board)),
        emulator=definition.get("emulator"),
        model=options.get("custom_model"),
    )


def check_starts(target: Target) -> None:
    """Refuses a target whose board boardproof cannot start.

    Raises:
        InputError: it is a real board.
    """
    if not target.emulated:
        raise InputError(
            f"{target.name} is a real board: it has to be named by its port",
            hint=f"pio run -e {target.name} -t upload && boardproof run --port /dev/ttyACM0",
        )


def find_target(project: Project, name: str) -> Target:
    """The target of that name.

    Raises:
        InputError: there is none; the nearest names are in the hint.
    """
    targets = load_targets(project)
    if name in targets:
        return targets[name]
    near = difflib.get_close_matches(name, targets, n=3, cutoff=0.3) or list(targets)[:3]
    raise InputError(
        f"there is no target {name!r}", hint=f"nearest: {', '.join(near)}; all: boardproof targets"
    )
