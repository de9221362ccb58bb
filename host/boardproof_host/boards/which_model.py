"""Which .tflite file a board runs: the candidates on this machine, and the one whose hash the board tells."""

import hashlib
from pathlib import Path

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import read_graph
from boardproof_export.shared.project import Project
from boardproof_host.boards.targets import load_targets
from boardproof_host.link.handshake import Identity
from boardproof_host.oracles.edges import Edges
from boardproof_host.record.schema import Model, Op


def read_content(path: Path) -> bytes:
    """A model file's bytes.

    Raises:
        InputError: it is missing, a folder, or unreadable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="name a .tflite file") from error


def candidates(project: Project, named: Path | None) -> tuple[Path, ...]:
    """The files that may be the firmware's model, at least one.

    The one that is named; else the exported one; else what targets are rendered from while none is exported.
    """
    if named is not None or project.exported_model.is_file():
        return (named or project.exported_model,)
    return _committed(project)


def model_of(project: Project, named: Path | None, identity: Identity) -> Path:
    """The file that the board's firmware was rendered from.

    Raises:
        LinkError: it is none of the candidates.
    """
    found = _with_hash(candidates(project, named), identity.model_sha256)
    if found is not None:
        return found
    known = _with_hash(_committed(project), identity.model_sha256)
    wanted = named or _rendered_next(project, identity.target)
    identity.check_model(
        hashlib.sha256(read_content(wanted)).hexdigest(),
        str(wanted),
        None if known is None else str(known),
    )
    return wanted


def _rendered_next(project: Project, name: str) -> Path:
    """What a build of the target would take."""
    if project.exported_model.is_file():
        return project.exported_model
    target = load_targets(project).get(name)
    return project.reference_model if target is None or not target.model else project.root / target.model


def _committed(project: Project) -> tuple[Path, ...]:
    own = {target.model for target in load_targets(project).values() if target.model}
    return (project.reference_model, *(project.root / path for path in sorted(own)))


def _with_hash(paths: tuple[Path, ...], sha256: str) -> Path | None:
    for path in paths:
        if path.is_file() and hashlib.sha256(read_content(path)).hexdigest() == sha256:
            return path
    return None


def describe_model(path: Path) -> Model:
    """What the report says of a .tflite file.

    Raises:
        InputError: it cannot be read, is no .tflite file, or has an input or output that no board takes.
    """
    graph = read_graph(path)
    edges = Edges.of(graph, path)
    return Model(
        name=path.name,
        sha256=graph.sha256,
        bytes=len(graph.content),
        ops=tuple(Op(op.code) for op in graph.ops),
        inputs=edges.inputs,
        outputs=edges.outputs,
    )
