"""Handing events to an object: the event `content_block_delta` goes to `on_content_block_delta(data)`.

    class Printer:
        def on_delta(self, data): print(data["text"], end="")
        def on_end(self, data): print()
        def on_unknown(self, name, data): print(name, data)

The data is what the event's JSON says, or its text where that is no JSON. An event without a name goes by the
`type` of its data. What the handler has no method for goes to `on_unknown` with its name and its text, or,
where that is missing too, nowhere; `[DONE]` goes to `on_done` if there is one. Nothing here raises, but what
the handler itself raises is not caught.

Imports:  event of this package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cortex_actors.client.event import Event

_NOT_IN_NAMES = re.compile(r"\W+", re.ASCII)
_MESSAGE = "message"
_UNKNOWN = "on_unknown"


def dispatch_event(event: Event, handler: object) -> Any:
    """What the handler's method for this event returns; None if it has none.

    >>> class Words(list):
    ...     def on_delta(self, data):
    ...         self.append(data["text"])
    >>> words = Words()
    >>> dispatch_event(Event("delta", '{"text": "Hi"}'), words)
    >>> dispatch_event(Event("ping", ""), words), words
    (None, ['Hi'])
    """
    if event.is_done:
        method = _method(handler, "done")
        return method() if method else None
    data = event.json(default=event.data)
    for name in _names(event, data):
        method = _method(handler, name)
        if method is not None:
            return method(data)
    unknown = getattr(handler, _UNKNOWN, None)
    return unknown(next(iter(_names(event, data))), event.data) if callable(unknown) else None


def dispatch_stream(events: Iterable[Event], handler: object) -> Iterator[Any]:
    """What the handler returns for each event, lazily; for a StreamResponse as for any other events.

    >>> class Lengths:
    ...     def on_message(self, data):
    ...         return len(data)
    >>> list(dispatch_stream([Event(data="[1, 2]"), Event(data="[DONE]")], Lengths()))
    [2, None]
    """
    return (dispatch_event(event, handler) for event in events)


def kind_of(event: Event) -> str:
    """What an event is called: its name, else the `type` of its data, else message.

    >>> kind_of(Event("ping")), kind_of(Event(data='{"type": "delta"}')), kind_of(Event(data="hm"))
    ('ping', 'delta', 'message')
    """
    return next(_names(event, event.json(default=None)))


def method_name(event: str) -> str:
    """The method for an event of this name.

    >>> method_name("message_start"), method_name("response.output_text.delta")
    ('on_message_start', 'on_response_output_text_delta')
    """
    return f"on_{_NOT_IN_NAMES.sub('_', event)}"


def _names(event: Event, data: Any) -> Iterator[str]:
    """What an event may go by, the most exact first."""
    if event.event and not event.is_message:
        yield event.event
        return
    kind = data.get("type") if isinstance(data, dict) else None
    if isinstance(kind, str) and kind:
        yield kind
    yield _MESSAGE


def _method(handler: object, name: str) -> Callable[..., Any] | None:
    """The handler's own method of this name; an event called "unknown" is one that nobody knows."""
    wanted = method_name(name)
    found = getattr(handler, wanted, None) if wanted != _UNKNOWN else None
    return found if callable(found) else None
