"""Records as they are sent: the same events as without a journal, each with its id."""

from __future__ import annotations

import json

import pytest

from cortex_actors.errors import NotAcceptable
from cortex_actors.journal.records import Record
from cortex_actors.streaming import SSEDecoder
from cortex_actors.web.resume.framing import NDJSONEvents, SSEEvents, choose_event_framing

STREAM = "0123456789abcdef" * 2
DELTA = Record(7, 1, 'delta {"text":"¡Año 🎉!\u2028 \\n"}'.encode())


def test_an_event_is_read_as_it_was_written() -> None:
    (event,) = SSEDecoder().decode(SSEEvents().opening(1.5) + SSEEvents().event(STREAM, DELTA))

    assert (event.event, event.id, event.retry) == ("delta", f"{STREAM}:7", 1500)
    assert json.loads(event.data) == {"text": "¡Año 🎉!\u2028 \n"}


def test_an_event_of_the_second_instance_says_so() -> None:
    (event,) = SSEDecoder().decode(SSEEvents().event(STREAM, Record(8, 2, b"delta {}")))

    assert event.id == f"{STREAM}:8.2"


def test_a_sign_of_life_is_no_event_and_moves_no_id() -> None:
    decoder = SSEDecoder()
    assert len(decoder.decode(SSEEvents().event(STREAM, DELTA))) == 1

    assert decoder.decode(SSEEvents().tick()) == []
    assert SSEEvents().tick()
    assert decoder.last_event_id == f"{STREAM}:7"
    assert NDJSONEvents().tick() == b""


def test_a_line_names_its_event_beside_what_it_says() -> None:
    line = NDJSONEvents().event(STREAM, Record(1, 1, b'start {"id":"x","provider":"one"}'))

    assert line.endswith(b"\n")
    assert json.loads(line) == {"type": "start", "event_id": f"{STREAM}:1", "id": "x", "provider": "one"}
    assert NDJSONEvents().opening(1.0) == b""


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/event-stream; charset=utf-8"),
        ("*/*", "text/event-stream; charset=utf-8"),
        ("application/json", "text/event-stream; charset=utf-8"),
        ("text/event-stream", "text/event-stream; charset=utf-8"),
        ("text/event-stream, text/plain;q=0.5", "text/event-stream; charset=utf-8"),
        ("application/x-ndjson", "application/x-ndjson; charset=utf-8"),
    ],
)
def test_what_is_chosen(accept: str | None, content_type: str) -> None:
    assert choose_event_framing(accept).content_type == content_type


@pytest.mark.parametrize("accept", ["text/plain", "text/plain, */*;q=0.1", "TEXT/PLAIN"])
def test_plain_text_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        choose_event_framing(accept)
