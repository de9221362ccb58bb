"""Before compiling (a PlatformIO extra script): renders the model to C for this target, and gives the build an id."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from SCons.Script import AlwaysBuild, DefaultEnvironment

env = DefaultEnvironment()
root = Path(env.subst("$PROJECT_DIR"))
sys.path[:0] = [str(root / "firmware" / "scripts"), str(root / "export")]

import firmware_build  # noqa: E402

GENERATED = root / "firmware" / "generated"
REFERENCE_MODEL = "models/fashion_mnist_int8.tflite"
NEEDED = ("jinja2", "numpy", "tflite")
OLDEST = (3, 11)  # what export/ is written in; the scripts beside this one take what PlatformIO takes
MODELS = (
    GENERATED / "models"
)  # what builds have rendered, by content: never changed, so that builds may share it
RENDER = """
import json, sys
from pathlib import Path
from boardproof_export.commands.export import render
from boardproof_export.shared.errors import BoardproofError
try:
    render(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
except BoardproofError as error:
    print(json.dumps({"message": error.message, "hint": error.hint}), file=sys.stderr)
    sys.exit(int(error.exit_code))
"""


def board_value(option: str, key: str, default: str) -> str:
    """A property of the target: the environment's custom_ option, else the board definition's, else `default`."""
    return str(env.GetProjectOption(option, env.BoardConfig().get(key, default)))


def python_that_renders() -> str:
    """A Python that has what rendering needs: PlatformIO's, the project's, or PlatformIO's after an installation."""
    own, new_enough = str(env.subst("$PYTHONEXE")), sys.version_info >= OLDEST
    if new_enough and all(find_spec(name) for name in NEEDED):
        return own
    project = root / ".venv" / "bin" / "python"
    if project.is_file():
        return str(project)
    if not new_enough:
        ours, oldest = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST))
        refuse(
            f"PlatformIO runs under Python {ours} here, and rendering a model needs {oldest} or newer",
            "make set-up gives the project a Python of its own (.venv), which a build then renders with",
        )
    print(f"boardproof: installing {', '.join(NEEDED)} into PlatformIO's Python, to render the model")
    subprocess.run([own, "-m", "pip", "install", "--quiet", *NEEDED], check=True)
    return own


