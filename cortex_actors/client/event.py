"""Events: what streams are made of, whatever their format.

Imports:  streaming.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from cortex_actors.streaming import NotJSON, parse_json

#: How servers of model APIs say that there is nothing more; it is not JSON.
DONE: Final = "[DONE]"

_RAISE: Final = object()


class NoData(ValueError):
    """When an event that carries nothing is asked for its data."""


class EmptyData(NoData):
    """When an event's data is there and empty."""


class Event(NamedTuple):
    """One event. `id` is the stream's last event id at that moment, `retry` is what this event set, in ms.

    >>> event = Event(data='{"text": "Hi"}')
    >>> event.event, event.json(), event.is_message
    ('message', {'text': 'Hi'}, True)
    """

    event: str | None = "message"
    data: str | None = ""
    id: str = ""
    retry: int | None = None

    def json(self, default: Any = _RAISE) -> Any:
        """The data as JSON; raises NoData, EmptyData or NotJSON, unless there is a default to give instead.

        >>> Event(data="[DONE]").json(default=None), Event(data='"a"').json(default=None)
        (None, 'a')
        """
        try:
            return self._parsed()
        except (NoData, NotJSON):
            if default is _RAISE:
                raise
            return default

    @property
    def is_message(self) -> bool:
        """Whether it has no name of its own.

        >>> Event("message").is_message, Event(None).is_message, Event("ping").is_message
        (True, True, False)
        """
        return self.event in (None, "message")

    @property
    def is_done(self) -> bool:
        """Whether it only says that there is nothing more."""
        return self.data == DONE

    def _parsed(self) -> Any:
        if self.data is None:
            raise NoData("the event has no data")
        if not self.data:
            raise EmptyData("the data of the event is empty")
        return parse_json(self.data)
