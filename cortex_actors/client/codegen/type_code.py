"""Types as code: objects as TypedDicts, everything else as aliases.

A TypedDict is what goes over the wire and what comes back: no wrapping, no conversion.

Imports:  annotations and text of this package; the manifest's types.
"""

from __future__ import annotations

import keyword

from cortex_actors.client.codegen.annotations import Annotations
from cortex_actors.client.codegen.text import INDENT, comment, docstring, quoted
from cortex_actors.client.manifest.types import UNSET, AliasType, Field, ObjectType, TypeSpec, UnionType


def type_code(spec: TypeSpec, name: str, annotations: Annotations) -> list[str]:
    """The lines of one type."""
    match spec:
        case ObjectType():
            return _object(spec, name, annotations)
        case UnionType():
            variants = [annotations.named(ref) for ref in spec.mapping.values()]
            variants += [annotations.of(shape) for shape in spec.variants]
            return _alias(" | ".join(dict.fromkeys(variants)), name, spec.description)
        case AliasType():
            return _alias(annotations.of(spec.shape), name, spec.description)


def _alias(annotation: str, name: str, description: str) -> list[str]:
    # In quotes, as it may name types that come later.
    return [*comment(description), f"{name}: TypeAlias = {quoted(annotation)}"]


def _object(spec: ObjectType, name: str, annotations: Annotations) -> list[str]:
    about = docstring(spec.description or f"{spec.name}.", 1)
    if not all(map(_can_be_attribute, spec.fields)):
        fields = [
            f"{INDENT * 2}{quoted(key)}: {quoted(_annotation(field, annotations))},"
            for key, field in spec.fields.items()
        ]
        return [
            f"{name} = TypedDict(",
            f"{INDENT}{quoted(name)},",
            INDENT + "{",
            *fields,
            INDENT + "},",
            ")",
        ]
    lines = [f"class {name}(TypedDict):", *about, *([""] if spec.fields else [])]
    for key, field in spec.fields.items():
        if field.description:
            lines += comment(field.description, 1)
        lines.append(f"{INDENT}{key}: {_annotation(field, annotations)}")
    return lines


def _annotation(field: Field, annotations: Annotations) -> str:
    plain = annotations.of(field.shape, nullable=field.nullable)
    # A literal must be written down too: in a union it is what tells the variants apart.
    return plain if field.required and field.default is UNSET else f"NotRequired[{plain}]"


def _can_be_attribute(key: str) -> bool:
    return key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("__")
