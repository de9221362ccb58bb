"""The exporter's own version: a change of what renders is a change of what is rendered."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ENTRY = Path(__file__).with_name("export.py")


@cache
def exporter_digest() -> str:
    """SHA-256 over the sources and templates that decide what is rendered, lower-case hex."""
    digest = hashlib.sha256()
    for path in exporter_sources():
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def exporter_sources() -> list[Path]:
    """commands/export.py, what it imports of this package and so on, all operators, and the templates beside them."""
    package = _ENTRY.parents[1]
    waiting, found = [_ENTRY, *(package / "operators").glob("*.py")], set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path, package)
    templates = {path for folder in {path.parent for path in found} for path in folder.glob("templates/*.j2")}
    return sorted(found | templates)


def _imported(source: Path, package: Path) -> Iterator[Path]:
    """Modules of this package that a source imports."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            module = package.parent.joinpath(*name.split("."))
            for path in (module.with_suffix(".py"), module / "__init__.py"):
                if path.is_relative_to(package) and path.is_file():
                    yield path
