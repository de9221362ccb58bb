"""What the report says of a .tflite file: name, digest, size, operators."""

import hashlib
import struct
from pathlib import Path

from boardproof_export.manifest.errors import InputError

from boardproof_host.record import Model

_INSPECT = "see what the file holds: boardproof inspect FILE.tflite"


def describe_model(path: Path) -> Model:
    """Reads a .tflite file's operators; needs neither TensorFlow nor an interpreter.

    Raises:
        InputError: it is missing, a folder, not a .tflite file, cut short or damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="name a .tflite file") from error
    try:
        ops = _operators(content)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is no .tflite file, or is cut short or damaged", hint=_INSPECT) from error
    return Model(
        name=path.name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), ops=tuple(ops)
    )


def _operators(content: bytes) -> list[str]:
    import tflite  # 0.2 s

    if not tflite.Model.ModelBufferHasIdentifier(content, 0):
        raise ValueError("no TFL3 identifier")
    names = {value: name for name, value in vars(tflite.BuiltinOperator).items() if not name.startswith("_")}
    model = tflite.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    builtin = [max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in codes]
    return [
        names.get(builtin[graph.Operators(i).OpcodeIndex()], "UNKNOWN")
        for i in range(graph.OperatorsLength())
    ]
