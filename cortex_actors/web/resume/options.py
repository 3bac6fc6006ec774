"""What a request says about resuming: whether it is possible, what a disconnect means, where to go on.

    {"resumable": true}  or  X-Cortex-Resumable: true
    {"on_disconnect": "cancel" | "drain" | "detach"}
    Last-Event-ID: <stream>:<number>      GET takes ?lastEventId= too: polyfills of EventSource send that

What makes no sense is a 400 that names the field or the header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import parse_qs

from cortex_actors.errors import InvalidRequest
from cortex_actors.journal.event_id import EventId, parse_event_id
from cortex_actors.web.fields import Fields
from cortex_actors.web.request import Request

OnDisconnect = Literal["cancel", "drain", "detach"]

#: The fields of a body that are read here.
FIELDS = frozenset({"resumable", "on_disconnect"})

_HEADER = "X-Cortex-Resumable"
_FLAGS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Options:
    """How an answer is delivered."""

    resumable: bool
    on_disconnect: OnDisconnect


#: What nearly every request wants.
PLAIN = Options(resumable=False, on_disconnect="cancel")


def options_of(body: Mapping[str, Any], request: Request) -> Options:
    """What a chat says; raises InvalidRequest for what cannot be."""
    header = request.environ.get("HTTP_X_CORTEX_RESUMABLE")
    if header is None and FIELDS.isdisjoint(body):
        return PLAIN
    fields = Fields(body)
    resumable = fields.flag("resumable")
    if resumable is None:
        resumable = _flag(header)
    if body.get("on_disconnect") is None:
        return Options(resumable, "detach" if resumable else "cancel")
    chosen = cast(OnDisconnect, fields.word("on_disconnect", ("cancel", "drain", "detach")))
    if resumable and chosen == "drain":
        raise fields.refuse("on_disconnect", "must be cancel or detach where a stream is resumable")
    if not resumable and chosen == "detach":
        raise fields.refuse("on_disconnect", "is detach, which needs resumable to be true")
    return Options(resumable, chosen)


def last_event_id(request: Request) -> EventId | None:
    """Where the caller wants to go on; raises InvalidRequest for what is no event of ours."""
    text = request.environ.get("HTTP_LAST_EVENT_ID", "").strip()
    if not text and request.method != "POST" and request.environ.get("QUERY_STRING"):
        text = parse_qs(request.environ["QUERY_STRING"]).get("lastEventId", [""])[-1]
    if not text:
        return None
    found = parse_event_id(text)
    if found is None:
        raise InvalidRequest("Must be the id of an event of a resumable stream.", field="Last-Event-ID")
    return found


def _flag(header: str | None) -> bool:
    if header is None:
        return False
    if header.strip().lower() not in _FLAGS:
        raise InvalidRequest("Must be true or false.", field=_HEADER)
    return _FLAGS[header.strip().lower()]
