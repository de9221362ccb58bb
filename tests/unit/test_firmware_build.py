"""The build scripts' pure part, and PlatformIO's preparation where its registry is out of reach."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from host_engine import run_compiler
from support.host_c import ROOT

sys.path.insert(0, str(ROOT / "firmware" / "scripts"))

import firmware_build

from boardproof_export.shared.project import Project
from boardproof_host.boards import build
from boardproof_host.boards.overflow import overflow

SCRIPTS, PLATFORM = ROOT / "firmware" / "scripts", ROOT / "firmware" / "platform"
OFFLINE = PLATFORM / "offline.py"


@pytest.mark.parametrize(
    "path",
    [*SCRIPTS.glob("*.py"), *PLATFORM.rglob("*.py")],
    ids=lambda path: str(path.relative_to(ROOT / "firmware")),
)
def test_what_platformio_runs_takes_an_older_python(path: Path) -> None:
    """PlatformIO is often installed for a Python of its own; annotations are not evaluated then."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    unions = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.BinOp)
        and isinstance(node.value.op, ast.BitOr)
    ]
    assert not unions  # types joined by a bar, evaluated


class TestBuildId:
    @staticmethod
    def sources(root: Path) -> list[Path]:
        (root / "src").mkdir(parents=True)
        (root / "src" / "a.c").write_text("int a;\n")
        (root / "src" / "b.h").write_text("int b;\n")
        (root / "src" / "notes.txt").write_text("not compiled\n")
        return firmware_build.files_below([root / "src"])

    def test_it_is_the_same_in_another_folder(self, tmp_path: Path) -> None:
        ids = {
            firmware_build.build_id(tmp_path / name, self.sources(tmp_path / name), {"x": 1})
            for name in ("one", "two")
        }
        assert len(ids) == 1
        assert len(ids.pop()) == 8

    def test_it_changes_with_a_source_its_name_and_the_configuration(self, tmp_path: Path) -> None:
        sources = self.sources(tmp_path)
        ids = [firmware_build.build_id(tmp_path, sources, {"compiler": "gcc 12"})]
        ids.append(firmware_build.build_id(tmp_path, sources, {"compiler": "gcc 13"}))
        (tmp_path / "src" / "a.c").write_text("int c;\n")
        ids.append(firmware_build.build_id(tmp_path, sources, {"compiler": "gcc 12"}))
        (tmp_path / "src" / "a.c").rename(tmp_path / "src" / "c.c")
        ids.append(
            firmware_build.build_id(
                tmp_path, firmware_build.files_below([tmp_path / "src"]), {"compiler": "gcc 12"}
            )
        )
        assert len(set(ids)) == 4

    def test_only_sources_count(self, tmp_path: Path) -> None:
        assert [path.name for path in self.sources(tmp_path)] == ["a.c", "b.h"]

    def test_the_header_holds_it(self) -> None:
        text = firmware_build.header("qemu_cortex_m4", "cortex-m4", bytes.fromhex("0123456789abcdef"))
        assert '#define BOARDPROOF_TARGET "qemu_cortex_m4"\n' in text
        assert '#define BOARDPROOF_CORE "cortex-m4"\n' in text
        assert "{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}\n" in text
        assert firmware_build.identity_of(text) == "0123456789abcdef"


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.h"
    firmware_build.write_if_changed(path, "a\n")
    os.utime(path, (1, 1))
    firmware_build.write_if_changed(path, "a\n")
    assert path.stat().st_mtime == 1
    firmware_build.write_if_changed(path, "b\n")
    assert path.read_text() == "b\n"


@pytest.mark.parametrize(
    ("listing", "pattern", "expected"),
    [
        ("x.elf  :\nsection size addr\n.text  100  0\n.data 8 5\n", r"^(?:\.text|\.data)\s+(\d+).*", 108),
        ("   text data bss\n   100    20   3  123 7b x.elf", r"^(\d+)\s+(\d+)\s+\d+\s", 120),
        ("size: cannot open", r"^(\d+)\s+(\d+)\s+\d+\s", None),
        (".text 100 0", None, None),
    ],
)
def test_sizes_are_added_up_as_platformio_does(
    listing: str, pattern: str | None, expected: int | None
) -> None:
    assert firmware_build.sum_of_sizes(listing, pattern) == expected


