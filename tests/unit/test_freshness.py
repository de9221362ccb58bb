"""A build is taken for current only where nothing that it would read has changed, and nothing that it left."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from boardproof_export.shared.project import Project
from boardproof_host.boards import freshness
from boardproof_host.boards.targets import NATIVE, Target

EMULATED = replace(NATIVE, name="emulated", emulator={"program": "qemu"})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in ("platformio.ini", "model.tflite", "firmware/src/main.c", "firmware/generated/model.c"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before")
    return Project(tmp_path)


def digest(project: Project, target: Target = EMULATED) -> str | None:
    return freshness.inputs(project, target, project.root / "model.tflite")


def later(path: Path) -> None:
    """Other content of the same length, a moment later."""
    stat = path.stat()
    path.write_text("behind")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a source": lambda root: later(root / "firmware" / "src" / "main.c"),
    "a new source": lambda root: (root / "firmware" / "src" / "new.c").write_text(""),
    "a source that is gone": lambda root: (root / "firmware" / "src" / "main.c").unlink(),
    "a setting": lambda root: later(root / "platformio.ini"),
    "the model": lambda root: (root / "model.tflite").write_text("behind"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_built_again(project: Project, change: str) -> None:
    before = digest(project)
    assert digest(project) == before
    CHANGES[change](project.root)
    assert digest(project) != before


@pytest.mark.parametrize("variable", ["PLATFORMIO_BUILD_FLAGS", "CPATH", "PATH"])
def test_the_environment_counts(project: Project, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(project)
    monkeypatch.setenv(variable, str(project.root))
    assert digest(project) != before


def test_libraries_from_outside_count(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path_factory.mktemp("library") / "kernel.cc"
    library.write_text("before")
    monkeypatch.setenv("PLATFORMIO_LIB_EXTRA_DIRS", str(library.parent))
    before = digest(project)
    later(library)
    assert digest(project) != before


def test_what_the_build_renders_itself_does_not_count(project: Project) -> None:
    before = digest(project)
    later(project.firmware / "generated" / "model.c")
    assert digest(project) == before


def test_a_platform_that_is_not_ours_is_never_judged(project: Project) -> None:
    assert digest(project, replace(EMULATED, emulator=None)) is None


def test_what_a_build_left_has_to_be_there_as_it_was(tmp_path: Path) -> None:
    elf, record = tmp_path / "program.elf", tmp_path / "build.json"
    assert not freshness.is_current(tmp_path, "digest")
    elf.write_text("before")
    record.write_text(json.dumps({"elf": elf.name}))
    freshness.remember(tmp_path, "digest")
    assert freshness.is_current(tmp_path, "digest")
    assert not freshness.is_current(tmp_path, "another")
    later(elf)
    assert not freshness.is_current(tmp_path, "digest")
    freshness.remember(tmp_path, "digest")
    freshness.forget(tmp_path)
    assert not freshness.is_current(tmp_path, "digest")
    freshness.remember(tmp_path, "digest")
    elf.unlink()
    assert not freshness.is_current(tmp_path, "digest")
