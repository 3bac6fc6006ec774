"""A manifest as values: all of it read and checked, with its defaults applied to every endpoint.

Imports:  retry and limiter of the client; mistakes and types of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cortex_actors.client.limiter import RateLimit
from cortex_actors.client.manifest.mistakes import nearest
from cortex_actors.client.manifest.types import ObjectType, TypeSpec
from cortex_actors.client.retry import RetryPolicy

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
STREAM_FORMATS = ("sse", "ndjson", "json_array")
BODY_TYPES = ("json", "multipart", "raw")

#: The name an endpoint gives to have no credential sent.
NO_AUTH = "none"
#: The credential for endpoints that name none.
DEFAULT_AUTH = "default"


class UnknownEndpoint(KeyError):
    """When a manifest has no endpoint of this id."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSpec:
    """How to sign in, without the credential: that comes from the environment or from the context."""

    type: str
    env_var: str | None = None
    username_env_var: str | None = None
    password_env_var: str | None = None
    header: str | None = None
    parameter: str | None = None
    prefix: str | None = None
    #: Without its variable in the environment nothing is sent, in place of an error.
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorType:
    """What a status means to this API."""

    name: str
    #: A status such as 404, or a class such as 5xx.
    status: str
    #: The type of its body.
    type: str | None = None
    #: None leaves it to the status.
    retryable: bool | None = None
    description: str = ""

    def covers(self, status: int) -> bool:
        """Whether it is told of this status."""
        return self.status in (str(status), f"{status // 100}xx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One place where the API is served."""

    name: str
    url: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One thing a server does."""

    id: str
    method: str
    path: str
    #: Its place in the document.
    pointer: str = ""
    description: str = ""
    resource: str | None = None
    request: str | None = None
    response: str | None = None
    #: It answers with a job; `poll_endpoint` tells what became of it.
    asynchronous: bool = False
    poll_endpoint: str | None = None
    #: Seconds the server may say nothing.
    timeout: float | None = None
    retry: str | None = None
    telemetry: str | None = None
    streaming: bool = False
    stream_format: str = "sse"
    #: The events a stream may have, each with the type of its data where that is known.
    event_types: Mapping[str, str | None] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body_type: str = "json"
    content_type: str | None = None
    auth: str = DEFAULT_AUTH
    circuit_breaker: str | None = None
    rate_limit: str | None = None
    idempotency: bool = False
    idempotency_header: str | None = None
    deprecated: bool = False
    tags: tuple[str, ...] = ()
    error_types: tuple[ErrorType, ...] = ()
    #: The way to the answer inside the answer.
    response_unwrap: tuple[str, ...] = ()
    #: The name of a function of the context that reshapes payloads.
    transform: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An API as data."""

    name: str
    version: str
    description: str = ""
    base_url: str | None = None
    servers: Mapping[str, Server] = field(default_factory=dict)
    auth: Mapping[str, AuthSpec] = field(default_factory=dict)
    error_types: Mapping[str, ErrorType] = field(default_factory=dict)
    retry_policies: Mapping[str, RetryPolicy] = field(default_factory=dict)
    rate_limits: Mapping[str, RateLimit] = field(default_factory=dict)
    #: Resource -> its description.
    resources: Mapping[str, str] = field(default_factory=dict)
    #: Names of functions of the context that every request passes, in order.
    middleware: tuple[str, ...] = ()
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    types: Mapping[str, TypeSpec] = field(default_factory=dict)
    #: What it was read from.
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def endpoint(self, id: str) -> Endpoint:
        """The endpoint of this id; raises UnknownEndpoint, naming the nearest one."""
        if id not in self.endpoints:
            raise UnknownEndpoint(f"{self.name} has no endpoint {id!r}{nearest(id, self.endpoints)}")
        return self.endpoints[id]

    def by_resource(self) -> dict[str, tuple[Endpoint, ...]]:
        """Endpoints by their resource, in the manifest's order; those without one are not here."""
        found: dict[str, tuple[Endpoint, ...]] = {}
        for endpoint in self.endpoints.values():
            if endpoint.resource is not None:
                found[endpoint.resource] = (*found.get(endpoint.resource, ()), endpoint)
        return found

    def request_type(self, endpoint: Endpoint) -> ObjectType | None:
        """The fields of a request, when its type has any."""
        spec = self.types.get(endpoint.request or "")
        return spec if isinstance(spec, ObjectType) else None

    @property
    def address(self) -> str | None:
        """Where the API is, unless the context says otherwise."""
        first = next(iter(self.servers.values()), None)
        return self.base_url or (first.url if first else None)
