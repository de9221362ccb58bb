"""The architecture, as tests: who may import whom, and what must stay cheap to import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.host_c import ROOT

EXPORT = ROOT / "export" / "boardproof_export"
HOST = ROOT / "host" / "boardproof_host"


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, lazily or not; `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", files(HOST), ids=lambda path: str(path.relative_to(HOST)))
def test_host_imports_only_the_shared_room_of_export(path: Path) -> None:
    for name in imports(path):
        if name.startswith("boardproof_export"):
            assert name.startswith("boardproof_export.shared"), name


@pytest.mark.parametrize("path", files(EXPORT), ids=lambda path: str(path.relative_to(EXPORT)))
def test_export_never_imports_host(path: Path) -> None:
    assert not [name for name in imports(path) if name.startswith("boardproof_host")]


@pytest.mark.parametrize("path", files(EXPORT / "shared"), ids=lambda path: path.name)
def test_the_shared_room_imports_nothing_else_of_export(path: Path) -> None:
    for name in imports(path):
        if name.startswith("boardproof_export"):
            assert name.startswith("boardproof_export.shared"), name


def test_metrics_do_no_io() -> None:
    names = set(imports(HOST / "record" / "metrics.py"))
    assert not {name for name in names if name.split(".")[0] in {"pathlib", "os", "sys", "io", "subprocess"}}
    tree = ast.parse((HOST / "record" / "metrics.py").read_text(encoding="utf-8"))
    calls = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


@pytest.mark.parametrize("path", files(HOST / "report"), ids=lambda path: path.name)
def test_report_computes_nothing(path: Path) -> None:
    for name in imports(path):
        assert not name.startswith(("numpy", "boardproof_host.oracles")), name
        # Types of the record are welcome, functions that compute are not.
        assert not name.startswith("boardproof_host.record.metrics.") or name.split(".")[-1][0].isupper(), (
            name
        )


@pytest.mark.parametrize("module", ["boardproof_host.commands.main", "boardproof_export.commands.main"])
def test_the_command_line_imports_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'rich', 'serial', 'ai_edge_litert', 'tflite_micro', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_protocol_files_are_rendered_from_the_declaration() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "firmware" / "generate_protocol.py", "--check"], check=False
    )
    assert done.returncode == 0
