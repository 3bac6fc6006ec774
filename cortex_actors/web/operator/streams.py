"""Running streams as JSON."""

from __future__ import annotations

from cortex_actors.gateway.views import StreamView
from cortex_actors.web.operator.actors import rounded
from cortex_actors.web.payloads import Payload, attempts_payload
from cortex_actors.web.responses import timestamp


def stream_payload(view: StreamView) -> Payload:
    """One stream: who asked, who answers, how far it is, and why it is slow, if it is."""
    return {
        "id": view.id,
        "request_id": view.request_id,
        "actor": view.actor,
        "caller": view.caller,
        "provider": view.provider,
        "model": view.model,
        "key": view.key,
        "state": view.state,
        "started_at": timestamp(view.started_at),
        "age": rounded(view.age),
        "ttft": rounded(view.ttft),
        "attempt": view.attempt,
        "attempts": attempts_payload(view.attempts),
        "chunks": view.chunks,
        "bytes": view.bytes,
        "recoveries": view.recoveries,
        "window": {"fill": view.window_fill, "limit": view.window_limit},
        "since_chunk_ms": None if view.since_chunk is None else round(view.since_chunk * 1000),
        "slow": list(view.slow),
    }
