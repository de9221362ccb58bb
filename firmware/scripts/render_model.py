"""Before compiling (a PlatformIO extra script): renders the model to C for this target, and gives the build an id."""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from SCons.Script import AlwaysBuild, DefaultEnvironment

env = DefaultEnvironment()
root = Path(env.subst("$PROJECT_DIR"))
sys.path[:0] = [str(root / "firmware" / "scripts"), str(root / "export")]

import firmware_build  # noqa: E402

GENERATED = root / "firmware" / "generated"
REFERENCE_MODEL = "models/fashion_mnist_int8.tflite"
NEEDED = ("jinja2", "numpy", "tflite")
RENDER = "import sys; from pathlib import Path; from boardproof_export.commands.export import render; " + (
    "render(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])"
)


def board_value(option: str, key: str, default: str) -> str:
    """A property of the target: the environment's custom_ option, else the board definition's, else `default`."""
    return str(env.GetProjectOption(option, env.BoardConfig().get(key, default)))


def python_that_renders() -> str:
    """A Python that has what rendering needs: PlatformIO's, the project's, or PlatformIO's after an installation."""
    own = str(env.subst("$PYTHONEXE"))
    if all(find_spec(name) for name in NEEDED):
        return own
    project = root / ".venv" / "bin" / "python"
    if project.is_file():
        return str(project)
    print(f"boardproof: installing {', '.join(NEEDED)} into PlatformIO's Python, to render the model")
    subprocess.run([own, "-m", "pip", "install", "--quiet", *NEEDED], check=True)
    return own


def name_of(model: Path) -> str:
    """What the model was called when it was exported: firmware/generated keeps it as model.tflite."""
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    for path in sorted(GENERATED.glob("*/manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest.get("sha256") == sha256:
            return str(manifest["name"])
    return model.stem


def render(model: Path, pack: str) -> dict[str, Any]:
    """Renders `model`, which leaves alone what would not change; returns the manifest."""
    if not model.is_file():
        sys.stderr.write(f"Error: there is no {model}: restore it, or name another in custom_model\n")
        env.Exit(1)
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / f"{name_of(model)}.tflite"
        shutil.copyfile(model, named)
        command = [python_that_renders(), "-c", RENDER, str(named), str(GENERATED), pack]
        done = subprocess.run(command, cwd=root / "export", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        sys.stderr.write(f"Error: {model} could not be rendered: {reason[0]}\n")
        env.Exit(1)
    manifest: dict[str, Any] = json.loads((GENERATED / pack / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def identify(target: Any, source: Any, env: Any) -> None:
    """The action that writes boardproof_build.h: a build id changes with every source, option and compiler."""
    configuration = {
        "options": dict(env.GetProjectOptions()),
        "board": env.BoardConfig().get("build", {}),
        "compiler": firmware_build.output_of([env.subst("$CC"), "--version"], env["ENV"]),
    }
    folders = [root / "firmware" / "src", GENERATED / pack]
    identity = firmware_build.build_id(root, firmware_build.files_below(folders), configuration)
    text = firmware_build.header(env.subst("$PIOENV"), core, identity)
    firmware_build.write_if_changed(Path(str(target[0])), text)


engine = env.GetProjectOption("custom_engine", "aot")
pack = "tflm" if engine == "tflm" else board_value("custom_pack", "build.pack", "portable")
core = board_value("custom_core", "build.core_name", env.BoardConfig().get("build.mcu", "unknown"))
exported = GENERATED / "model.tflite"
committed = root / env.GetProjectOption("custom_model", REFERENCE_MODEL)
manifest = render(exported if exported.is_file() else committed, pack)
print(f"boardproof: model {manifest['name']} ({manifest['sha256'][:12]}), rendered for {pack}")

# The engine aot needs no .tflite file in flash, and 8-bit boards have no room for one.
sources = "model_aot.c" if engine == "aot" else ""
env.Append(
    SRC_FILTER=[f"+<../generated/{pack}/{sources}>"],
    CPPPATH=[str(GENERATED / pack), "$BUILD_DIR"],
    BOARDPROOF_MANIFEST=manifest,
)
build_header = env.Command(
    f"$BUILD_DIR/{firmware_build.HEADER_NAME}", [], env.VerboseAction(identify, "Identifying")
)
env.Precious(build_header)  # SCons would remove it first, and all that includes it would be compiled again
AlwaysBuild(build_header)
