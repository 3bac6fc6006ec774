"""Prepares a call: what holds for it, from the call itself, the context, the endpoint, in this order.

Imports:  call_options, calls, context, request_builder, retry, timeouts of this package.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cortex_actors.client.call_options import CallOptions, checked
from cortex_actors.client.calls import Call
from cortex_actors.client.context import Context
from cortex_actors.client.errors import InvalidCall
from cortex_actors.client.manifest.mistakes import nearest
from cortex_actors.client.manifest.model import DEFAULT_AUTH, Endpoint, Manifest
from cortex_actors.client.reconnection import Reconnect
from cortex_actors.client.request_builder import RequestBuilder
from cortex_actors.client.retry import CAREFUL, RetryPolicy
from cortex_actors.client.timeouts import in_force


class Preparation:
    """Prepares the calls of one client."""

    def __init__(self, manifest: Manifest, context: Context, builder: RequestBuilder) -> None:
        self._manifest = manifest
        self._context = context
        self._builder = builder

    def call(self, id: str, payload: Any, options: CallOptions, *, stream: bool) -> Call:
        """A call, ready to be made; raises InvalidCall, UnknownEndpoint or TypeError."""
        endpoint = self._manifest.endpoint(id)
        options = checked(options, id)
        if stream and not endpoint.streaming:
            raise InvalidCall(("this endpoint does not stream",), endpoint=id)
        if endpoint.deprecated:
            warnings.warn(f"{id} is deprecated", DeprecationWarning, stacklevel=4)
        began = self._context.clock()
        limits = in_force(options.get("timeout"), self._context.timeouts, endpoint.timeout)
        call = Call(
            endpoint=endpoint,
            request=self._builder.build(endpoint, payload, options, stream=stream),
            options=options,
            limits=limits,
            policy=self._policy(endpoint, options),
            topic=endpoint.telemetry or ("stream" if stream else "request"),
            began=began,
            due=None if limits.total is None else began + limits.total,
        )
        return call.behind(options.get("last_event_id", ""))

    def reconnect(self, endpoint: Endpoint, options: CallOptions) -> Reconnect | None:
        """How a stream is opened again, if it is."""
        wish = options.get("reconnect")
        wish = self._context.reconnect if wish is None else wish
        if not wish:
            return None
        if endpoint.stream_format != "sse":
            raise InvalidCall(("only server-sent events can be reconnected",), endpoint=endpoint.id)
        return wish if isinstance(wish, Reconnect) else Reconnect()

    def _policy(self, endpoint: Endpoint, options: CallOptions) -> RetryPolicy:
        context = self._context
        named = context.retry_policies.get(endpoint.retry or "") or self._manifest.retry_policies.get(
            endpoint.retry or ""
        )
        policy = options.get("retry") or context.retry or named or CAREFUL
        retries = options.get("max_retries")
        return policy if retries is None else replace(policy, max_attempts=retries + 1)


def check_names(manifest: Manifest, context: Context) -> None:
    """Looks whether manifest and context know the same names; raises ValueError where one alone does."""
    missing = [
        f"/middleware/{index}: the context has no middleware {name!r}"
        for index, name in enumerate(manifest.middleware)
        if name not in context.middleware
    ]
    missing += [
        f"{endpoint.pointer}/transform: the context has no transform {endpoint.transform!r}"
        for endpoint in manifest.endpoints.values()
        if endpoint.transform is not None and endpoint.transform not in context.transforms
    ]
    auths = context.auth if isinstance(context.auth, Mapping) else {}
    for kind, given, known in (
        ("way to sign in", auths, {*manifest.auth, DEFAULT_AUTH}),
        ("retry policy", context.retry_policies, manifest.retry_policies),
    ):
        missing += [
            f"the context has the {kind} {name!r}, which {manifest.name} does not know{nearest(name, known)}"
            for name in given
            if name not in known
        ]
    if missing:
        raise ValueError("\n".join(missing))
