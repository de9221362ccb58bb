"""The generator of the protocol's two languages: what it promises of its output, and what it refuses to declare."""

import importlib.util
import re
import tomllib
from types import ModuleType
from typing import Any

import pytest
from jinja2 import UndefinedError

from boardproof_host.protocol import messages
from support.host_c import FIRMWARE, ROOT

EMPTY: dict[str, Any] = {"int": 0, "float": 0.0, "str": "", "bytes": b""}
KINDS = [kind for kind in vars(messages).values() if isinstance(kind, type) and hasattr(kind, "FIXED_BYTES")]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_protocol", ROOT / "firmware" / "generate_protocol.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def declared() -> dict[str, Any]:
    return tomllib.loads((ROOT / "firmware" / "protocol.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_fixed_bytes_are_those_of_the_emptiest_message(kind: Any, declared: dict[str, Any]) -> None:
    entries = declared["messages"] | declared["records"]
    (fields,) = (
        entry["fields"] for name, entry in entries.items() if name.replace("_", "") == kind.__name__.lower()
    )
    values = {
        field["name"]: bytes(int(field["type"].split(":")[1]))
        if field["type"].startswith("bytes:")
        else ()
        if field["type"] == "u32s" or field["type"].startswith("list:")
        else EMPTY[{"text": "str", "rest": "bytes", "f32": "float"}.get(field["type"], "int")]
        for field in fields
    }
    assert len(kind(**values).pack()) == kind.FIXED_BYTES


def test_both_languages_state_the_same_numbers() -> None:
    header = (FIRMWARE / "protocol" / "messages.h").read_text()
    for kind in KINDS:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).upper()
        assert f"#define MESSAGE_{name}_FIXED_BYTES {kind.FIXED_BYTES}u\n" in header


@pytest.mark.parametrize("kind", ["u32s", "list:tensor", "text", "f32"])
def test_what_c_does_not_read_is_no_field_of_a_request(
    generator: ModuleType, declared: dict[str, Any], kind: str
) -> None:
    declared["messages"]["ops"]["fields"].append({"name": "more", "type": kind, "doc": "More."})
    with pytest.raises(generator.DeclarationError, match=f"{kind} .more."):
        generator.render(declared, "messages.h.j2")


def test_templates_are_strict(generator: ModuleType, declared: dict[str, Any]) -> None:
    del declared["messages"]["ops"]["doc"]
    for template in ("messages.h.j2", "messages.py.j2"):
        with pytest.raises(UndefinedError):
            generator.render(declared, template)


def test_a_list_may_be_of_255_at_most() -> None:
    tensor = messages.Tensor(0, 9, tuple(range(255)), 0, 0.0, 0)
    assert len(tensor.pack()) == tensor.FIXED_BYTES + 4 * 255
    reader = messages.Reader(tensor.pack())
    assert messages.Tensor.read(reader) == tensor
    assert reader.at_end
    with pytest.raises(messages.MalformedPayloadError):
        messages.Tensor(0, 9, tuple(range(256)), 0, 0.0, 0).pack()
