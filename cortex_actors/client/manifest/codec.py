"""Values by their types: payloads are checked and written down, answers are read.

    encode   defaults and literals filled in, aliases written, `omit_if` obeyed; every mistake reported
    decode   aliases read back, defaults filled in; what does not fit is reported and left as it came

Fields that a type does not know pass both ways untouched: servers learn new ones before manifests do.

Imports:  fit, mistakes and types of this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cortex_actors.client.manifest.fit import complaint
from cortex_actors.client.manifest.mistakes import Report, step
from cortex_actors.client.manifest.types import (
    PRIMITIVES,
    UNSET,
    AliasType,
    Field,
    ObjectType,
    Shape,
    TypeSpec,
    UnionType,
)


class Codec:
    """The types of one manifest at work."""

    def __init__(self, types: Mapping[str, TypeSpec]) -> None:
        self._types = types

    def encode(self, value: Any, type: str) -> tuple[Any, Report]:
        """The value as it goes over the wire, and what is wrong with it."""
        return self._run(value, type, outgoing=True)

    def decode(self, value: Any, type: str) -> tuple[Any, Report]:
        """The value as we read it, and what is wrong with it."""
        return self._run(value, type, outgoing=False)

    def check(self, value: Any, shape: Shape) -> Report:
        """What is wrong with a value in a place, if it were sent."""
        walk = _Walk(self._types, True, Report())
        walk.shape(value, shape, "")
        return walk.report

    def _run(self, value: Any, type: str, *, outgoing: bool) -> tuple[Any, Report]:
        walk = _Walk(self._types, outgoing, Report())
        shape = Shape(type=type) if type in PRIMITIVES else Shape(ref=type)
        try:
            return walk.shape(value, shape, ""), walk.report
        except RecursionError:  # deeper than Python goes, or a value that holds itself
            walk.report.add("", "is nested too deeply")
            return value, walk.report


class _Walk:
    """One way through one value."""

    def __init__(self, types: Mapping[str, TypeSpec], outgoing: bool, report: Report) -> None:
        self._types = types
        self._outgoing = outgoing
        self.report = report

    def shape(self, value: Any, shape: Shape, at: str) -> Any:
        """A value in a place."""
        if shape.ref is not None:
            value = self._named(value, self._types[shape.ref], at)
        wrong = complaint(value, shape)
        if wrong:
            self.report.add(at, wrong)
        elif shape.items is not None and isinstance(value, list | tuple):
            return [self.shape(item, shape.items, step(at, n)) for n, item in enumerate(value)]
        return value

    def _named(self, value: Any, spec: TypeSpec, at: str) -> Any:
        match spec:
            case ObjectType():
                return self._object(value, spec, at)
            case UnionType(discriminator=None):
                return self._whichever(value, spec.variants, at)
            case UnionType():
                return self._tagged(value, spec, at)
            case AliasType():
                return self.shape(value, spec.shape, at)

    def _object(self, value: Any, spec: ObjectType, at: str) -> Any:
        if not isinstance(value, Mapping):
            self.report.add(at, "must be an object")
            return value
        known = {self._from(field) for field in spec.fields.values()}
        found = {key: each for key, each in value.items() if key not in known}
        for field in spec.fields.values():
            given = self._field(value.get(self._from(field), UNSET), field, at)
            if given is not UNSET:
                found[self._to(field)] = given
        return found

    def _field(self, value: Any, field: Field, at: str) -> Any:
        """What becomes of a field; UNSET leaves it out."""
        place = step(at, self._from(field))
        if value is UNSET:
            # By design both ways: what a server leaves out means its default, just as in what we send.
            value = field.default
        if value is UNSET and self._outgoing and field.required:
            value = field.shape.value
        if value is UNSET:
            if field.required:
                self.report.add(place, "is required")
            return UNSET
        if self._outgoing and _is_omitted(value, field):
            return UNSET
        if value is None and (field.nullable or not field.required):
            return None
        return self.shape(value, field.shape, place)

    def _tagged(self, value: Any, spec: UnionType, at: str) -> Any:
        field = spec.discriminator or ""
        tag = value.get(field) if isinstance(value, Mapping) else None
        ref = spec.mapping.get(str(tag))
        if ref is None:
            tags = ", ".join(spec.mapping)
            self.report.add(step(at, field), f"must tell which variant this is: {tags}")
            return value
        return self._named(value, self._types[ref], at)

    def _whichever(self, value: Any, variants: Sequence[Shape], at: str) -> Any:
        for variant in variants:
            attempt = _Walk(self._types, self._outgoing, Report())
            found = attempt.shape(value, variant, at)
            if not attempt.report.mistakes:
                return found
        self.report.add(at, "is none of the variants there may be")
        return value

    def _from(self, field: Field) -> str:
        return field.name if self._outgoing else field.wire

    def _to(self, field: Field) -> str:
        return field.wire if self._outgoing else field.name


def _is_omitted(value: Any, field: Field) -> bool:
    match field.omit_if:
        case "null":
            return value is None
        case "empty":
            return value is None or (isinstance(value, str | list | tuple | dict) and not value)
        case "default":
            return bool(value == field.default)
    return False
