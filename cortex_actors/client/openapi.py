"""A manifest as an OpenAPI 3.1 document.

Endpoints that share method and path, such as one API in several framings, become one operation whose answer
has several content types: OpenAPI knows no other way to say it.

Imports:  formats, openapi_schema, url and the manifest's model of this package.
"""

from __future__ import annotations

import re
from typing import Any

from cortex_actors.client import formats, url
from cortex_actors.client.manifest.model import DEFAULT_AUTH, NO_AUTH, AuthSpec, Endpoint, Manifest
from cortex_actors.client.openapi_schema import Schema, schema_named, schema_of, schema_of_type

_COLON_PARAMETER = re.compile(r"(?<=/):([A-Za-z_][A-Za-z0-9_]*)")
_BODIES = {"json": "application/json", "multipart": "multipart/form-data", "raw": "application/octet-stream"}


def openapi(manifest: Manifest) -> dict[str, Any]:
    """The document."""
    paths: dict[str, dict[str, Schema]] = {}
    for endpoint in manifest.endpoints.values():
        path = paths.setdefault(_COLON_PARAMETER.sub(r"{\1}", endpoint.path), {})
        method = endpoint.method.lower()
        operation = _operation(manifest, endpoint)
        path[method] = _together(path[method], operation) if method in path else operation
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": manifest.name, "version": manifest.version},
        "paths": paths,
        "components": {
            "schemas": {name: schema_of_type(spec) for name, spec in manifest.types.items()},
            "securitySchemes": {name: _scheme(spec) for name, spec in manifest.auth.items()},
        },
    }
    if manifest.description:
        document["info"]["description"] = manifest.description
    if manifest.resources:
        document["tags"] = [{"name": name, "description": text} for name, text in manifest.resources.items()]
    addresses = [server.url for server in manifest.servers.values()] or [manifest.address or "/"]
    document["servers"] = [{"url": address} for address in dict.fromkeys(addresses)]
    if DEFAULT_AUTH in manifest.auth:
        document["security"] = [{DEFAULT_AUTH: []}]
    return document


def _operation(manifest: Manifest, endpoint: Endpoint) -> Schema:
    operation: Schema = {"operationId": endpoint.id, "responses": _responses(endpoint)}
    if endpoint.description:
        operation["summary"] = endpoint.description
    tags = [*([endpoint.resource] if endpoint.resource else []), *endpoint.tags]
    if tags:
        operation["tags"] = tags
    if endpoint.deprecated:
        operation["deprecated"] = True
    if endpoint.auth != DEFAULT_AUTH:
        operation["security"] = [] if endpoint.auth == NO_AUTH else [{endpoint.auth: []}]
    parameters = _parameters(manifest, endpoint)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.request is not None and endpoint.method not in ("GET", "HEAD"):
        kind = endpoint.content_type or _BODIES[endpoint.body_type]
        content = {kind: {"schema": schema_named(endpoint.request)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(manifest: Manifest, endpoint: Endpoint) -> list[Schema]:
    found: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in url.parameters(endpoint.path)
    ]
    request = manifest.request_type(endpoint)
    if request is not None and endpoint.method in ("GET", "HEAD"):
        found += [
            {"name": each.wire, "in": "query", "required": each.required, "schema": schema_of(each.shape)}
            for each in request.fields.values()
        ]
    if endpoint.idempotency:
        name = endpoint.idempotency_header or "X-Idempotency-Key"
        found.append({"name": name, "in": "header", "schema": {"type": "string"}})
    return found


def _responses(endpoint: Endpoint) -> dict[str, Schema]:
    content: Schema = {}
    if endpoint.response is not None:
        kind = "text/plain" if endpoint.response == "string" else "application/json"
        content[kind] = {"schema": schema_named(endpoint.response)}
    if endpoint.streaming:
        refs = [ref for ref in endpoint.event_types.values() if ref]
        schema = {"anyOf": [schema_named(ref) for ref in refs]} if refs else {}
        content[formats.ASKED_FOR[endpoint.stream_format]] = {"schema": schema}
    answer: Schema = {"description": "The answer."}
    found = {"200": {**answer, "content": content} if content else answer}
    for error in endpoint.error_types:
        refusal: Schema = {"description": error.description or error.name}
        if error.type is not None:
            refusal["content"] = {"application/json": {"schema": schema_named(error.type)}}
        found[error.status.upper()] = refusal
    return found


def _together(one: Schema, other: Schema) -> Schema:
    """Two endpoints in one operation: the first one's words, both their answers."""
    answer = one["responses"]["200"]
    content = {**other["responses"]["200"].get("content", {}), **answer.get("content", {})}
    responses = {**other["responses"], **one["responses"]}
    if content:
        responses["200"] = {**answer, "content": content}
    return {**one, "responses": responses}


def _scheme(spec: AuthSpec) -> Schema:
    if spec.type == "api_key":
        place = "query" if spec.parameter else "header"
        return {"type": "apiKey", "in": place, "name": spec.parameter or spec.header or "X-API-Key"}
    return {"type": "http", "scheme": spec.type}
