"""From a call to a request: the payload checked and written, the address filled in, the headers in order.

    headers, later ones win: platform, context, endpoint, extra_headers, content type, credential, the call's

What is wrong with a call is told all at once and before anything is sent.

Imports:  most of this package; it is where a call comes together.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cortex_actors.client import formats, url
from cortex_actors.client.body import Unwritable, write_body
from cortex_actors.client.call_options import CallOptions
from cortex_actors.client.context import Context
from cortex_actors.client.credentials import auth_for
from cortex_actors.client.errors import InvalidCall
from cortex_actors.client.headers import merged, unsendable
from cortex_actors.client.manifest.codec import Codec
from cortex_actors.client.manifest.model import Endpoint, Manifest
from cortex_actors.client.manifest.types import UNSET
from cortex_actors.client.platform_headers import attempt_headers, platform_headers
from cortex_actors.client.request import Request, is_harmless

#: Methods whose payload goes into the query.
_BODILESS = ("GET", "HEAD")


class RequestBuilder:
    """Builds the requests of one client."""

    def __init__(self, manifest: Manifest, context: Context, codec: Codec) -> None:
        self._manifest = manifest
        self._context = context
        self._codec = codec
        self._base = _base_url(manifest, context)

    def build(self, endpoint: Endpoint, payload: Any, options: CallOptions, *, stream: bool) -> Request:
        """The request without its credential; raises InvalidCall."""
        try:
            return self._built(endpoint, self._encoded(endpoint, payload, stream), options, stream)
        except (url.Unfit, Unwritable) as error:
            raise InvalidCall((str(error),), endpoint=endpoint.id) from error

    def sign(
        self, request: Request, endpoint: Endpoint, options: CallOptions, *, retries: int, silence: float
    ) -> Request:
        """The request as one attempt sends it; a credential may be another each time."""
        auth = auth_for(endpoint, self._manifest, self._context)
        credential = auth.headers()
        about = attempt_headers(retries, silence) if self._context.platform_headers else {}
        headers = merged(request.headers, about, credential, options.get("headers", {}))
        bad = unsendable(headers)
        if bad:
            raise InvalidCall(tuple(f"header {name!r} cannot be sent" for name in bad), endpoint=endpoint.id)
        return replace(
            request,
            headers=headers,
            url=url.join(request.url, "", auth.query()) if auth.query() else request.url,
            secret=frozenset(name.lower() for name in credential),
        )

    def _built(self, endpoint: Endpoint, payload: Any, options: CallOptions, stream: bool) -> Request:
        in_query = payload if endpoint.method in _BODILESS and isinstance(payload, Mapping) else {}
        body, content_type = (None, None) if endpoint.method in _BODILESS else write_body(payload, endpoint)
        context = self._context
        path = url.expand(options.get("path", endpoint.path), options.get("path_params", {}))
        query = {**context.query, **endpoint.query, **in_query, **options.get("query", {})}
        key = options.get("idempotency_key") or (str(uuid.uuid4()) if endpoint.idempotency else None)
        request = Request(
            endpoint=endpoint.id,
            method=endpoint.method,
            url=url.join(self._base, path, query),
            headers=merged(
                platform_headers() if context.platform_headers else {},
                {"Accept": self._accept(endpoint, stream)},
                context.headers,
                endpoint.headers,
                {endpoint.idempotency_header or context.idempotency_header: key},
            ),
            body=body,
            harmless=is_harmless(endpoint.method, has_key=key is not None),
        )
        if context.extra_headers is not None:
            request = request.with_headers(context.extra_headers(request))
        if content_type is not None:
            request = request.with_headers({"Content-Type": content_type})
        for name in self._manifest.middleware:
            request = context.middleware[name](request)
        return request

    def _encoded(self, endpoint: Endpoint, payload: Any, stream: bool) -> Any:
        """The payload as it goes over the wire."""
        if endpoint.transform is not None:
            payload = self._context.transforms[endpoint.transform](payload)
        if endpoint.request is None:
            return payload
        payload = {} if payload is None else payload
        if isinstance(payload, Mapping):
            payload = {**self._stream_flag(endpoint, stream), **payload}
        encoded, report = self._codec.encode(payload, endpoint.request)
        if report.mistakes:
            raise InvalidCall(tuple(map(str, report.mistakes)), endpoint=endpoint.id)
        return encoded

    def _stream_flag(self, endpoint: Endpoint, stream: bool) -> dict[str, bool]:
        """Servers that answer in two ways are told which one by a `stream` in the request."""
        request = self._manifest.request_type(endpoint)
        field = request.fields.get("stream") if request else None
        if not endpoint.streaming or field is None or field.shape.value is not UNSET:
            return {}
        return {"stream": stream} if field.shape.type == "boolean" else {}

    def _accept(self, endpoint: Endpoint, stream: bool) -> str:
        if stream:
            return formats.ASKED_FOR[endpoint.stream_format]
        return "text/plain" if endpoint.response == "string" else "application/json"


def _base_url(manifest: Manifest, context: Context) -> str:
    if context.base_url is not None:
        return context.base_url
    if context.server is not None:
        if context.server not in manifest.servers:
            raise ValueError(f"{manifest.name} has no server {context.server!r}")
        return manifest.servers[context.server].url
    if manifest.address is None:
        raise ValueError(f"base_url is required: the manifest of {manifest.name} has none")
    return manifest.address
