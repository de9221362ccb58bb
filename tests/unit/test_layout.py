"""The architecture, as tests: who may import whom, and what must stay cheap to import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from support.host_c import ROOT

EXPORT = ROOT / "export" / "boardproof_export"
HOST = ROOT / "host" / "boardproof_host"
PUBLIC = ROOT / "host" / "boardproof"


# From the ground up: a room imports rooms before it, never one behind it.
FLOORS = {
    EXPORT: ["shared", "model", "operators", "aot", "tflm", "precision", "ladder", "commands"],
    HOST: ["protocol", "link", "ports", "record", "oracles", "report", "boards", "runs", "commands"],
    PUBLIC: [],
}
RENDERED = {HOST / "protocol" / "messages.py"}  # nobody writes it
PROGRAMS = {HOST / "boards" / "virtual" / "board.py"}  # started as a process
LONGEST, MEDIAN = 350, 150  # lines of a source file


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


@pytest.mark.parametrize(
    "path", files(HOST) + files(PUBLIC), ids=lambda path: str(path.relative_to(ROOT / "host"))
)
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


@pytest.mark.parametrize("path", files(HOST) + files(EXPORT), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_stands_on_the_public_face(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] == "boardproof"]


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


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for package in FLOORS
        for path in files(package)
    }


def imported_modules(path: Path, known: dict[str, Path]) -> set[str]:
    """Modules of this project that a file imports, lazily or not."""
    named = {name if name in known else name.rpartition(".")[0] for name in imports(path)}
    return {name for name in named if known.get(name, path) != path}


@pytest.mark.parametrize("package", FLOORS, ids=lambda package: package.name)
def test_imports_run_one_way(package: Path) -> None:
    floors = FLOORS[package]
    assert {path.name for path in package.iterdir() if (path / "__init__.py").is_file()} == set(floors)
    for path in files(package):
        room = path.relative_to(package).parts[0]
        for name in imports(path):
            if name.startswith(f"{package.name}.") and room in floors:
                assert floors.index(name.split(".")[1]) <= floors.index(room), f"{path} imports {name}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    known = modules()
    left = {name: imported_modules(path, known) for name, path in known.items()}
    while ground := {name for name, needs in left.items() if not needs & left.keys()}:
        left = {name: needs for name, needs in left.items() if name not in ground}
    assert not left


def test_sources_are_short() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in modules().values()
        if path not in RENDERED
    }
    assert not {str(path): length for path, length in lengths.items() if length > LONGEST}
    assert median(lengths.values()) < MEDIAN


@pytest.mark.parametrize(
    "path",
    [path for package in FLOORS for path in files(package) if path.name == "__init__.py"],
    ids=lambda path: str(path.parent.relative_to(ROOT)),
)
def test_a_package_says_what_lives_there(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_arguments_end_in_commands() -> None:
    """Below them nobody sees an argparse.Namespace, but for what is a program of its own."""
    for path in modules().values():
        if path.parent.name != "commands" and path not in PROGRAMS:
            assert not any(name.split(".")[0] == "argparse" for name in imports(path)), path
