"""Opens streams: the first answer through the whole way of a call, later ones with one attempt each.

Imports:  attempt, calls, context, errors, formats, source, stream_observer, stream_response of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from cortex_actors.client import formats
from cortex_actors.client.calls import Call, CallRunner, Opened
from cortex_actors.client.context import Context
from cortex_actors.client.errors import UnexpectedAnswer
from cortex_actors.client.reconnection import Reconnect
from cortex_actors.client.retry import RetryPolicy
from cortex_actors.client.source import Road, Source
from cortex_actors.client.stream_observer import StreamObserver
from cortex_actors.client.stream_response import StreamResponse
from cortex_actors.client.telemetry import Telemetry

_ONCE = RetryPolicy(max_attempts=1)


def open_stream(
    call: Call,
    reconnect: Reconnect | None,
    runner: CallRunner,
    telemetry: Telemetry,
    context: Context,
    release: Callable[[], None],
) -> StreamResponse:
    """The stream, when its answer has begun; raises APIError."""
    observer = StreamObserver(call, telemetry, context.clock, release, strict=context.strict_events)

    def reopen(last_event_id: str) -> Opened:
        again = replace(call.behind(last_event_id), policy=_ONCE, begun=source.begun)
        return runner.run(again, partial(_checked, again))

    road = Road(
        endpoint=call.endpoint.id,
        reopen=reopen,
        reader=partial(formats.reader, call.endpoint.stream_format, max_event_bytes=context.max_event_bytes),
        reconnect=reconnect,
        random=context.random,
        on_reconnect=observer.reconnecting,
    )
    source = Source(road, call.options.get("last_event_id", ""))
    opened = runner.run(replace(call, begun=source.begun), partial(_checked, call))
    source.begin(opened)
    return StreamResponse(
        source,
        status=opened.attempt.status,
        headers=opened.attempt.headers,
        metadata={
            "endpoint_id": call.endpoint.id,
            "method": call.request.method,
            "url": call.request.address,
            "retries": opened.retries,
            "started": call.began,
        },
        observer=observer,
    )


def _checked(call: Call, opened: Opened) -> Opened:
    """The answer, if it is a stream of the kind that was promised."""
    kind = opened.attempt.headers.get("content-type", "").partition(";")[0].strip().lower()
    if (
        kind
        and opened.attempt.status != 204
        and kind not in formats.CONTENT_TYPES[call.endpoint.stream_format]
    ):
        raise UnexpectedAnswer(
            f"the answer is {kind}, not a stream of {call.endpoint.stream_format}", endpoint=call.endpoint.id
        )
    return opened
