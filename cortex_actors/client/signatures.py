"""What a method made from an endpoint takes, and what becomes of it.

    path parameters, in the order of the path
    fields a caller has to say, in the manifest's order
    all other fields, by name only; left out when they are None
    call, the options of the call

Literals and the `stream` switch are filled in and not asked for. An endpoint whose request is no object takes
one `payload`.

Imports:  naming, url and the manifest's model and types of this package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from cortex_actors.client import url
from cortex_actors.client.manifest.model import Endpoint, Manifest
from cortex_actors.client.manifest.types import ANYTHING, UNSET, Field, ObjectType, Shape
from cortex_actors.client.naming import identifier

#: The parameter for the options of a call.
CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a method; `name` in Python, `key` in the manifest."""

    name: str
    key: str
    place: Literal["path", "field", "payload"]
    required: bool
    shape: Shape = ANYTHING
    nullable: bool = False
    description: str = ""

    @property
    def is_positional(self) -> bool:
        """Whether it may be given without its name."""
        return self.required or self.place == "payload"


def parameters_of(manifest: Manifest, endpoint: Endpoint) -> tuple[Parameter, ...]:
    """The parameters of an endpoint's methods, those that must be given first."""
    taken = {CALL, "self"}
    found = []
    for each in sorted(_wanted(manifest, endpoint), key=lambda each: not each.is_positional):
        name = identifier(each.key)
        while name in taken:
            name += "_"
        taken.add(name)
        found.append(replace(each, name=name))
    return tuple(found)


def sorted_out(parameters: tuple[Parameter, ...], arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """Path parameters and payload, from what a method was called with."""
    path: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    payload: Any = None
    for each in parameters:
        value = arguments.get(each.name)
        if each.place == "path":
            path[each.key] = value
        elif each.place == "payload":
            payload = value
        elif value is not None or (each.required and each.name in arguments):
            fields[each.key] = value
    return path, fields or payload


def _wanted(manifest: Manifest, endpoint: Endpoint) -> Iterator[Parameter]:
    for name in url.parameters(endpoint.path):
        shape = Shape(type="string")
        yield Parameter(name=name, key=name, place="path", required=True, shape=shape)
    request = manifest.request_type(endpoint)
    if request is not None:
        yield from _fields(request, endpoint)
    elif endpoint.request is not None:
        shape = _shape_of(manifest, endpoint.request)
        yield Parameter(name="payload", key="payload", place="payload", required=True, shape=shape)
    elif endpoint.method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
        yield Parameter(name="payload", key="payload", place="payload", required=False)


def _fields(request: ObjectType, endpoint: Endpoint) -> Iterator[Parameter]:
    for field in request.fields.values():
        if not _is_filled_in(field, endpoint):
            yield Parameter(
                name=field.name,
                key=field.name,
                place="field",
                required=field.is_asked_for,
                shape=field.shape,
                nullable=field.nullable,
                description=field.description,
            )


def _is_filled_in(field: Field, endpoint: Endpoint) -> bool:
    if field.required and field.shape.value is not UNSET:
        return True
    return endpoint.streaming and field.name == "stream" and field.shape.type == "boolean"


def _shape_of(manifest: Manifest, name: str) -> Shape:
    return Shape(ref=name) if name in manifest.types else Shape(type=name)
