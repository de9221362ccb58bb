"""What the host reads of a .tflite file: its one int8 input and output, and its operators.

It needs neither TensorFlow nor an interpreter; the export side reads much more (`boardproof inspect`).
"""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.project import Project
from boardproof_host.boards.targets import load_targets
from boardproof_host.link.handshake import Identity
from boardproof_host.record.schema import Model

_TFLITE_INT8 = 9  # schema.fbs, enum TensorType
_INSPECT = "see what the file holds: boardproof inspect FILE.tflite"


@dataclass(frozen=True)
class ModelFacts:
    """What hello tells of a model, and what errors are named by. Sizes in int8 elements; real = scale * (q - zero)."""

    input_bytes: int
    input_scale: float
    input_zero_point: int
    output_bytes: int
    output_scale: float
    output_zero_point: int
    schema_version: int
    op_names: tuple[str, ...]  # in execution order
    op_codes: tuple[int, ...]  # builtin codes, likewise
    op_outputs: tuple[int, ...]  # index of each operator's first output tensor


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
        exported=named is None or named == project.exported_model,
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
        InputError: it cannot be read, is no .tflite file, or has not one int8 input and one int8 output.
    """
    content = read_content(path)
    facts = read_facts(content, str(path))
    digest = hashlib.sha256(content).hexdigest()
    return Model(name=path.name, sha256=digest, bytes=len(content), ops=facts.op_names)


def read_facts(content: bytes, name: str = "the model") -> ModelFacts:
    """Reads a .tflite file.

    Raises:
        InputError: it is none, is damaged, or has not one int8 input and one int8 output.
    """
    import tflite  # 0.2 s

    try:
        if not tflite.Model.ModelBufferHasIdentifier(content, 0):
            raise InputError(f"{name} is not a .tflite file", hint=_INSPECT)
        return _facts(tflite, content, name)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{name} cannot be parsed: it is cut short or damaged", hint=_INSPECT) from error


def _facts(tflite: Any, content: bytes, name: str) -> ModelFacts:
    model = tflite.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    source = _only(name, "input", [graph.Tensors(graph.Inputs(i)) for i in range(graph.InputsLength())])
    sink = _only(name, "output", [graph.Tensors(graph.Outputs(i)) for i in range(graph.OutputsLength())])
    operators = [graph.Operators(i) for i in range(graph.OperatorsLength())]
    known = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    builtin = [max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in known]
    names = {value: text for text, value in vars(tflite.BuiltinOperator).items() if not text.startswith("_")}
    codes = tuple(builtin[operator.OpcodeIndex()] for operator in operators)
    return ModelFacts(
        _count(source),
        *_quantization(source),
        _count(sink),
        *_quantization(sink),
        schema_version=model.Version(),
        op_names=tuple(names.get(code, f"operator {code}") for code in codes),
        op_codes=codes,
        op_outputs=tuple(operator.Outputs(0) for operator in operators),
    )


def _only(name: str, side: str, tensors: list[Any]) -> Any:
    if len(tensors) != 1:
        raise InputError(f"{name} has {len(tensors)} {side}s; one is supported", hint=_INSPECT)
    if tensors[0].Type() != _TFLITE_INT8:
        raise InputError(
            f"the {side} of {name} is not int8",
            hint="convert it with full int8 quantization: boardproof convert",
        )
    return tensors[0]


def _count(tensor: Any) -> int:
    product = 1
    for axis in range(tensor.ShapeLength()):
        product *= int(tensor.Shape(axis))
    return product


def _quantization(tensor: Any) -> tuple[float, int]:
    quantization = tensor.Quantization()
    if quantization is None or not quantization.ScaleLength():
        return 0.0, 0
    zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
    return float(quantization.Scale(0)), zero_point
