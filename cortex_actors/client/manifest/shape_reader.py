"""Reads shapes: what may stand in a field, in an array, behind an alias.

Imports:  formats, mistakes, section and types of this package.
"""

from __future__ import annotations

from typing import Any

from cortex_actors.client.manifest.formats import FORMATS
from cortex_actors.client.manifest.mistakes import nearest, step
from cortex_actors.client.manifest.section import Section
from cortex_actors.client.manifest.types import ANYTHING, NO_BOUNDS, PRIMITIVES, UNSET, Bounds, Shape

#: Three spellings of a reference.
_REFERENCES = ("type_ref", "$ref", "ref")


def read_shape(section: Section) -> Shape:
    """The shape a section tells of; reads only its own fields, so that the section may hold others."""
    value = section.values.get("value", UNSET)
    section.anything("value")
    word, ref = _word_and_reference(section)
    return Shape(
        type=word or ("any" if value is UNSET else _type_of(value)),
        ref=ref,
        items=_items(section),
        value=value,
        choices=_choices(section),
        bounds=_bounds(section),
    )


def read_inner_shape(content: object, section: Section, pointer: str) -> Section | None:
    """The section of a shape inside another one; a bare word is short for its type."""
    content = {"type": content} if isinstance(content, str) and content else content
    if isinstance(content, dict):
        return Section(content, pointer, section.report)
    section.report.add(pointer, "must be an object or the name of a type")
    return None


def _word_and_reference(section: Section) -> tuple[str | None, str | None]:
    """The primitive, or the type referred to; `"type": "Message"` refers too."""
    given = section.text("type")
    refs = [ref for key in _REFERENCES if (ref := section.text(key)) is not None]
    if len(refs) + (given is not None) > 1:
        section.report.add(section.pointer, "must have one type or one reference")
    if refs:
        return None, refs[0]
    return (given, None) if given is None or given in PRIMITIVES else (None, given)


def _items(section: Section) -> Shape | None:
    content = section.anything("items")
    if content is None:
        return None
    inner = read_inner_shape(content, section, step(section.pointer, "items"))
    if inner is None:
        return ANYTHING
    shape = read_shape(inner)
    inner.finish()
    return shape


def _choices(section: Section) -> tuple[object, ...]:
    choices = section.anything("choices")
    if choices is not None and not (isinstance(choices, list) and choices):
        section.wrong("choices", "must be a list of at least one value")
        return ()
    return tuple(choices or ())


def _bounds(section: Section) -> Bounds:
    found: dict[str, Any] = {}
    for key in ("min_length", "max_length", "min_items", "max_items"):
        found[key] = section.whole(key, least=0)
    for key in ("gt", "gteq", "lt", "lteq"):
        found[key] = section.number(key)
    found["format"] = section.text("format")
    if found["format"] is not None and found["format"] not in FORMATS:
        section.wrong("format", f"must be one of {', '.join(FORMATS)}{nearest(found['format'], FORMATS)}")
        found["format"] = None
    bounds = Bounds(**found)
    return NO_BOUNDS if bounds == NO_BOUNDS else bounds


def _type_of(value: object) -> str:
    """The primitive of a literal."""
    if isinstance(value, bool):
        return "boolean"
    words = {str: "string", int: "integer", float: "number", dict: "map", list: "array"}
    return words.get(type(value), "null" if value is None else "any")