@pytest.mark.parametrize(
    ("arena", "constants", "words"),
    [
        (8192, 253952, None),
        (9000, 10, "9,000 bytes of RAM for its tensors, the board has 8,192: at least 808 bytes are missing"),
        (10, 253953, "253,953 bytes of flash for its constants, the board has 253,952: at least 1 bytes"),
    ],
)
def test_a_model_that_cannot_fit_is_known_before_it_is_compiled(
    arena: int, constants: int, words: str | None
) -> None:
    manifest = {"arena_bytes": arena, "constants_bytes": constants, "bytes": 1}
    said = firmware_build.shortage(manifest, 8192, 253952)
    assert said is None if words is None else said is not None and words in said
    assert firmware_build.shortage(manifest, None, None) is None


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("ld: region `RAM' overflowed by 240720 bytes", "240,720 bytes of RAM"),
        ("ld: region `dram0_0_seg' overflowed by 8 bytes", "8 bytes of RAM"),
        ("ld: region `FLASH' overflowed by 1720 bytes", "1,720 bytes of flash"),
        ("Error: The data size (8200 bytes) is greater than maximum allowed (8192 bytes)", "8 bytes of RAM"),
        ("Error: The program size (9 bytes) is greater than maximum allowed (8 bytes)", "1 bytes of flash"),
        (
            "HARDWARE: ATMEGA2560 16MHz, 8KB RAM, 248KB Flash\n"
            "ld: address 0x80318f of p.elf section `.bss' is not within region `data'\n",
            "3,983 bytes of RAM",
        ),
        ("error: expected ';'", None),
    ],
)
def test_what_a_linker_says_of_memory(log: str, words: str | None) -> None:
    said = overflow(log)
    assert said is None if words is None else said is not None and said.startswith(words)


def test_what_a_program_loads_is_what_lies_in_flash(tmp_path: Path) -> None:
    """1,000 bytes of constants and 100 of data, whatever the sections are called; 5,000 of zeros do not count."""
    source = tmp_path / "program.c"
    source.write_text(
        'const char weights[1000] __attribute__((used, section(".anything"))) = {1};\n'
        "char data[100] __attribute__((used)) = {1};\nchar zeros[5000] __attribute__((used));\n"
    )
    elf = tmp_path / "program.elf"
    run_compiler(["-nostdlib", "-Wl,-e,0", str(source), "-o", str(elf)], compiler="arm-none-eabi-gcc")
    loaded = firmware_build.loaded_bytes(elf.read_bytes())
    assert loaded is not None and 1100 <= loaded < 1200  # some padding
    assert firmware_build.loaded_bytes(b"\x7fELF\x02\x01" + bytes(60)) is None
    assert firmware_build.loaded_bytes(b"MZ") is None


def test_a_tool_that_is_not_there_leaves_its_name() -> None:
    assert firmware_build.output_of(["no-such-compiler", "--version"], os.environ) == "no-such-compiler"
    assert firmware_build.output_of([sys.executable, "-c", "print('1.2')"], os.environ) == "1.2"


class TestOffline:
    @staticmethod
    def run(core: Path) -> "subprocess.CompletedProcess[str]":
        # With a proxy configured the registry is not asked: that is the world without one, on every machine.
        environment = os.environ | {"PLATFORMIO_CORE_DIR": str(core), "HTTPS_PROXY": "http://127.0.0.1:9"}
        environment.pop("PLATFORMIO_PACKAGES_DIR", None)
        return subprocess.run(
            [sys.executable, str(OFFLINE)], capture_output=True, text=True, env=environment, check=False
        )

    def test_it_makes_the_package_that_platformio_asks_for_once(self, tmp_path: Path) -> None:
        first = self.run(tmp_path)
        assert (first.returncode, first.stderr) == (0, "")
        folder = tmp_path / "packages" / "tool-scons-from-pypi"
        done = subprocess.run(
            [sys.executable, str(folder / "scons.py"), "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "SCons" in done.stdout
        second = self.run(tmp_path)
        assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    def test_a_package_for_an_older_platformio_is_replaced(self, tmp_path: Path) -> None:
        self.run(tmp_path)
        metadata = tmp_path / "packages" / "tool-scons-from-pypi" / ".piopm"
        fresh = json.loads(metadata.read_text())
        metadata.write_text(json.dumps(fresh | {"version": "4.40801.0"}))
        assert self.run(tmp_path).returncode == 0
        assert json.loads(metadata.read_text()) == fresh

    def test_a_folder_that_cannot_be_written_is_said(self) -> None:
        done = self.run(Path("/dev/null/core"))
        assert done.returncode == 4
        assert (
            done.stderr.startswith("PlatformIO's folder cannot be written")
            and "PLATFORMIO_CORE_DIR" in done.stderr
        )

    def test_a_link_of_a_locale_without_utf8_is_removed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What PlatformIO wrote there, byte for byte; one that names its folder in letters stays."""
        platforms = tmp_path / "workspace" / "platforms"
        platforms.mkdir(parents=True)
        for name, cwd in (("broken", "/tmp/d\udcc3\udca9p"), ("whole", "/tmp/d\u00e9p")):
            (platforms / f"{name}.pio-link").write_text(json.dumps({"cwd": cwd, "spec": {"name": name}}))
        monkeypatch.setenv("PLATFORMIO_WORKSPACE_DIR", str(platforms.parent))
        assert self.run(tmp_path / "core").returncode == 0
        assert [path.name for path in platforms.iterdir()] == ["whole.pio-link"]


@pytest.mark.parametrize("home", ["/dev/null", "/proc/nobody"])
def test_without_a_home_that_can_be_written_the_checkout_takes_platformio_s_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.delenv("PLATFORMIO_CORE_DIR", raising=False)
    monkeypatch.setenv("HOME", home)
    assert build._core_folder(Project(tmp_path)) == tmp_path / ".boardproof" / "platformio"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert build._core_folder(Project(tmp_path)) == tmp_path / "home" / ".platformio"
