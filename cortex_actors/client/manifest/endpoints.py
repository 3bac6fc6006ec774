"""Reads the endpoints of a manifest, and what its `defaults` give to each of them.

Imports:  url of the client; mistakes, model and section of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cortex_actors.client import url
from cortex_actors.client.manifest.mistakes import step
from cortex_actors.client.manifest.model import BODY_TYPES, METHODS, STREAM_FORMATS, Endpoint, ErrorType
from cortex_actors.client.manifest.section import Section

#: How `body_type` may be spelled besides.
_BODY_ALIASES = {"multipart/form-data": "multipart", "application/json": "json"}

#: Fields that are merged with those of the defaults, rather than replacing them.
_MERGED = ("headers", "query")


def read_endpoints(manifest: Section, errors: Mapping[str, ErrorType]) -> dict[str, Endpoint]:
    """All endpoints, by id."""
    defaults = _defaults(manifest)
    found: dict[str, Endpoint] = {}
    for section in manifest.rows("endpoints"):
        endpoint = _endpoint(section, defaults, errors)
        if endpoint.id in found:
            section.wrong("id", f"is the id of {found[endpoint.id].pointer} already")
        else:
            found[endpoint.id] = endpoint
    return found


def _defaults(manifest: Section) -> dict[str, Any]:
    section = manifest.table("defaults")
    if section is None:
        return {}
    given = _inheritable(section)
    section.finish()
    return given


def _endpoint(section: Section, defaults: Mapping[str, Any], errors: Mapping[str, ErrorType]) -> Endpoint:
    given = {**defaults, **_inheritable(section)}
    for key in _MERGED:
        given[key] = {**defaults.get(key, {}), **given.get(key, {})}
    given["error_types"] = _errors(section, given.get("error_types"), errors)
    id = section.text("id")
    if id is None:
        section.wrong("id", "endpoint id is required")
    id = id or section.pointer
    endpoint = Endpoint(
        id=id,
        pointer=section.pointer,
        method=_method(section, id),
        path=_path(section, id),
        description=section.text("description") or "",
        resource=section.text("resource"),
        request=section.text("request"),
        response=section.text("response"),
        asynchronous=bool(section.flag("async")),
        poll_endpoint=section.text("poll_endpoint"),
        telemetry=section.text("telemetry"),
        streaming=bool(section.flag("streaming")),
        event_types=_event_types(section),
        deprecated=bool(section.flag("deprecated")),
        tags=section.texts("tags") or (),
        response_unwrap=tuple((section.text("response_unwrap") or "").split("."))
        if section.has("response_unwrap")
        else (),
        transform=section.text("transform"),
        **given,
    )
    _check_modes(section, endpoint)
    section.finish()
    return endpoint


def _inheritable(section: Section) -> dict[str, Any]:
    """The fields that `defaults` may give as well; only those that are there."""
    timeout = section.number("timeout", above=0)
    body = section.anything("body_type")
    given: dict[str, Any] = {
        "timeout": None if timeout is None else timeout / 1000,
        "retry": section.text("retry"),
        "headers": {name: str(value) for name, value in section.scalars("headers").items()} or None,
        "query": section.scalars("query") or None,
        "auth": section.text("auth"),
        "rate_limit": section.text("rate_limit"),
        "circuit_breaker": section.text("circuit_breaker"),
        "idempotency": section.flag("idempotency", None),
        "idempotency_header": section.text("idempotency_header"),
        "content_type": section.text("content_type"),
        "stream_format": section.word("stream_format", STREAM_FORMATS),
        "error_types": section.texts("error_types"),
        "body_type": _BODY_ALIASES.get(body, body) if isinstance(body, str) else None,
    }
    if body is not None and given["body_type"] not in BODY_TYPES:
        section.wrong("body_type", f"must be one of {', '.join(BODY_TYPES)}")
        given["body_type"] = None
    return {key: value for key, value in given.items() if value is not None}


def _errors(
    section: Section, names: tuple[str, ...] | None, errors: Mapping[str, ErrorType]
) -> tuple[ErrorType, ...]:
    """The failures an endpoint names, or all that the manifest knows; a status names one as well."""
    if names is None:
        return tuple(errors.values())
    by_status = {error.status: error for error in errors.values()}
    found = []
    for index, name in enumerate(names):
        error = errors.get(name) or by_status.get(name)
        if error is None:
            section.report.add(
                step(step(section.pointer, "error_types"), index), f"there is no error type {name!r}"
            )
        else:
            found.append(error)
    return tuple(found)


def _method(section: Section, id: str) -> str:
    method = section.text("method")
    if method is None:
        section.wrong("method", f"endpoint {id} must include method and path")
        return "GET"
    if method.upper() not in METHODS:
        section.wrong("method", f"must be one of {', '.join(METHODS)}")
        return "GET"
    return method.upper()


def _path(section: Section, id: str) -> str:
    path = section.text("path")
    if path is None:
        section.wrong("path", f"endpoint {id} must include method and path")
    elif not path.startswith("/"):
        section.wrong("path", f"endpoint {id} path must start with '/'")
    elif not url.is_well_formed(path):
        section.wrong("path", "may hold {name} and /:name, and neither a query nor a fragment")
    else:
        return path
    return "/"


def _event_types(section: Section) -> dict[str, str | None]:
    """Names, or names with the type of their data."""
    if not isinstance(section.values.get("event_types"), dict):
        return dict.fromkeys(section.texts("event_types") or ())
    found: dict[str, str | None] = {}
    table = section.table("event_types")
    for name, ref in table.values.items() if table else ():
        if ref is None or isinstance(ref, str):
            found[name] = ref
        elif table:
            table.wrong(name, "must be the name of a type, or null")
    return found


def _check_modes(section: Section, endpoint: Endpoint) -> None:
    """Fields that only mean something together with another one."""
    if not endpoint.streaming:
        section.refuse("stream_format", "event_types", because="means nothing without streaming")
    if endpoint.asynchronous and endpoint.poll_endpoint is None:
        section.wrong("async", "a job needs a poll_endpoint that tells what became of it")
    if endpoint.poll_endpoint is not None and not endpoint.asynchronous:
        section.wrong("poll_endpoint", "means nothing without async")
