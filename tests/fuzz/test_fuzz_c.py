"""A short run of the C fuzz targets: the corpus that is kept, then seeded mutations of it, under sanitizers.

`make fuzz` runs them for half an hour each under libFuzzer.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from support.fuzz_targets import LIBFUZZER, SANITIZERS, TARGETS, build_target, corpus
from support.host_c import FIRMWARE

MUTATIONS = 20_000
SEEDS = (1, 2)
SECONDS = 1


@pytest.mark.parametrize("name", TARGETS)
def test_corpus_and_mutations(name: str, tmp_path: Path) -> None:
    program = build_target(tmp_path, name, ["gcc", *SANITIZERS])
    files = corpus(name)
    assert files
    for seed in SEEDS:
        done = subprocess.run(
            [program, str(seed), str(MUTATIONS), *files],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}\n{_finding(tmp_path)}"
        assert f"{len(files) + MUTATIONS} inputs" in done.stdout


@pytest.mark.parametrize("name", TARGETS)
def test_libfuzzer(name: str, tmp_path: Path) -> None:
    """Guided by coverage, where clang is there; the test above runs everywhere."""
    if shutil.which("clang") is None:
        return
    program = build_target(tmp_path, name, LIBFUZZER)
    found = tmp_path / "found"
    found.mkdir()
    done = subprocess.run(
        [program, f"-max_total_time={SECONDS}", "-max_len=1024", "-seed=1", found, corpus(name)[0].parent],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize(
    ("name", "source", "right", "wrong"),
    [
        ("app", "protocol/frame.c", "self->crc = crc32_update(self->crc, bytes, length);", ""),
        (
            "frame",
            "app/packed.c",
            "packed->literals < *length ? packed->literals : *length;",
            "packed->literals;",
        ),
        (
            "frame",
            "protocol/frame.c",
            "if (length > parser->longest + HEAD_BYTES - parser->length) {",
            "if (false) {",
        ),
        ("frame", "protocol/frame.c", "good = parser->crc == frame->crc;", "good = true;"),
    ],
)
def test_a_defect_is_found(name: str, source: str, right: str, wrong: str, tmp_path: Path) -> None:
    """The targets can fail: with one check taken out of the firmware, the corpus and some mutations tell."""
    text = (FIRMWARE / source).read_text()
    assert text.count(right) == 1
    defective = tmp_path / Path(source).name
    defective.write_text(text.replace(right, wrong))
    program = build_target(tmp_path, name, ["gcc", *SANITIZERS], {FIRMWARE / source: defective})
    done = subprocess.run(
        [program, "1", "20000", *corpus(name)], capture_output=True, check=False, cwd=tmp_path
    )
    assert done.returncode != 0


def _finding(folder: Path) -> str:
    path = folder / "finding.bin"
    return f"the input: {path.read_bytes().hex()}" if path.exists() else ""
