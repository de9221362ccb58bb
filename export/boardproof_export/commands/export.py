"""`boardproof export`: renders a .tflite file to firmware source, a folder a pack.

`render()` needs no TensorFlow and no terminal library: PlatformIO's pre-build step calls it too.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from boardproof_export.aot import render as codegen
from boardproof_export.aot.limits import aot_reasons, require
from boardproof_export.aot.pack import PACKS, Pack
from boardproof_export.aot.schedule import lower
from boardproof_export.model.config import AotConfig, render_config
from boardproof_export.operators.fully_connected import per_tensor
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.manifest import FILE_NAME, Manifest, TensorInfo
from boardproof_export.shared.model import Graph, read_graph
from boardproof_export.shared.project import find_project
from boardproof_export.tflm import limits
from boardproof_export.tflm import render as tflm

MODEL_FOLDER = "model"  # holds the model that was exported last, under its own name
_ROOMS = ("shared", "model", "operators", "aot", "tflm")


def run(*, model: Path, out: Path | None, packs: list[str] | None, as_json: bool) -> int:
    """The command: renders to `out` (default firmware/generated), keeps the model there, and says what was written.

    Raises:
        InputError: see `render`.
    """
    folder = out or find_project().generated
    manifests = render(model, folder, packs or ())
    with _writing(folder):
        _keep_model(folder / MODEL_FOLDER, model)
    if as_json:
        import json

        print(
            json.dumps(
                {"schema": "boardproof.export/1", "packs": [asdict(entry) for entry in manifests]}, indent=2
            )
        )
        return 0
    for entry in manifests:
        print(
            f"{folder / entry.pack}: {entry.name}, {len(entry.ops)} operators, "
            f"{entry.weights_bytes:,} B of constants, {entry.arena_bytes:,} B of RAM"
        )
    return 0


def render(model: Path, out: Path, packs: Sequence[str]) -> list[Manifest]:
    """Renders the .tflite file `model` for each of `packs` to `out`/<pack>.

    A pack is a weight layout of the ahead-of-time engine, or `tflm` for the other engine; none means all that can run
    the model.

    Everything is rendered before anything is written, and a folder appears whole or not at all: a failure or an
    interruption leaves what was there. Files whose bytes would not change are left alone, so that nothing is
    built again.

    Raises:
        InputError: the model cannot be used, an operator cannot run, a pack does not exist, or `out` cannot be written.
    """
    known = (*PACKS, tflm.FOLDER)
    unknown = [name for name in packs if name not in known]
    if unknown:
        raise InputError(f"there is no pack {unknown[0]!r}", hint=f"packs are: {', '.join(known)}")
    graph = read_graph(model)
    chosen = list(dict.fromkeys(packs)) or _packs_that_run(graph)
    if not set(chosen) <= {tflm.FOLDER}:
        require(graph, aot_reasons(graph), model, "cannot be exported")
    if tflm.FOLDER in chosen:
        require(graph, limits.firmware_reasons(graph), model, "cannot be exported for TensorFlow Lite Micro")
    rendered = [
        render_tflm(graph, model) if name == tflm.FOLDER else render_pack(graph, PACKS[name])
        for name in chosen
    ]
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        for manifest, files in rendered:
            _replace_folder(out / manifest.pack, manifest, files)
    return [manifest for manifest, _ in rendered]


@contextlib.contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror or error}", hint="give another folder with --out"
        ) from error


def render_pack(graph: Graph, pack: Pack) -> tuple[Manifest, dict[str, str]]:
    """The manifest and the texts of all files by name, for a graph that the aot engine supports. Writes nothing."""
    program = lower(graph, pack)
    sources, flash = codegen.render_aot(graph, pack, program)
    config = render_config(graph, aot=AotConfig(pack.name, program.plan.arena_bytes))
    files = codegen.render_data(graph) | config | sources
    return _manifest(graph, pack.name, program.plan.arena_bytes, flash), files


def render_tflm(graph: Graph, path: Path) -> tuple[Manifest, dict[str, str]]:
    """The same for a graph that the engine tflm supports, read from `path`. Writes nothing.

    Raises:
        InputError: the host's TensorFlow Lite Micro cannot prepare it.
    """
    files, arena = tflm.render(graph, path)
    return _manifest(graph, tflm.FOLDER, arena, len(graph.content)), files


def _packs_that_run(graph: Graph) -> list[str]:
    """All packs of the engines that can run the graph; if none can, packs that will be refused."""
    runs_aot = next(aot_reasons(graph), None) is None
    runs_tflm = next(limits.firmware_reasons(graph), None) is None
    return [*(PACKS if runs_aot or not runs_tflm else ()), *([tflm.FOLDER] if runs_tflm else ())]


def _manifest(graph: Graph, folder: str, arena: int, weights: int) -> Manifest:
    return Manifest(
        name=graph.name,
        sha256=graph.sha256,
        bytes=len(graph.content),
        ops=tuple(op.code for op in graph.ops),
        input=_tensor_info(graph, graph.inputs[0]),
        output=_tensor_info(graph, graph.outputs[0]),
        pack=folder,
        arena_bytes=arena,
        weights_bytes=weights,
        exporter=exporter_digest(),
    )


def exporter_digest() -> str:
    """SHA-256 over the sources and templates that decide what is rendered, lower-case hex."""
    package = Path(__file__).parents[1]
    rooms = [path for room in _ROOMS for path in (package / room).rglob("*") if path.suffix in (".py", ".j2")]
    paths = [Path(__file__), *sorted(rooms)]
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _tensor_info(graph: Graph, index: int) -> TensorInfo:
    tensor = graph.tensors[index]
    scale, zero_point = per_tensor(tensor, tensor.name)
    return TensorInfo(name=tensor.name, shape=tensor.shape, scale=float(scale), zero_point=zero_point)


def _replace_folder(folder: Path, manifest: Manifest, files: dict[str, str]) -> None:
    """Puts a folder with `files` and the manifest in place of `folder`, by renaming."""
    backup = folder.with_name(f".{folder.name}.old")
    if backup.is_dir() and not folder.exists():
        backup.rename(folder)  # a rendering was killed between the two renames below
    with _scratch_folder(folder.parent) as fresh:
        for name, text in files.items():
            (fresh / name).write_text(text, encoding="utf-8", newline="\n")
        manifest.write(fresh)
        if _same_files(fresh, folder):
            return
        shutil.rmtree(backup, ignore_errors=True)
        if folder.exists():
            folder.rename(backup)
        try:
            fresh.rename(folder)
        except BaseException:
            if backup.is_dir() and not folder.exists():
                backup.rename(folder)
            raise
        shutil.rmtree(backup, ignore_errors=True)


@contextlib.contextmanager
def _scratch_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, readable as others are, removed at the end unless it was renamed away."""
    folder = Path(tempfile.mkdtemp(prefix=".rendering-", dir=parent))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _same_files(fresh: Path, folder: Path) -> bool:
    names = {path.name for path in fresh.iterdir()}
    if not folder.is_dir() or names != {path.name for path in folder.iterdir()}:
        return False
    return FILE_NAME in names and all(
        (folder / name).is_file() and (fresh / name).read_bytes() == (folder / name).read_bytes()
        for name in names
    )


def _keep_model(folder: Path, model: Path) -> None:
    """Puts the model into its folder, alone there."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{model.stem}.tflite"
    _replace_file(kept, model.read_bytes())
    for other in folder.glob("*.tflite"):
        if other != kept:
            other.unlink()


def _replace_file(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    handle, name = tempfile.mkstemp(prefix=".rendering-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
