"""Running streams, as an operator sees them; none of them notices.

GET /api/streams         those that run, the oldest first; `?provider=NAME`, `?slow=true`, `?limit=N`
GET /api/streams/{id}    one of them
"""

from __future__ import annotations

from cortex_actors.errors import NotFound
from cortex_actors.web.operator import query
from cortex_actors.web.operator.streams import stream_payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response, timestamp

#: Where single streams are.
RUNNING = "/api/streams/"

#: Streams that one answer lists at most, and unless it is told otherwise.
_MOST = 10_000
_USUAL = 1000


def streams(request: Request) -> Response:
    """GET /api/streams"""
    views = request.gateway.running.views()
    provider, slow = query.text(request, "provider"), query.flag(request, "slow")
    chosen = [
        view for view in views if (provider is None or view.provider == provider) and (view.slow or not slow)
    ]
    listed = chosen[: query.number(request, "limit", _USUAL, _MOST)]
    return json_response(
        200,
        {"timestamp": timestamp(), "total": len(views), "streams": [stream_payload(view) for view in listed]},
    )


def stream(request: Request) -> Response:
    """GET /api/streams/{id}"""
    view = request.gateway.running.view(request.path.removeprefix(RUNNING))
    if view is None:
        raise NotFound("No stream of this id runs here.")
    return json_response(200, {"timestamp": timestamp(), "stream": stream_payload(view)})
