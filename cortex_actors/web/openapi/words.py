"""How a JSON Schema is said in a few words; each function returns a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
ANYTHING: Schema = {}
TIMESTAMP: Schema = {"type": "string", "format": "date-time"}


def ref(name: str) -> Schema:
    """A schema that has a name among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def said(schema: Schema, description: str) -> Schema:
    """A schema with a sentence about it."""
    return {**schema, "description": description}


def may_be_null(schema: Schema) -> Schema:
    """A value, or null for "not known" and "does not apply"."""
    return {"anyOf": [schema, {"type": "null"}]}


def either(*schemas: Schema) -> Schema:
    """One of several."""
    return {"anyOf": list(schemas)}


def word(*words: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(words)}


def text(longest: int | None = None, shortest: int = 0, pattern: str | None = None) -> Schema:
    """A text of a bounded length."""
    schema: Schema = {"type": "string"}
    if shortest:
        schema["minLength"] = shortest
    if longest is not None:
        schema["maxLength"] = longest
    if pattern is not None:
        schema["pattern"] = pattern
    return schema


def whole(least: int, most: int) -> Schema:
    """A whole number within bounds."""
    return {"type": "integer", "minimum": least, "maximum": most}


def real(least: float, most: float) -> Schema:
    """A number within bounds."""
    return {"type": "number", "minimum": least, "maximum": most}


def many(schema: Schema, least: int = 0, most: int | None = None) -> Schema:
    """A list."""
    listed: Schema = {"type": "array", "items": schema}
    if least:
        listed["minItems"] = least
    if most is not None:
        listed["maxItems"] = most
    return listed


def table(schema: Schema) -> Schema:
    """An object whose keys are names of the user's."""
    return {"type": "object", "additionalProperties": schema}


def record(needed: Mapping[str, Schema], **optional: Schema) -> Schema:
    """An object: fields that are always there, and fields that may be. Unknown ones may come as well."""
    schema: Schema = {"type": "object", "properties": {**needed, **optional}}
    if needed:
        schema["required"] = list(needed)
    return schema
