"""Looks whether everything that a manifest names is there.

Imports:  naming and url of the client; codec, mistakes, model and types of this package.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cortex_actors.client import naming, url
from cortex_actors.client.manifest.codec import Codec
from cortex_actors.client.manifest.mistakes import Report, nearest, step
from cortex_actors.client.manifest.model import DEFAULT_AUTH, NO_AUTH, Endpoint, Manifest
from cortex_actors.client.manifest.types import (
    PRIMITIVES,
    UNSET,
    AliasType,
    ObjectType,
    Shape,
    TypeSpec,
    UnionType,
)

#: What may stand where a type is named: a type of the manifest, or a primitive.
_PRIMITIVES = frozenset(PRIMITIVES)


def check_references(manifest: Manifest, report: Report) -> None:
    """Notes every name that leads nowhere."""
    for endpoint in manifest.endpoints.values():
        _check_endpoint(manifest, endpoint, report)
    for spec in manifest.types.values():
        for pointer, ref in _references(spec):
            _check(ref, {*manifest.types, *_PRIMITIVES}, pointer, "type", report)
        _check_cycle(manifest, spec, report)
        _check_tagged(manifest, spec, report)
    for error in manifest.error_types.values():
        pointer = step(step("/error_types", error.status), "type")
        _check(error.type, {*manifest.types, *_PRIMITIVES}, pointer, "type", report)
    resources = manifest.by_resource()
    for name in manifest.resources:
        if name not in resources:
            report.add(step("/resources", name), "no endpoint belongs to this resource")
    for endpoints in resources.values():
        _check_methods(endpoints, report)
    if not report.mistakes:  # else what a default is checked against may not be there
        _check_defaults(manifest, report)


def _check_endpoint(manifest: Manifest, endpoint: Endpoint, report: Report) -> None:
    types = {*manifest.types, *_PRIMITIVES}
    for key, name, known, kind in (
        ("request", endpoint.request, types, "type"),
        ("response", endpoint.response, types, "type"),
        ("retry", endpoint.retry, manifest.retry_policies, "retry policy"),
        ("rate_limit", endpoint.rate_limit, manifest.rate_limits, "rate limit"),
        ("auth", endpoint.auth, {*manifest.auth, DEFAULT_AUTH, NO_AUTH}, "way to sign in"),
        ("poll_endpoint", endpoint.poll_endpoint, manifest.endpoints, "endpoint"),
    ):
        _check(name, known, step(endpoint.pointer, key), kind, report)
    for name, ref in endpoint.event_types.items():
        pointer = step(step(endpoint.pointer, "event_types"), name)
        _check(ref, types, pointer, "type", report)
    request = manifest.request_type(endpoint)
    for name in url.parameters(endpoint.path):
        if request and name in request.fields:
            report.add(
                step(endpoint.pointer, "path"),
                f"{name!r} is a parameter of the path and a field of the request",
            )


def _check(name: str | None, known: Collection[str], pointer: str, kind: str, report: Report) -> None:
    if name is not None and name not in known:
        report.add(pointer, f"there is no {kind} {name!r}{nearest(name, known)}")


def _references(spec: TypeSpec) -> Iterator[tuple[str, str]]:
    """Every reference of a type, with its place."""
    pointer = step("/types", spec.name)
    match spec:
        case ObjectType():
            for name, field in spec.fields.items():
                yield from _references_of(field.shape, step(step(pointer, "fields"), name))
        case UnionType():
            for ref in spec.mapping.values():
                yield pointer, ref
            for index, shape in enumerate(spec.variants):
                yield from _references_of(shape, step(step(pointer, "variants"), index))
        case AliasType():
            yield from _references_of(spec.shape, pointer)


def _references_of(shape: Shape, pointer: str) -> Iterator[tuple[str, str]]:
    if shape.ref:
        yield pointer, shape.ref
    if shape.items:
        yield from _references_of(shape.items, step(pointer, "items"))


def _check_cycle(manifest: Manifest, spec: TypeSpec, report: Report) -> None:
    """A name that only leads back to itself means nothing; an object may well hold its like."""
    seen: set[str] = set()
    ahead = list(_stands_for(spec))
    while ahead:
        ref = ahead.pop()
        if ref == spec.name:
            report.add(step("/types", spec.name), "leads back to itself")
            return
        if ref in manifest.types and ref not in seen:
            seen.add(ref)
            ahead += _stands_for(manifest.types[ref])


def _check_tagged(manifest: Manifest, spec: TypeSpec, report: Report) -> None:
    """What is told apart by a field must have fields."""
    if not isinstance(spec, UnionType):
        return
    for tag, ref in spec.mapping.items():
        if ref in _PRIMITIVES or isinstance(manifest.types.get(ref), AliasType):
            pointer = step("/types", spec.name)
            report.add(pointer, f"{tag!r} is told by {spec.discriminator!r}, which {ref!r} does not have")


def _stands_for(spec: TypeSpec) -> Iterator[str]:
    """The types that a value of this one would be, too."""
    match spec:
        case AliasType(shape=Shape(ref=str(ref))):
            yield ref
        case UnionType():
            yield from spec.mapping.values()
            yield from (shape.ref for shape in spec.variants if shape.ref)


def _check_defaults(manifest: Manifest, report: Report) -> None:
    """A default is a value like those that callers give."""
    codec = Codec(manifest.types)
    for spec in manifest.types.values():
        for field in spec.fields.values() if isinstance(spec, ObjectType) else ():
            if field.default is UNSET or (field.default is None and (field.nullable or not field.required)):
                continue
            place = step(step(step(step("/types", spec.name), "fields"), field.name), "default")
            for mistake in codec.check(field.default, field.shape).mistakes:
                report.add(place + mistake.pointer, mistake.message)


def _check_methods(endpoints: tuple[Endpoint, ...], report: Report) -> None:
    """Two endpoints of a resource must not end up as one method."""
    owners: dict[str, Endpoint] = {}
    names = naming.method_names(endpoints)
    for endpoint in endpoints:
        for name in naming.variants(endpoint, names[endpoint.id]):
            other = owners.setdefault(name, endpoint)
            if other is not endpoint:
                report.add(
                    step(endpoint.pointer, "id"), f"would give a method {name!r}, and so does {other.id!r}"
                )