def refuse(message: str, hint: str) -> None:
    """Ends the build; whoever started it finds the words in refusal.json."""
    folder = Path(env.subst("$BUILD_DIR"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "refusal.json").write_text(json.dumps({"message": message, "hint": hint}), encoding="utf-8")
    sys.stderr.write(f"Error: {message}\n  next: {hint}\n")
    env.Exit(1)


def render(model: Path, kernels: str) -> Path:
    """Renders `model` into a folder of its own, by content; returns the folder."""
    if not model.is_file():
        refuse(f"there is no {model}", "restore it, or name another in custom_model")
    digest = hashlib.sha256(model.read_bytes() + os.fsencode(model.stem) + exporter_digest()).hexdigest()
    folder = MODELS / digest[:16]
    if not (folder / kernels / "manifest.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        command = [python_that_renders(), "-c", RENDER, str(model), str(folder), kernels]
        done = subprocess.run(command, cwd=root / "export", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            try:
                said = json.loads(last)
            except ValueError:
                said = {
                    "message": f"{model} could not be rendered: {last}",
                    "hint": "boardproof export shows more",
                }
            refuse(said["message"], said["hint"])
    check_edits(model, folder / kernels, kernels)
    return folder / kernels


def exporter_digest() -> bytes:
    """Over all that renders: a change renders anew."""
    digest = hashlib.sha256()
    for path in sorted((root / "export" / "boardproof_export").rglob("*")):
        if path.suffix in (".py", ".j2") and "ladder" not in path.parts:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.digest()


def check_edits(model: Path, rendered: Path, kernels: str) -> None:
    """What `boardproof export` rendered for people to read is not what is built: an edit there would be lost."""
    shown = GENERATED / kernels
    if not (shown / "manifest.json").is_file():
        return
    sha256 = json.loads((shown / "manifest.json").read_text(encoding="utf-8")).get("sha256")
    ours = json.loads((rendered / "manifest.json").read_text(encoding="utf-8"))
    exporter = json.loads((shown / "manifest.json").read_text(encoding="utf-8")).get("exporter")
    if sha256 != ours["sha256"] or exporter != ours["exporter"]:
        return
    for path in sorted(shown.glob("*.[ch]")):
        if (rendered / path.name).is_file() and path.read_bytes() != (rendered / path.name).read_bytes():
            refuse(
                f"{path.relative_to(root)} was edited, and a build renders the model anew",
                f"make the change where it is rendered from (export/), or take it back: boardproof export {model}",
            )


def identify(target: Any, source: Any, env: Any) -> None:
    """The action that writes boardproof_build.h: a build id changes with every source, option and compiler."""
    configuration = {
        "options": dict(env.GetProjectOptions()),
        "board": env.BoardConfig().get("build", {}),
        "compiler": firmware_build.output_of([env.subst("$CC"), "--version"], env["ENV"]),
    }
    folders = [root / "firmware" / "src", root / "firmware" / "platform", rendered, *libraries()]
    identity = firmware_build.build_id(root, firmware_build.files_below(folders), configuration)
    text = firmware_build.header(env.subst("$PIOENV"), core, identity)
    firmware_build.write_if_changed(Path(str(target[0])), text)


def libraries() -> list[Path]:
    """Folders of libraries from outside of the project: they are part of the firmware, too."""
    if engine != "tflm":
        return []
    named = env.GetProjectOption("lib_extra_dirs", [])
    return [
        Path(folder) for folder in ([named] if isinstance(named, str) else named) if Path(folder).is_dir()
    ]


def lock_build() -> None:
    """Two builds of one folder, by whomever, wait for each other: the lock lasts as long as this process."""
    if fcntl is None:
        return
    folder = Path(env.subst("$BUILD_DIR"))
    folder.mkdir(parents=True, exist_ok=True)
    held = (folder.parent / f".{folder.name}.scons.lock").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    env["BOARDPROOF_LOCK"] = held


if env.GetProjectOption("custom_pack", None) or env.BoardConfig().get("build.pack", None):
    refuse(f"{env.subst('$PIOENV')} has {firmware_build.RENAMED[0]}", firmware_build.RENAMED[1])
engine = env.GetProjectOption("custom_engine", "aot")
kernels = "tflm" if engine == "tflm" else board_value("custom_kernels", "build.kernels", "portable")
core = board_value("custom_core", "build.core_name", env.BoardConfig().get("build.mcu", "unknown"))
exported = sorted((GENERATED / "model").glob("*.tflite"))
committed = root / env.GetProjectOption("custom_model", REFERENCE_MODEL)
named = os.environ.get("BOARDPROOF_MODEL")
lock_build()
rendered = render(Path(named) if named else exported[0] if exported else committed, kernels)
manifest = json.loads((rendered / "manifest.json").read_text(encoding="utf-8"))
limits = [env.BoardConfig().get(f"upload.maximum_{name}", None) for name in ("ram_size", "size")]
missing = firmware_build.shortage(manifest, *(int(limit) if limit else None for limit in limits))
if missing:
    refuse(f"{manifest['name']} does not fit {env.subst('$PIOENV')}: {missing}", firmware_build.SMALLER)
print(f"boardproof: model {manifest['name']} ({manifest['sha256'][:12]}), rendered for {kernels}")

# The engine aot needs no .tflite file in flash, and 8-bit boards have no room for one.
sources = "model_aot.c" if engine == "aot" else ""
env.Append(
    SRC_FILTER=[f"+<../generated/models/{rendered.parent.name}/{kernels}/{sources}>"],
    CPPPATH=[str(rendered), "$BUILD_DIR"],
    BOARDPROOF_MANIFEST=manifest,
)
build_header = env.Command(
    f"$BUILD_DIR/{firmware_build.HEADER_NAME}", [], env.VerboseAction(identify, "Identifying")
)
env.Precious(build_header)  # SCons would remove it first, and all that includes it would be compiled again
AlwaysBuild(build_header)
