"""The JSON Schema of `report.json`, made from the types of the record.

python -m boardproof_host.record.json_schema > host/boardproof_host/record/report-2.schema.json
"""

import json
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, get_args, get_origin

from boardproof_host.record.schema import SCHEMA, Report

_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number"}


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. Every field is there, `null` where it is not known; fields of later versions are no error."""
    definitions: dict[str, Any] = {}
    root = _of(Report, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        **root,
        "$defs": definitions,
    }


def _of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_of(arguments[0], definitions), {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if origin is tuple:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if not is_dataclass(kind):
        return {"type": _PLAIN[kind]}
    name = typing.cast(type, kind).__name__
    if name not in definitions:
        definitions[name] = {}  # stands for itself while its fields are looked at
        definitions[name] = _record(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _record(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    properties = {field.name: _of(hints[field.name], definitions) for field in fields(kind)}
    required = [field.name for field in fields(kind) if not field.metadata.get("added")]
    if kind is Report:
        properties["schema"] = {"const": next(f.default for f in fields(kind) if f.default is not MISSING)}
    return {"type": "object", "properties": properties, "required": required}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
