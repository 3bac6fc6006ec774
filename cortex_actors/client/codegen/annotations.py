"""Shapes as annotations.

Imports:  text of this package; the manifest's types.
"""

from __future__ import annotations

from collections.abc import Mapping

from cortex_actors.client.codegen.text import quoted
from cortex_actors.client.manifest.types import UNSET, Shape

_WORDS = {
    "string": "str",
    "integer": "int",
    "float": "float",
    "number": "float",
    "boolean": "bool",
    "map": "dict[str, Any]",
    "object": "dict[str, Any]",
    "null": "None",
    "any": "Any",
}


class Annotations:
    """Writes annotations; `classes` are the Python names of the manifest's types."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        self._classes = classes

    def of(self, shape: Shape, *, nullable: bool = False) -> str:
        """The annotation of a place.

        >>> from cortex_actors.client.manifest.types import Shape
        >>> annotations = Annotations({"Message": "Message"})
        >>> annotations.of(Shape(type="array", items=Shape(ref="Message")), nullable=True)
        'list[Message] | None'
        """
        found = self._plain(shape)
        return f"{found} | None" if nullable and found not in ("Any", "None") else found

    def named(self, name: str | None) -> str:
        """The annotation of a type or a primitive by its name; Any for none."""
        if name is None:
            return "Any"
        return self._plain(Shape(ref=name) if name in self._classes else Shape(type=name))

    def _plain(self, shape: Shape) -> str:
        if shape.value is not UNSET and _is_literal(shape.value):
            return _literal((shape.value,))
        if shape.choices and all(map(_is_literal, shape.choices)):
            return _literal(shape.choices)
        if shape.ref is not None:
            return self._classes[shape.ref]
        if shape.type == "array":
            return f"list[{self._plain(shape.items) if shape.items else 'Any'}]"
        return _WORDS[shape.type]


def _is_literal(value: object) -> bool:
    return value is None or isinstance(value, str | int)


def _literal(values: tuple[object, ...]) -> str:
    return "None" if values == (None,) else f"Literal[{', '.join(map(_written, values))}]"


def _written(value: object) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)
