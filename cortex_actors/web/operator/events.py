"""Events as JSON, and the ids by which a follower goes on where it was.

BOOT.SEQ    `5f3a9c1e.118`: the process that numbered it, and its number there
"""

from __future__ import annotations

from cortex_actors.errors import InvalidRequest
from cortex_actors.events import Event, EventKind, EventRing
from cortex_actors.web.operator import query
from cortex_actors.web.payloads import Payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import timestamp


def event_payload(event: Event, boot: str) -> Payload:
    """One event."""
    return {
        "seq": event.seq,
        "id": event_id(event, boot),
        "time": timestamp(event.time),
        "kind": event.kind,
        "level": event.level,
        "subject": event.subject,
        "text": event.text,
        "fields": dict(event.fields),
        "repeated": event.repeated,
    }


def event_id(event: Event, boot: str) -> str:
    """What a follower says in `Last-Event-ID`."""
    return f"{boot}.{event.seq}"


def asked_kinds(request: Request) -> frozenset[EventKind] | None:
    """The kinds of `?kinds=breaker,failover`; None for all."""
    said = query.text(request, "kinds")
    if not said:
        return None
    try:
        return frozenset(map(EventKind, said.split(",")))
    except ValueError:
        known = ", ".join(EventKind)
        raise InvalidRequest(f"It may list these: {known}.", field="kinds") from None


def asked_place(request: Request, ring: EventRing) -> int | None:
    """After which event to go on: `Last-Event-ID`, else `?since=`; None where neither says.

    An id of another process means the beginning of what there is: all of it came later.
    """
    said = request.environ.get("HTTP_LAST_EVENT_ID") or query.text(request, "since")
    if not said:
        return None
    boot, dot, seq = said.rpartition(".")
    if not (seq.isascii() and seq.isdecimal() and len(seq) <= 18):
        raise InvalidRequest("It must be the id or the number of an event.", field="since")
    return int(seq) if not dot or boot == ring.boot else 0
