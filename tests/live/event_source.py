"""A client that comes back, as browsers do it (WHATWG HTML, 9.2): same request, Last-Event-ID, 204 ends it.

    source = EventSource([daemon.port], chat(resumable=True))
    events = source.read(cut_after=1)        # cut after each event, and opened again behind it

`seen` is every event in the order of its arrival; `statuses` what each connection was answered with.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

from cortex_actors.streaming import ServerSentEvent, SSEDecoder
from tests.live.caller import PATIENCE, Answer, Connection

EVENT_STREAM = "text/event-stream"

#: The events after which nothing comes.
LAST = ("end", "error")


class EventSource:
    """One stream, over as many connections as it takes. With several ports each connection takes the next."""

    def __init__(
        self, ports: Sequence[int], body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self.seen: list[ServerSentEvent] = []
        self.statuses: list[int] = []
        self.retry = 0.0
        self.stream = ""
        self._ports = cycle(ports)
        self._body = body
        self._headers = {"Accept": EVENT_STREAM, **(headers or {})}
        self._last = ""

    @property
    def text(self) -> str:
        """What was said."""
        return text_of(self.seen)

    @property
    def over(self) -> bool:
        """Whether the last event has come."""
        return bool(self.seen) and self.seen[-1].event in LAST

    def move(self, ports: Sequence[int]) -> None:
        """From now on it finds other instances."""
        self._ports = cycle(ports)

    def read(self, *, cut_after: int = 10**9, method: str = "POST", reset: bool = False) -> None:
        """Reads to the end; lets go of each connection after so many events, and opens the next one."""
        give_up = time.monotonic() + PATIENCE
        while not self.over:
            assert time.monotonic() < give_up, self.seen
            self.read_some(cut_after, method=method, reset=reset)

    def read_some(self, most: int, *, method: str = "POST", reset: bool = False) -> None:
        """One connection, left after so many events, or at its end."""
        with Connection(next(self._ports)) as connection:
            answer = self.open(connection, method)
            if answer.status != 200:
                assert answer.status == 503, answer.read().text  # come again
                time.sleep(0.05)
                return
            decoder = SSEDecoder(last_event_id=self._last)
            for event in _events(answer, decoder):
                self.seen.append(event)
                self._last = event.id
                self.retry = self.retry if event.retry is None else event.retry / 1000
                most -= 1
                if most == 0:
                    break
            connection.leave(reset=reset)

    def open(self, connection: Connection, method: str = "POST") -> Answer:
        """Asks on a connection for what comes next; gives the head of the answer."""
        headers = {**self._headers, **({"Last-Event-ID": self._last} if self._last else {})}
        if method == "GET" and self.stream:
            connection.ask("GET", f"/api/chat/streams/{self.stream}", None, headers)
        else:
            connection.ask("POST", "/api/chat", self._body, headers)
        answer = connection.answer()
        self.statuses.append(answer.status)
        self.stream = answer.headers.get("X-Cortex-Stream", self.stream)
        return answer


def _events(answer: Answer, decoder: SSEDecoder) -> Iterable[ServerSentEvent]:
    done = 0
    while True:
        more = answer.read_piece()
        body = answer.body
        yield from decoder.decode(body[done:])
        done = len(body)
        if not more:
            return


def events_of(answer: Answer) -> list[ServerSentEvent]:
    """All events of an answer that is read to its end."""
    return SSEDecoder().decode(answer.read().body)


def text_of(events: Iterable[ServerSentEvent]) -> str:
    """The words of a stream."""
    return "".join(json.loads(event.data).get("text", "") for event in events if event.event == "delta")


def numbers_of(events: Iterable[ServerSentEvent]) -> list[int]:
    """The numbers of the events, by their ids."""
    return [int(event.id.rpartition(":")[2].partition(".")[0]) for event in events]
