"""Which .tflite file a board runs: what a build takes, and the file whose hash a board tells."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from boardproof_export.shared.errors import InputError, LinkError, ToolMissingError
from boardproof_export.shared.facts import ModelFacts
from boardproof_export.shared.files import read_model
from boardproof_export.shared.model import Graph, read_graph
from boardproof_export.shared.project import Project
from boardproof_host.boards.targets import Target, load_targets
from boardproof_host.link.handshake import Identity
from boardproof_host.oracles.edges import Edges
from boardproof_host.record.schema import Model, Op

_INSTALL_AGAIN = "install it again: python -m pip install . (in a checkout: make set-up)"


def default_model(project: Project, target: Target) -> Path:
    """What a target's firmware is rendered from when nobody names a model: the exported one, else the target's own,
    else the reference model."""
    exported = project.exported_model
    if exported is not None:
        return exported
    return project.root / target.model if target.model else project.reference_model


def check_runs(target: Target, path: Path) -> None:
    """Refuses a model that the target's engine cannot run. What `export` knows of engines it is asked for through an
    entry point: nothing of it is imported here.

    Raises:
        InputError: it cannot; the words are those of `export`.
        ToolMissingError: this installation is older than the check.
    """
    checks = entry_points(group="boardproof.checks", name="engine")
    if not checks:
        raise ToolMissingError(
            "boardproof was installed before it knew how to check a model",
            hint=_INSTALL_AGAIN,
        )
    for check in checks:
        check.load()(path, target.engine, f"on {target.name}")


def facts_of(path: Path, identity: Identity, kept: Path) -> ModelFacts:
    """What `export` knows of the model that a board runs: kernels, multiply-accumulates, where tensors lie.

    Args:
        kept: a folder for answers that take long.

    Raises:
        InputError: the file cannot be read.
        ToolMissingError: this installation is older than the question.
    """
    found = entry_points(group="boardproof.facts", name="model")
    for point in found:
        facts: ModelFacts = point.load()(path, identity.engine, identity.kernels, kept)
        return facts
    raise ToolMissingError(
        "boardproof was installed before it knew what to ask of a model", hint=_INSTALL_AGAIN
    )


def model_of(project: Project | None, named: Path | None, identity: Identity) -> Path:
    """The file that the board's firmware was rendered from.

    Raises:
        InputError: nobody named it, and there is no checkout to look in.
        LinkError: it is not the one that was named, or none that lies here.
    """
    known = {} if project is None else {_sha256(path): path for path in _candidates(project)}
    found = known.get(identity.model_sha256)
    # What was exported is what is meant: a board that was flashed before is stale, or has to be asked for.
    wanted = named or (None if project is None else project.exported_model)
    if wanted is None and found is not None:
        return found
    if wanted is None:
        if project is None:
            raise InputError(
                f"which .tflite file is in the firmware ({identity.model_sha256[:12]})?",
                hint="name it with --model",
            )
        raise LinkError(
            f"the board runs a model that is not here: {identity.model_sha256[:12]}",
            hint=f"name its file (--model FILE), or flash one that is: boardproof flash --target {identity.target}",
        )
    identity.check_model(_sha256(wanted), str(wanted), None if found is None else str(found))
    return wanted


def _candidates(project: Project) -> Iterator[Path]:
    """Models of the checkout, the exported one last: it wins where the same file lies there twice."""
    yield from sorted((project.state / "model").glob("*/*_int8*.tflite"))
    for target in load_targets(project).values():
        if target.model:
            yield project.root / target.model
    yield from project.reference_models.values()
    if project.exported_model is not None:
        yield project.exported_model


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_model(path)).hexdigest()


def describe_model(path: Path) -> Model:
    """What the report says of a .tflite file.

    Raises:
        InputError: it cannot be read, is no .tflite file, or has an input or output that no board takes.
    """
    return describe_graph(read_graph(path), path)


def describe_graph(graph: Graph, path: Path) -> Model:
    """The same of what was read from it.

    Raises:
        InputError: it has an input or output that no board takes.
    """
    edges = Edges.of(graph, path)
    return Model(
        name=path.name,
        sha256=graph.sha256,
        bytes=graph.file_bytes,
        ops=tuple(Op(op.code) for op in graph.ops),
        inputs=edges.inputs,
        outputs=edges.outputs,
    )
