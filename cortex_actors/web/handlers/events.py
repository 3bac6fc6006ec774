"""Events: what happened lately, to be read back or to be followed live.

GET /api/events            the last ones; `?since=`, `?kinds=`, `?limit=`. With `Accept: text/event-stream`
                           they are followed: after `Last-Event-ID`, else from now on
GET /api/dashboard/feed    the same, and once a second all that a dashboard shows
"""

from __future__ import annotations

from collections.abc import Callable

from cortex_actors.web.operator import query
from cortex_actors.web.operator.events import asked_kinds, asked_place, event_payload
from cortex_actors.web.operator.following import CONTENT_TYPE, Following
from cortex_actors.web.operator.process import snapshots
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response, timestamp

#: Events that one answer has at most, and unless it is told otherwise.
_MOST = 1000
_USUAL = 200

#: Events that a dashboard shows when it begins.
_BEFORE = 100


def events(request: Request) -> Response:
    """GET /api/events"""
    ring = request.gateway.events
    place, kinds = asked_place(request, ring), asked_kinds(request)
    if "text/event-stream" in (request.accept or "").lower():
        return _follow(request, after=ring.latest if place is None else place)
    limit = query.number(request, "limit", _USUAL, _MOST)
    told = ring.since(place or 0, kinds=kinds, limit=limit)
    return json_response(
        200,
        {
            "timestamp": timestamp(),
            "boot": ring.boot,
            "oldest": told.oldest,
            "latest": told.latest,
            "events": [event_payload(event, ring.boot) for event in told.events],
        },
    )


def feed(request: Request) -> Response:
    """GET /api/dashboard/feed"""
    ring = request.gateway.events
    place = asked_place(request, ring)
    state = snapshots(request.gateway).text
    return _follow(request, after=_lately(ring.latest) if place is None else place, state=state)


def _lately(latest: int) -> int:
    return max(0, latest - _BEFORE)


def _follow(request: Request, *, after: int, state: Callable[[], str] | None = None) -> Response:
    headers = [("Content-Type", CONTENT_TYPE), ("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no")]
    if request.method == "HEAD":
        return Response(200, [], headers)
    gateway = request.gateway
    following = Following(
        gateway.events,
        gateway.audience.enter(),
        request.caller.gone,
        after=after,
        kinds=asked_kinds(request),
        state=state,
    )
    return Response(200, following, headers)
