"""The types of a manifest as JSON Schema (2020-12, as OpenAPI 3.1 uses it).

Imports:  the manifest's types.
"""

from __future__ import annotations

from typing import Any

from cortex_actors.client.manifest.types import (
    PRIMITIVES,
    UNSET,
    AliasType,
    Bounds,
    Field,
    ObjectType,
    Shape,
    TypeSpec,
    UnionType,
)

Schema = dict[str, Any]

_WORDS = {"float": "number", "map": "object"}
_BOUNDS = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
    "gt": "exclusiveMinimum",
    "gteq": "minimum",
    "lt": "exclusiveMaximum",
    "lteq": "maximum",
    "format": "format",
}


def schema_of_type(spec: TypeSpec) -> Schema:
    """The schema of a type."""
    found = _bare(spec)
    return {**found, "description": spec.description} if spec.description else found


def schema_named(name: str) -> Schema:
    """The schema of a type or a primitive by its name."""
    return schema_of(Shape(type=name) if name in PRIMITIVES else Shape(ref=name))


def schema_of(shape: Shape) -> Schema:
    """The schema of a place.

    >>> schema_of(Shape(type="array", items=Shape(ref="Message")))
    {'type': 'array', 'items': {'$ref': '#/components/schemas/Message'}}
    """
    schema: Schema = {}
    if shape.ref is not None:
        schema["$ref"] = f"#/components/schemas/{shape.ref}"
    elif shape.type != "any":
        schema["type"] = _WORDS.get(shape.type, shape.type)
    if shape.items is not None:
        schema["items"] = schema_of(shape.items)
    if shape.value is not UNSET:
        schema["const"] = shape.value
    if shape.choices:
        schema["enum"] = list(shape.choices)
    return schema | _bounds(shape.bounds)


def _bare(spec: TypeSpec) -> Schema:
    match spec:
        case ObjectType():
            required = [field.wire for field in spec.fields.values() if field.required]
            properties = {field.wire: _field(field) for field in spec.fields.values()}
            schema: Schema = {"type": "object", "properties": properties}
            return {**schema, "required": required} if required else schema
        case UnionType(discriminator=None):
            return {"anyOf": [schema_of(variant) for variant in spec.variants]}
        case UnionType():
            mapping = {tag: schema_named(ref)["$ref"] for tag, ref in spec.mapping.items()}
            return {
                "oneOf": [{"$ref": ref} for ref in dict.fromkeys(mapping.values())],
                "discriminator": {"propertyName": spec.discriminator, "mapping": mapping},
            }
        case AliasType():
            return schema_of(spec.shape)


def _field(field: Field) -> Schema:
    schema = schema_of(field.shape)
    if field.nullable:
        schema = {"anyOf": [schema, {"type": "null"}]}
    if field.default is not UNSET:
        schema["default"] = field.default
    if field.description:
        schema["description"] = field.description
    return schema


def _bounds(bounds: Bounds) -> Schema:
    given = {theirs: getattr(bounds, ours) for ours, theirs in _BOUNDS.items()}
    return {key: value for key, value in given.items() if value is not None}
