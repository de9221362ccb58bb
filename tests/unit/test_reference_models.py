"""The committed models are those of the tables in models/README.md, and of the architectures that can be trained."""

import hashlib
import re
from dataclasses import dataclass

import numpy as np
import pytest

from boardproof_export.ladder.architectures import ARCHITECTURES
from boardproof_export.precision.score import score
from boardproof_export.shared.model import read_graph
from boardproof_export.shared.project import Project
from boardproof_export.shared.sources.opening import SourceOptions, open_source
from boardproof_export.tflm.engines import export_support
from support.host_c import ROOT

REFERENCE = Project(ROOT).reference_models
README = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
# What each was made for: bytes at most, and int8 accuracy at least, in percent.
PROMISED = {"mlp": (110_000, 87.0), "cnn": (65_536, 92.5), "dscnn": (98_304, 93.0)}
LOOKED_AT = 400  # images: enough to tell a model from a broken one


@dataclass(frozen=True)
class Row:
    """Of the first table of models/README.md."""

    file: str
    bytes: int
    sha256: str
    accuracy: float  # percent


def rows() -> dict[str, Row]:
    cells = re.findall(
        r"^\| `(\w+)` \| `(\S+\.tflite)` \| ([\d,]+) \| `(\w{64})` \| ([\d.]+) % \|", README, re.MULTILINE
    )
    return {
        arch: Row(file, int(size.replace(",", "")), sha256, float(share))
        for arch, file, size, sha256, share in cells
    }


def test_each_architecture_has_its_model() -> None:
    assert list(rows()) == list(REFERENCE) == list(ARCHITECTURES)


@pytest.mark.parametrize("arch", REFERENCE)
def test_the_readme_describes_the_file(arch: str) -> None:
    row, content = rows()[arch], REFERENCE[arch].read_bytes()
    assert row.file == REFERENCE[arch].name
    assert (row.bytes, row.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    largest, least = PROMISED[arch]
    assert row.bytes <= largest and row.accuracy >= least


@pytest.mark.parametrize("arch", REFERENCE)
def test_a_model_classifies_and_both_engines_run_it(arch: str) -> None:
    found = score(
        REFERENCE[arch].read_bytes(), open_source(SourceOptions()), np.arange(LOOKED_AT), REFERENCE[arch]
    )
    deviation = np.sqrt(0.1 * 0.9 / LOOKED_AT)
    assert found.metrics["top_1"] == pytest.approx(rows()[arch].accuracy / 100, abs=3 * deviation)
    assert all(answer.runs for answer in export_support(read_graph(REFERENCE[arch])))
