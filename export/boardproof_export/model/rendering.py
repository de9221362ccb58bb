"""Jinja as all rooms use it: templates lie in a room's folder `templates`; what they do not know is an error."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def from_template(room: str, template: str, context: dict[str, Any]) -> str:
    """The text of a template of the package `room`.

    Raises:
        UndefinedError: the template asks for what `context` does not have.
    """
    return _environment(room).get_template(template).render(context)


def comment(text: str) -> str:
    """Text from outside (a file's stem) inside a C comment or literal: nothing that could end either."""
    return "".join(char if char.isascii() and (char.isalnum() or char in "._-, ") else "_" for char in text)


@cache
def _environment(room: str) -> Environment:
    return Environment(
        loader=PackageLoader(room, "templates"),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )
