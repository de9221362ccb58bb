"""An operator has three rooms: its module of the exporter, its C, its tests. No other source knows its name."""

import re
from pathlib import Path

import numpy as np
import pytest

from boardproof_export.commands.digest import exporter_sources
from boardproof_export.operators.records import Operator
from boardproof_export.operators.registry import operators
from boardproof_export.shared.model import Activation
from support.host_c import ROOT

EXPORT = ROOT / "export" / "boardproof_export"
AOT = ROOT / "firmware" / "src" / "engine" / "aot"
OPERATORS = sorted(operators().values(), key=lambda operator: operator.name)


def elsewhere(room: str) -> list[Path]:
    """Sources that belong to no operator by that name. What TensorFlow Lite Micro has is a list of its own."""
    sources = [path for path in EXPORT.rglob("*") if path.suffix in (".py", ".j2")]
    sources += [path for path in AOT.rglob("*") if path.suffix in (".c", ".h", ".S")]
    sources += (ROOT / "host" / "boardproof_host").rglob("*.py")
    rooms = (EXPORT / "operators", AOT / "operators")
    return [
        path
        for path in sources
        if (EXPORT / "tflm") not in path.parents
        and not (path.stem == room and (path.parent in rooms or AOT / "cores" in path.parents))
    ]


def code_of(path: Path) -> str:
    """A source without its comments and docstrings: those may say what they want."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return re.sub(r'""".*?"""|#[^\n]*', "", text, flags=re.DOTALL)
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_no_other_source_names_an_operator(operator: Operator) -> None:  # type: ignore[type-arg]
    name = re.compile(rf"(?<![a-z0-9]){operator.name}(?![a-z0-9])", re.IGNORECASE)
    if "_" not in operator.name or hasattr(np, operator.name):  # a word of the language, or of NumPy
        name = re.compile(
            rf"(?<![A-Z0-9_]){operator.name.upper()}(?![A-Z0-9_])|aot_{operator.name}(?![a-z0-9])"
        )
    if operator.name.upper() in Activation.__members__:  # fused ones have the same names
        name = re.compile(rf"aot_{operator.name}(?![a-z0-9])")
    sources = elsewhere(operator.room)
    if "_" not in operator.name:  # on the host's side such words mean other things, too
        sources = [path for path in sources if (ROOT / "host") not in path.parents]
    found = [str(path.relative_to(ROOT)) for path in sources if name.search(code_of(path))]
    assert found == []


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_an_operator_has_its_rooms(operator: Operator) -> None:  # type: ignore[type-arg]
    assert (EXPORT / "operators" / f"{operator.room}.py").is_file()
    assert (AOT / "operators" / f"{operator.c_room}.h").is_file() or not operator.kernels
    assert not operator.kernels or operator.kernels[-1].needs == frozenset()


def test_every_module_of_rendering_is_in_the_digest() -> None:
    """What rendering imports, and templates; nothing of the commands for people, or of the ladder."""
    names = {str(path.relative_to(EXPORT)) for path in exporter_sources()}
    assert {f"operators/{operator.room}.py" for operator in OPERATORS} <= names
    assert {
        "aot/plan.py",
        "aot/templates/model_aot.c.j2",
        "model/config.py",
        "shared/model/reader.py",
        "shared/model/records.py",
        "tflm/arena.py",
    } <= names
    assert not {name for name in names if name.startswith(("ladder/", "commands/inspect"))}
