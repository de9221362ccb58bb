"""Targets, as platformio.ini and the board definitions name them."""

import json
import re
from pathlib import Path

import pytest
from platformio.project.config import ProjectConfig

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import read_graph
from boardproof_export.shared.project import Project, find_project
from boardproof_export.tflm.resolver import resolver
from boardproof_host.boards.targets import NATIVE, VIRTUAL, find_target, load_targets
from support.host_c import ROOT

REAL_BOARDS = {
    "nano33ble": "cortex-m4",
    "pico": "cortex-m0plus",
    "esp32": "xtensa-lx6",
    "esp32s3": "xtensa-lx7",
    "nucleo_f446re": "cortex-m4",
    "nucleo_f767zi": "cortex-m7",
    "teensy41": "cortex-m7",
    "mega2560": "avr-atmega2560",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "firmware" / "boards").mkdir(parents=True)
    return Project(tmp_path)


def write(project: Project, text: str) -> None:
    project.platformio_ini.write_text(text, encoding="utf-8")


def test_a_section_overrides_what_it_extends_and_the_last_base_lies_on_top(project: Project) -> None:
    write(
        project,
        "[env]\ncustom_engine = aot\ncustom_kernels = shared\n"
        "[base]\nboard = below\ncustom_kernels = base\n"
        "[first]\nextends = base\nboard = first\n"
        "[second]\nboard = second\ncustom_title = Second\n"
        "[env:one]\nextends = first, second\ncustom_engine = tflm\n"
        "[env:two]\nboard = own ; a comment\n",
    )
    found = load_targets(project)
    assert list(found) == ["one", "two", VIRTUAL.name, NATIVE.name]
    one, two = found["one"], found["two"]
    assert (one.board, one.engine, one.kernels, one.description) == ("second", "tflm", "base", "Second")
    assert (two.board, two.engine, two.kernels, two.description) == ("own", "aot", "shared", "own")
    assert not one.emulated


def test_a_board_definition_of_ours_says_how_it_is_emulated(project: Project) -> None:
    definition = {"name": "A board", "build": {"kernels": "dsp"}, "emulator": {"program": "qemu-system-arm"}}
    (project.boards / "mine.json").write_text(json.dumps(definition), encoding="utf-8")
    write(project, "[env:mine]\nboard = mine\n")
    target = find_target(project, "mine")
    assert (target.description, target.kernels, target.emulated) == ("A board", "dsp", True)


@pytest.mark.parametrize(
    "text",
    [
        "no section",
        "[env:a]\nextends = gone\n",
        "[env:a]\nextends = b\n[b]\nextends = env:a\n",
        "[env:a]\nboard = broken\n",
        "[env:a]\nboard = list\n",
        "[env:a]\ncustom_title = \xe4\n",  # not UTF-8 in the file
    ],
)
def test_files_that_cannot_be_used(project: Project, text: str) -> None:
    (project.boards / "broken.json").write_text("{", encoding="utf-8")
    (project.boards / "list.json").write_text("[]", encoding="utf-8")
    project.platformio_ini.write_text(text, encoding="latin-1")
    with pytest.raises(InputError):
        load_targets(project)


def test_a_wrong_project_is_not_replaced_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDPROOF_PROJECT", str(tmp_path))
    with pytest.raises(InputError, match="no boardproof checkout"):
        find_project()


@pytest.mark.parametrize("where", ["platformio.ini", "the board definition"])
def test_the_former_name_of_kernels_is_refused(project: Project, where: str) -> None:
    """Passed over, it would have the portable kernels built, and nobody would know why they are slow."""
    in_definition = where == "the board definition"
    definition = {"name": "A board", "build": {"pack": "dsp"} if in_definition else {}}
    (project.boards / "mine.json").write_text(json.dumps(definition), encoding="utf-8")
    write(project, "[env:mine]\nboard = mine\n" + ("" if in_definition else "custom_pack = dsp\n"))
    with pytest.raises(InputError, match="they are custom_kernels") as caught:
        load_targets(project)
    assert "rename" in caught.value.hint


def test_the_nearest_names_are_offered() -> None:
    with pytest.raises(InputError) as error:
        find_target(Project(ROOT), "qemu_cortexm4")
    assert "qemu_cortex_m4" in error.value.hint


def test_platformio_reads_the_same() -> None:
    """Two readers of one file: for every environment the options that matter here are equal."""
    config = ProjectConfig(str(ROOT / "platformio.ini"))
    found = load_targets(Project(ROOT))
    assert set(config.envs()) == set(found) - {VIRTUAL.name, NATIVE.name}
    for name in config.envs():
        section, target = f"env:{name}", found[name]
        assert config.get(section, "board") == target.board
        assert config.get(section, "custom_engine") == target.engine
        assert config.get(section, "custom_kernels", target.kernels) == target.kernels
        assert config.get(section, "custom_title", target.description) == target.description


def test_real_boards_are_pinned_and_say_what_they_are() -> None:
    config = ProjectConfig(str(ROOT / "platformio.ini"))
    found = load_targets(Project(ROOT))
    for name, core in REAL_BOARDS.items():
        assert not found[name].emulated
        assert config.get(f"env:{name}", "custom_core") == core
    for name, target in found.items():
        if target.emulated:
            continue
        section = f"env:{name}"
        assert re.search(r"@\d|/download/\d", config.get(section, "platform")), f"{name} is not pinned"
        assert config.get(section, "framework") == ["arduino"]
        engine = f"+<engine/{target.engine}/>"
        assert any(engine in line for line in config.get(section, "build_src_filter")), name
        if target.engine == "tflm":
            check_library(config, section)


def check_library(config: ProjectConfig, section: str) -> None:
    """Of 2023 and by its own name, with a model that it computes right; or the one in Espressif's core library."""
    if "espressif32" in config.get(section, "platform"):
        assert "-D TF_LITE_STATIC_MEMORY" in config.get(section, "build_flags"), section
        return
    (library,) = config.get(section, "lib_deps")
    assert re.search(r"#v\d", library), f"{section}: {library} is not pinned"
    assert "-D TF_LITE_STATIC_MEMORY" not in config.get(section, "build_flags"), section
    model = ROOT / config.get(section, "custom_model")
    assert not resolver(read_graph(model)).per_channel_dense, section


def test_every_real_board_is_built_in_the_public_ci() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    built = re.findall(r"^          - (\w+)$", workflow, flags=re.MULTILINE)
    real = [name for name, target in load_targets(Project(ROOT)).items() if not target.emulated]
    assert built == real
