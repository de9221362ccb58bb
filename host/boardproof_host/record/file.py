"""`report.json`: written whole or not at all, and checked against the types of the schema when it is read.

Fields that this version does not know are ignored, so that a newer one may add some without a new schema.
"""

import json
import os
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.files import prepare_folder, unwritable
from boardproof_host.record import version_1
from boardproof_host.record.schema import SCHEMA, Report

FILE_NAME = "report.json"
_CALLED = "the report folder"
_HINT = "name a report.json that `boardproof run` or `boardproof prove` wrote"


def to_json(report: Report) -> str:
    """The file's text: the schema first, indented, lists of numbers on one line, without NaN."""
    text = json.dumps({"schema": report.schema} | asdict(report), indent=2, allow_nan=False)
    # JSON escapes line ends in strings, so a bracket before one is always a list.
    return re.sub(r"\[\n[^\[\]{}\"]*\]", lambda match: _one_line(match.group()), text) + "\n"


def write(report: Report, path: Path) -> Path:
    """Writes the record so that the file is whole or as it was before.

    Raises:
        InputError: the folder cannot be written.
        NoRoomError: the disk is full.
    """
    write_whole(path, to_json(report))
    return path


def write_whole(path: Path, text: str) -> None:
    """Writes UTF-8 text beside `path` and moves it there; makes the folder when it is missing.

    Raises:
        InputError: the folder cannot be written.
        NoRoomError: the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path.parent, error, _CALLED) from error


def check_writable(folder: Path) -> None:
    """Makes sure, before anything is computed, that a report can be written into `folder`; makes it if missing.

    Raises:
        InputError: it is a file, or it cannot be made or written.
        NoRoomError: the disk is full.
    """
    prepare_folder(folder, _CALLED)


def read(path: Path) -> Report:
    """Reads a `report.json`, of version 1, too.

    Raises:
        InputError: the file cannot be read, is not JSON, has another schema, or lacks a field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint=_HINT) from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}", hint=_HINT) from error
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}", hint=_HINT) from error
    schema = record.get("schema") if isinstance(record, dict) else None
    try:
        if schema == version_1.SCHEMA:
            record = version_1.upgraded(record)
        elif schema != SCHEMA:
            raise InputError(f"{path} has schema {schema!r}, not {SCHEMA!r}", hint=_HINT)
        report: Report = _typed(Report, record, "")
    except _MisfitError as error:
        raise InputError(f"{path} is not a report: {error}", hint=_HINT) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:  # of version 1
        raise InputError(
            f"{path} is not a report: {error} is missing or of another type", hint=_HINT
        ) from error
    return report


class _MisfitError(Exception):
    """A value that does not fit its type; the message says which one."""


def _typed(kind: Any, value: Any, where: str) -> Any:
    """Converts a JSON value to the type `kind` of the record, which may be a dataclass."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _typed(arguments[0], value, where)
    if origin is Literal:
        if value not in arguments:
            raise _MisfitError(f"{where} is {value!r}, not one of {', '.join(arguments)}")
        return value
    if is_dataclass(kind):
        return _typed_record(kind, _checked(value, dict, where), where)
    if origin is dict:
        items = _checked(value, dict, where).items()
        return {key: _typed(arguments[1], item, f"{where}.{key}") for key, item in items}
    if origin is tuple:
        items = enumerate(_checked(value, list, where))
        return tuple(_typed(arguments[0], item, f"{where}[{index}]") for index, item in items)
    return _checked(value, (int, float) if kind is float else kind, where)


def _typed_record(kind: Any, value: Mapping[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.name in value or not field.metadata.get("added")]
    prefix = f"{where}." if where else ""
    for name in names:
        if name not in value:
            raise _MisfitError(f"{prefix}{name} is missing")
    return kind(**{name: _typed(hints[name], value[name], f"{prefix}{name}") for name in names})


def _checked(value: Any, kind: Any, where: str) -> Any:
    if isinstance(value, bool) and kind is not bool:
        raise _MisfitError(f"{where} is {value!r}")
    if not isinstance(value, kind):
        raise _MisfitError(f"{where} is {value!r}")
    return value


def _one_line(numbers: str) -> str:
    return "[" + " ".join(numbers[1:-1].split()) + "]"
