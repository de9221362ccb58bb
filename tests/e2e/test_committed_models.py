"""The committed networks, on the firmware compiled for this machine; all images on emulated boards took minutes."""

import json
from pathlib import Path

import pytest

from boardproof_export.shared.project import REFERENCE_MODELS
from support.host_c import ROOT
from support.linked_checkout import boardproof, linked_checkout

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("arch", REFERENCE_MODELS)
def test_a_committed_network_is_exact(tmp_path: Path, arch: str) -> None:
    project, model = linked_checkout(tmp_path), ROOT / "models" / REFERENCE_MODELS[arch]
    done = boardproof(
        project, "run", "--target", "aot_host", "--model", str(model), "--limit", "100", "--json"
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)["measured"]
    assert (measured["verdict"], measured["images"]) == ("exact", 100)
