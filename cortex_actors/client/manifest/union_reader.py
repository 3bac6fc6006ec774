"""Reads unions, in the four ways they may be told.

    {"discriminator": {"field": "type", "mapping": {"text": "TextPart"}}}
    {"discriminator": "type", "variants": {"text": "TextPart"}}
    {"variants": [{"tag": "text", "type_ref": "TextPart"}]}
    {"variants": ["string", {"type": "array", "items": "Part"}]}             told apart by what fits

Imports:  mistakes, section, shape_reader and types of this package.
"""

from __future__ import annotations

from cortex_actors.client.manifest.mistakes import step
from cortex_actors.client.manifest.section import Section
from cortex_actors.client.manifest.shape_reader import read_inner_shape, read_shape
from cortex_actors.client.manifest.types import UNSET, Shape, UnionType

#: The field that tells variants apart unless another is named.
_FIELD = "type"


def read_union(name: str, description: str, section: Section) -> UnionType:
    """The union a section tells of."""
    field, mapping = _discriminator(section)
    tagged, shapes = _variants(section)
    mapping |= tagged
    if mapping and shapes:
        section.wrong("variants", "either all variants have a tag and a type, or none has a tag")
    if not mapping and not shapes:
        section.report.add(section.pointer, f"union {name} must include a mapping or variants")
    return UnionType(
        name=name,
        description=description,
        discriminator=field if mapping else None,
        mapping=mapping,
        variants=shapes,
    )


def _discriminator(section: Section) -> tuple[str, dict[str, str]]:
    if isinstance(section.values.get("discriminator"), str):
        return section.text("discriminator") or _FIELD, {}
    inner = section.table("discriminator")
    if inner is None:
        return _FIELD, {}
    field = inner.text("field") or _FIELD
    mapping = {tag: str(ref) for tag, ref in inner.scalars("mapping").items()}
    inner.finish()
    return field, mapping


def _variants(section: Section) -> tuple[dict[str, str], tuple[Shape, ...]]:
    """Variants by their tag, and those without one."""
    if isinstance(section.values.get("variants"), dict):
        return {tag: str(ref) for tag, ref in section.scalars("variants").items()}, ()
    tagged: dict[str, str] = {}
    shapes: list[Shape] = []
    variants = section.anything("variants")
    if variants is not None and not isinstance(variants, list):
        section.wrong("variants", "must be a list or an object")
        return {}, ()
    for index, content in enumerate(variants or ()):
        pointer = step(step(section.pointer, "variants"), index)
        inner = read_inner_shape(content, section, pointer)
        if inner is None:
            continue
        tag, shape = _variant(inner)
        if tag is not None and shape.ref:
            tagged[tag] = shape.ref
        else:
            shapes.append(shape)
    return tagged, tuple(shapes)


def _variant(section: Section) -> tuple[str | None, Shape]:
    tag = section.text("discriminator_value") or section.text("tag")
    shape = read_shape(section)
    if tag is None and shape.ref and shape.value is not UNSET:
        tag = str(shape.value)
    section.finish()
    return tag, shape
