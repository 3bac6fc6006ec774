"""A manifest as documentation: one Markdown page.

Imports:  naming, signatures and the manifest's model and types of this package.
"""

from __future__ import annotations

from collections.abc import Iterator

from cortex_actors.client import naming
from cortex_actors.client.manifest.model import Endpoint, Manifest
from cortex_actors.client.manifest.types import (
    UNSET,
    AliasType,
    Field,
    ObjectType,
    Shape,
    TypeSpec,
    UnionType,
)
from cortex_actors.client.signatures import parameters_of


def markdown(manifest: Manifest) -> str:
    """The page."""
    return "\n".join(_page(manifest)).rstrip() + "\n"


def _page(manifest: Manifest) -> Iterator[str]:
    yield from (f"# {manifest.name} {manifest.version}", "")
    if manifest.description:
        yield from (manifest.description, "")
    if manifest.address:
        yield from (f"Address: `{manifest.address}`", "")
    yield from _servers(manifest)
    yield from _policies(manifest)
    grouped = manifest.by_resource()
    for resource, endpoints in grouped.items():
        yield from (f"## {resource}", "")
        if manifest.resources.get(resource):
            yield from (manifest.resources[resource], "")
        names = naming.method_names(endpoints)
        for endpoint in endpoints:
            yield from _endpoint(manifest, endpoint, names[endpoint.id])
    alone = [endpoint for endpoint in manifest.endpoints.values() if endpoint.resource is None]
    if alone:
        yield from ("## Other endpoints", "")
    for endpoint in alone:
        yield from _endpoint(manifest, endpoint, None)
    if manifest.types:
        yield from ("## Types", "")
    for spec in manifest.types.values():
        yield from _type(spec)
    if manifest.error_types:
        yield from ("## Errors", "", "| status | name | again? | |", "|---|---|---|---|")
    for error in manifest.error_types.values():
        again = {None: "as its status", True: "yes", False: "no"}[error.retryable]
        yield f"| {error.status} | {error.name} | {again} | {_cell(error.description)} |"


def _servers(manifest: Manifest) -> Iterator[str]:
    for server in manifest.servers.values():
        yield f"* {server.name}: `{server.url}` {server.description}".rstrip()
    if manifest.servers:
        yield ""


def _policies(manifest: Manifest) -> Iterator[str]:
    """How one signs in, what is tried again, how often one may call."""
    for name, auth in manifest.auth.items():
        variables = [auth.env_var, auth.username_env_var, auth.password_env_var]
        source = ", ".join(f"`{variable}`" for variable in variables if variable)
        yield f"* Credential {name}: {auth.type}{f' from {source}' if source else ''}"
    for name, policy in manifest.retry_policies.items():
        yield f"* Retry {name}: up to {policy.max_attempts} attempts, {policy.backoff} from {policy.base:g} s"
    for name, limit in manifest.rate_limits.items():
        yield f"* Rate limit {name}: {limit.limit} calls in {limit.window:g} s"
    if manifest.auth or manifest.retry_policies or manifest.rate_limits:
        yield ""


def _endpoint(manifest: Manifest, endpoint: Endpoint, name: str | None) -> Iterator[str]:
    yield from (f"### {endpoint.id}", "", f"`{endpoint.method} {endpoint.path}`", "")
    if endpoint.deprecated:
        yield from ("**Deprecated.**", "")
    if endpoint.description:
        yield from (endpoint.description, "")
    if name is not None:
        given = ", ".join(each.name for each in parameters_of(manifest, endpoint) if each.required)
        calls = [f"`{endpoint.resource}.{each}({given})`" for each in naming.variants(endpoint, name)]
        yield from (f"Python: {', '.join(calls)}", "")
    for title, value in _facts(endpoint):
        yield f"* {title}: {value}"
    yield ""


def _facts(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """What else is to be known of an endpoint, as far as the manifest says it."""
    events = (f"{event} ({ref})" if ref else event for event, ref in endpoint.event_types.items())
    facts = {
        "Request": endpoint.request,
        "Body": endpoint.body_type if endpoint.body_type != "json" else None,
        "Answer": endpoint.response,
        "Inside the answer": ".".join(endpoint.response_unwrap),
        "Stream": endpoint.stream_format if endpoint.streaming else None,
        "Events": ", ".join(events),
        "Job, asked for at": endpoint.poll_endpoint,
        "Silence allowed": f"{endpoint.timeout:g} s" if endpoint.timeout else None,
        "Retry": endpoint.retry,
        "Rate limit": endpoint.rate_limit,
        "Circuit breaker": endpoint.circuit_breaker,
        "Credential": endpoint.auth if endpoint.auth != "default" else None,
        "Idempotency key": (endpoint.idempotency_header or "yes") if endpoint.idempotency else None,
        "Errors": ", ".join(error.name for error in endpoint.error_types),
        "Tags": ", ".join(endpoint.tags),
    }
    return ((title, value) for title, value in facts.items() if value)


def _type(spec: TypeSpec) -> Iterator[str]:
    yield from (f"### {spec.name}", "")
    if spec.description:
        yield from (spec.description, "")
    match spec:
        case ObjectType():
            yield from ("| field | type | | |", "|---|---|---|---|")
            for field in spec.fields.values():
                cells = (field.name, told(field.shape), _rules(field), field.description)
                yield f"| {' | '.join(map(_cell, cells))} |"
        case UnionType(discriminator=None):
            yield f"One of {', '.join(map(told, spec.variants))}."
        case UnionType():
            yield f"By its `{spec.discriminator}`: "
            yield from (f"* {tag}: {ref}" for tag, ref in spec.mapping.items())
        case AliasType():
            yield f"{told(spec.shape)}."
    yield ""


def told(shape: Shape) -> str:
    """A shape in words.

    >>> told(Shape(type="array", items=Shape(ref="Message"))), told(Shape(choices=("a", "b")))
    ('list of Message', 'a or b')
    """
    if shape.value is not UNSET:
        return f"always {shape.value!r}"
    if shape.choices:
        return " or ".join(map(str, shape.choices))
    if shape.type == "array":
        return f"list of {told(shape.items)}" if shape.items else "list"
    return shape.ref or shape.type


def _rules(field: Field) -> str:
    rules = [
        "required" if field.is_asked_for else "",
        "may be null" if field.nullable else "",
        "" if field.default is UNSET else f"default {field.default!r}",
        f"written as {field.alias}" if field.alias else "",
    ]
    return ", ".join(rule for rule in rules if rule)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
