"""The types of a manifest: what a payload or an answer looks like.

    ObjectType    fields                   {"fields": {"role": {...}, ...}}
    UnionType     one of several types     {"kind": "union", "discriminator": {"field": "type", ...}}
    AliasType     a shape with a name      {"type": "string", "choices": [...]}

A `Shape` is what a field, an item of an array or an alias may hold.

Imports:  nothing of the project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, get_args


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


#: Stands for "nobody said anything", where None and false are values like others.
UNSET: Final = _Unset.UNSET

Primitive = Literal[
    "string", "integer", "float", "number", "boolean", "map", "object", "array", "null", "any"
]
PRIMITIVES: tuple[str, ...] = get_args(Primitive)

#: When a field is left out of what is sent.
OmitIf = Literal["null", "empty", "default"]
OMIT_IF: tuple[str, ...] = get_args(OmitIf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a value must keep beyond its type."""

    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    gt: float | None = None
    gteq: float | None = None
    lt: float | None = None
    lteq: float | None = None
    format: str | None = None


NO_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What may stand in one place."""

    type: str = "any"
    #: The name of one of the manifest's types, in place of `type`.
    ref: str | None = None
    #: What an array holds.
    items: Shape | None = None
    #: The only value there may be.
    value: object = UNSET
    choices: tuple[object, ...] = ()
    bounds: Bounds = NO_BOUNDS


ANYTHING = Shape()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of an object; `name` is ours, `wire` is the server's."""

    name: str
    shape: Shape = ANYTHING
    #: It must be there.
    required: bool = False
    #: It may be null.
    nullable: bool = False
    default: object = UNSET
    description: str = ""
    alias: str | None = None
    omit_if: str | None = None

    @property
    def wire(self) -> str:
        """Its key in JSON."""
        return self.alias or self.name

    @property
    def is_asked_for(self) -> bool:
        """Whether a caller has to say it: required, and not to be filled in from here."""
        return self.required and self.default is UNSET and self.shape.value is UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectType:
    """An object with known fields; it may hold others, which are left alone."""

    name: str
    description: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionType:
    """One of several, told apart by a field (`mapping`: its value -> a type), or else by what fits."""

    name: str
    description: str = ""
    discriminator: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[Shape, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasType:
    """A shape with a name."""

    name: str
    description: str = ""
    shape: Shape = ANYTHING


TypeSpec = ObjectType | UnionType | AliasType
