"""`boardproof export`: renders a .tflite file to firmware source, a folder a core profile.

`render()` needs no TensorFlow and no terminal library: PlatformIO's pre-build step calls it too.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from boardproof_export.aot import render as codegen
from boardproof_export.aot.cores import CORES, Core
from boardproof_export.aot.limits import Reason
from boardproof_export.aot.network import Network, resolve
from boardproof_export.aot.schedule import schedule
from boardproof_export.commands.digest import exporter_digest
from boardproof_export.commands.folder import keep_model, replace_folder, writing
from boardproof_export.model.config import AotConfig, render_config
from boardproof_export.operators.registry import constant_bytes, macs
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.manifest import Manifest, OpInfo
from boardproof_export.shared.model import Graph, read_graph
from boardproof_export.shared.project import project_if_any
from boardproof_export.shared.tensors import TensorInfo
from boardproof_export.tflm import render as tflm
from boardproof_export.tflm.engines import require
from boardproof_export.tflm.limits import firmware_reasons

MODEL_FOLDER = "model"  # holds the model that was exported last, under its own name


def run(*, model: Path, out: Path | None, kernels: list[str] | None, as_json: bool) -> int:
    """The command: renders to `out` (default firmware/generated), keeps the model there, and says what was written.

    Raises:
        InputError: see `render`.
    """
    folder = out or _generated()
    manifests = render(model, folder, kernels or ())
    with writing(folder):
        keep_model(folder / MODEL_FOLDER, model)
    if as_json:
        import json

        print(
            json.dumps(
                {"schema": "boardproof.export/2", "folders": [asdict(entry) for entry in manifests]}, indent=2
            )
        )
        return 0
    for entry in manifests:
        print(
            f"{folder / entry.core}: {entry.name}, {len(entry.ops)} operators, "
            f"{entry.constants_bytes:,} B of constants, {entry.arena_bytes:,} B of RAM"
        )
    return 0


def _generated() -> Path:
    project = project_if_any()
    if project is None:
        raise InputError("there is no checkout to render into", hint="name a folder with --out")
    return project.generated


def render(model: Path, out: Path, kernels: Sequence[str]) -> list[Manifest]:
    """Renders the .tflite file `model` for each of `kernels`, to a folder of that name in `out`.

    Kernels are a core profile of the ahead-of-time engine, or `tflm` for the other engine; none means all that can run
    the model.

    Everything is rendered before anything is written, and a folder appears whole or not at all: a failure or an
    interruption leaves what was there. Files whose bytes would not change are left alone, so that nothing is
    built again.

    Raises:
        InputError: the model cannot be used, an operator cannot run, there are no such kernels, or `out` cannot be
            written.
    """
    known = (*CORES, tflm.FOLDER)
    unknown = [name for name in kernels if name not in known]
    if unknown:
        raise InputError(f"there are no kernels {unknown[0]!r}", hint=f"there are: {', '.join(known)}")
    graph = read_graph(model)
    network = resolve(graph)
    tflm_reasons = tuple(firmware_reasons(graph))
    chosen = list(dict.fromkeys(kernels)) or _kernels_that_run(network, runs_tflm=not tflm_reasons)
    if not isinstance(network, Network) and not set(chosen) <= {tflm.FOLDER}:
        require(graph, network, model, "cannot be exported")
    if tflm.FOLDER in chosen:
        require(graph, tflm_reasons, model, "cannot be exported for TensorFlow Lite Micro")
    rendered = [
        render_aot(network, CORES[name])
        if isinstance(network, Network) and name in CORES
        else render_tflm(graph, model)
        for name in chosen
    ]
    with writing(out):
        for manifest, files in rendered:
            replace_folder(out / manifest.core, manifest, files)
    return [manifest for manifest, _ in rendered]


def render_aot(network: Network, core: Core) -> tuple[Manifest, dict[str, str]]:
    """The manifest and the texts of all files by name. Writes nothing."""
    graph = network.graph
    program = schedule(network, core)
    sources, flash = codegen.render_aot(graph, core, program)
    arena = program.plan.arena_bytes
    ops = tuple(
        OpInfo(
            step.node.op.code,
            None if step.kernel is None else step.kernel.name,
            macs(graph, step.node.op),
            flash.get(step.node.op.index, 0),
        )
        for step in program.steps
    )
    config = render_config(graph, macs=sum(op.macs for op in ops), aot=AotConfig(core.name, arena))
    return _manifest(graph, ("aot", core.name), ops, arena, sum(flash.values())), config | sources


def render_tflm(graph: Graph, path: Path) -> tuple[Manifest, dict[str, str]]:
    """The same for a graph that the engine tflm supports, read from `path`. Writes nothing.

    Raises:
        InputError: the host's TensorFlow Lite Micro cannot prepare it.
    """
    files, arena = tflm.render(graph, path)
    ops = tuple(OpInfo(op.code, None, macs(graph, op), constant_bytes(graph, op)) for op in graph.ops)
    return _manifest(graph, ("tflm", tflm.FOLDER), ops, arena, len(graph.content)), files


def _kernels_that_run(network: Network | tuple[Reason, ...], *, runs_tflm: bool) -> list[str]:
    """All kernels of the engines that can run the graph; if none can, those that will be refused."""
    runs_aot = isinstance(network, Network)
    return [*(CORES if runs_aot or not runs_tflm else ()), *([tflm.FOLDER] if runs_tflm else ())]


def _manifest(
    graph: Graph, engine_and_core: tuple[str, str], ops: tuple[OpInfo, ...], arena: int, constants: int
) -> Manifest:
    engine, core = engine_and_core
    return Manifest(
        name=graph.name,
        sha256=graph.sha256,
        bytes=graph.file_bytes,
        engine=engine,
        core=core,
        inputs=_edges(graph, graph.inputs),
        outputs=_edges(graph, graph.outputs),
        ops=ops,
        arena_bytes=arena,
        constants_bytes=constants,
        exporter=exporter_digest(),
    )


def _edges(graph: Graph, indices: Sequence[int]) -> tuple[TensorInfo, ...]:
    infos = [graph.tensors[index].info for index in indices]
    return tuple(info for info in infos if info is not None)  # limits.configuration_reasons refuses others
