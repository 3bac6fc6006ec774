"""Begins jobs: calls an endpoint whose answer is a receipt, and knows how to ask with it.

What the poll endpoint needs (its path parameters and the fields its request must have, or a `request_id`) is
taken from the receipt, by name.

Imports:  errors, futures, url and the manifest's model of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from cortex_actors.client import url
from cortex_actors.client.errors import InvalidCall, UnexpectedAnswer
from cortex_actors.client.futures import Polling, is_over, poll
from cortex_actors.client.manifest.model import Endpoint, Manifest
from cortex_actors.client.telemetry import Telemetry

#: What a poll endpoint without parameters and without a request type wants to know.
_RECEIPT = "request_id"

#: Asks an endpoint: its id, path parameters, payload.
Ask = Callable[[str, dict[str, Any], Any], Any]


def follow(
    manifest: Manifest,
    endpoint: Endpoint,
    receipt: Any,
    ask: Ask,
    polling: Polling,
    telemetry: Telemetry,
    clock: Callable[[], float],
) -> Future[Any]:
    """The future of the job that this endpoint has just begun."""
    if endpoint.poll_endpoint is None:
        raise InvalidCall(("this endpoint begins no jobs",), endpoint=endpoint.id)
    where = manifest.endpoint(endpoint.poll_endpoint)
    path: dict[str, Any] = {}
    payload: dict[str, Any] | None = None
    if not is_over(receipt):
        path = _taken(receipt, url.parameters(where.path), endpoint)
        payload = _taken(receipt, _fields(manifest, where), endpoint) or None
    return poll(
        lambda: ask(where.id, path, payload),
        polling,
        first=receipt,
        endpoint=endpoint.id,
        telemetry=telemetry,
        clock=clock,
    )


def _fields(manifest: Manifest, endpoint: Endpoint) -> tuple[str, ...]:
    request = manifest.request_type(endpoint)
    if request is not None:
        return tuple(field.name for field in request.fields.values() if field.is_asked_for)
    return () if url.parameters(endpoint.path) or endpoint.method == "GET" else (_RECEIPT,)


def _taken(receipt: Any, names: tuple[str, ...], endpoint: Endpoint) -> dict[str, Any]:
    known = receipt if isinstance(receipt, dict) else {}
    missing = [name for name in names if known.get(name) is None]
    if missing:
        raise UnexpectedAnswer(f"the receipt has no {', '.join(missing)}", endpoint=endpoint.id)
    return {name: known[name] for name in names}
