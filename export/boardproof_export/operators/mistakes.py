"""What is usually mistaken about windows that move over an image: the same layers with another padding."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

_OFF_BY = (-1, 1, -2, 2)
_NAMES = {"height": "row", "width": "column"}


def paddings(layer: Any) -> Iterator[tuple[str, Any]]:
    """A layer with axes `height` and `width`, each with a `padding` before the image that is off: in words, and as a
    layer. One axis at a time comes first."""
    for names in (("height",), ("width",), ("height", "width")):
        for off in _OFF_BY:
            axes = {name: getattr(layer, name) for name in names}
            changed = {name: replace(axis, padding=axis.padding + off) for name, axis in axes.items()}
            yield _said(axes, changed), replace(layer, **changed)


def _said(right: dict[str, Any], wrong: dict[str, Any]) -> str:
    return f"a padding of {_counted(wrong)} before the image gives, in place of {_counted(right)}"


def _counted(axes: dict[str, Any]) -> str:
    return " and ".join(
        f"{axis.padding} {_NAMES[name]}{'' if abs(axis.padding) == 1 else 's'}" for name, axis in axes.items()
    )
