"""The firmware compiled for this machine, with the HAL of a process: the target aot_host."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from boardproof_export.shared.files import read_model, unwritable
from boardproof_export.shared.project import Project
from boardproof_host.boards.build import Build, only_one
from boardproof_host.boards.targets import NATIVE
from boardproof_host.boards.which_model import check_runs
from boardproof_host.oracles import compiled

PROGRAM = "program"
WHAT = "the target aot_host"


def build(project: Project, model: Path) -> Build:
    """Renders and compiles the firmware of a model, unless that was done before.

    Raises:
        InputError: the engine aot cannot run the model, or the file cannot be read.
        ToolMissingError: there is no C compiler here, or it fails.
        NoRoomError: the disk is full.
    """
    content, firmware = read_model(model), project.firmware / "src"
    compiler = compiled.find_compiler(WHAT)
    key = hashlib.sha256(content + os.fsencode(model.stem))
    key.update(compiled.digest([firmware]).encode() + _version(compiler))
    identity = key.hexdigest()[:16]
    folder = project.state / "native" / identity
    try:
        with only_one(folder):
            if not (folder / PROGRAM).is_file():
                check_runs(NATIVE, model)
                _compile(compiler, firmware, model, folder, identity)
    except OSError as error:
        raise unwritable(folder, error) from error
    return Build(folder, model, identity, hashlib.sha256(content).hexdigest(), None, None)


def _version(compiler: str) -> bytes:
    return subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout


def _compile(compiler: str, firmware: Path, model: Path, folder: Path, identity: str) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as name:
        scratch = Path(name)
        rendered = compiled.render(model.absolute(), scratch, WHAT)
        octets = ", ".join(f"0x{octet:02x}" for octet in bytes.fromhex(identity))
        (rendered / "boardproof_build.h").write_text(
            f"#define BOARDPROOF_TARGET {json.dumps(NATIVE.name)}\n"
            '#define BOARDPROOF_CORE "host"\n'
            f"#define BOARDPROOF_BUILD_ID_BYTES {{{octets}}}\n"
        )
        units = [
            firmware / "main.c",
            firmware / "hal" / "native" / "hal.c",
            *sorted((firmware / "app").rglob("*.c")),
            *sorted((firmware / "protocol").glob("*.c")),
            *compiled.engine_units(firmware),
            rendered / "model_aot.c",
        ]
        done = scratch / "done"
        done.mkdir()
        flags = [f"-I{firmware}", f"-I{rendered}"]
        compiled.compile_units(compiler, flags, units, done / PROGRAM, WHAT)
        shutil.rmtree(folder, ignore_errors=True)
        done.rename(folder)
