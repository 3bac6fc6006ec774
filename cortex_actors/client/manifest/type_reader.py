"""Reads the types of a manifest.

Imports:  section, shape_reader, types and union_reader of this package.
"""

from __future__ import annotations

from cortex_actors.client.manifest.mistakes import step
from cortex_actors.client.manifest.section import Section
from cortex_actors.client.manifest.shape_reader import read_inner_shape, read_shape
from cortex_actors.client.manifest.types import (
    ANYTHING,
    OMIT_IF,
    PRIMITIVES,
    UNSET,
    AliasType,
    Field,
    ObjectType,
    TypeSpec,
)
from cortex_actors.client.manifest.union_reader import read_union


def read_types(manifest: Section) -> dict[str, TypeSpec]:
    """All types, by name."""
    return {name: _type(name, section) for name, section in manifest.tables("types")}


def _type(name: str, section: Section) -> TypeSpec:
    if name in PRIMITIVES:
        section.report.add(section.pointer, "has the name of a primitive")
    description = section.text("description") or ""
    kind = _kind(section)
    spec: TypeSpec
    if kind == "union":
        spec = read_union(name, description, section)
    elif kind == "object":
        spec = ObjectType(name=name, description=description, fields=_fields(name, section))
    else:
        spec = AliasType(name=name, description=description, shape=read_shape(section))
        if spec.shape == ANYTHING and "type" not in section.values:
            section.report.add(section.pointer, f"type {name} must include fields")
    section.finish()
    return spec


def _kind(section: Section) -> str | None:
    """`kind`, or `type` where it says union or object, or what the fields give away."""
    kind = section.word("kind", ("object", "union", "enum", "alias"))
    if kind is None and (section.values.get("type") == "union" or section.has("fields")):
        word = section.anything("type")
        kind = "union" if word == "union" else "object"
        if word not in (None, kind):
            section.wrong("type", "an object is told by its fields")
    return kind


def _fields(name: str, section: Section) -> dict[str, Field]:
    table = section.table("fields")
    if table is None:
        section.report.add(section.pointer, f"type {name} must include fields")
        return {}
    found: dict[str, Field] = {}
    for key, content in table.values.items():
        inner = read_inner_shape(content, table, step(table.pointer, key))
        if inner is not None:
            found[key] = _field(key, inner)
    _check_wires(found, table)
    return found


def _field(name: str, section: Section) -> Field:
    default = section.values.get("default", UNSET)
    section.anything("default")
    field = Field(
        name=name,
        shape=read_shape(section),
        required=bool(section.flag("required")),
        nullable=bool(section.flag("optional")),
        default=default,
        description=section.text("description") or "",
        alias=section.text("alias"),
        omit_if=section.word("omit_if", OMIT_IF),
    )
    if field.omit_if == "default" and default is UNSET:
        section.wrong("omit_if", "there is no default to compare with")
    section.finish()
    return field


def _check_wires(fields: dict[str, Field], table: Section) -> None:
    """Two fields under one key in JSON would overwrite each other."""
    owners: dict[str, str] = {}
    for field in fields.values():
        other = owners.setdefault(field.wire, field.name)
        if other != field.name:
            table.wrong(field.name, f"is written as {field.wire!r}, and so is {other!r}")
