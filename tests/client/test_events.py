"""Events: their data, their names, and the handlers they go to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cortex_actors.client import Event, decode_sse_body, decode_stream, dispatch_event, dispatch_stream
from cortex_actors.client.event import EmptyData, NoData
from cortex_actors.client.event_handlers import kind_of
from cortex_actors.client.formats import reader
from cortex_actors.streaming import LineTooLarge, NotJSON
from tests.client import STREAM
from tests.client.conftest import Connect
from tests.upstream import ScriptedUpstream, Stream, sse_stream

# -- data


def test_the_data_of_an_event_is_json_when_asked_for() -> None:
    assert Event(data='{"a": {"b": [1, null]}}').json() == {"a": {"b": [1, None]}}


@pytest.mark.parametrize(
    ("data", "error"), [(None, NoData), ("", EmptyData), ("{", NotJSON), ("[DONE]", NotJSON)]
)
def test_what_is_no_json_raises_unless_there_is_a_default(data: str | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        Event(data=data).json()
    assert Event(data=data).json(default={}) == {}


@pytest.mark.parametrize(("name", "answer"), [(None, True), ("message", True), ("ping", False), ("", False)])
def test_an_event_without_a_name_is_a_message(name: str | None, answer: bool) -> None:
    assert Event(name).is_message is answer


# -- whole bodies and chunks


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ("data: a\n\ndata: b\n\n", ["a", "b"]),
        ("data: a\ndata: b\n\n", ["a\nb"]),
        ("", []),
        (": comment\n\n\n\n", []),
        ("event: x\nid: 1\nretry: 5\ndata: a\n\n", ["a"]),
        ("data: a\n\ndata: b", ["a", "b"]),
        (b"data: gr\xc3\xbc\xc3\x9fe\r\n\r\n", ["grüße"]),
        ("\ufeffdata: a\n\n", ["a"]),
    ],
)
def test_a_whole_body_is_decoded_also_without_its_last_blank_line(body: Any, data: list[str]) -> None:
    # P-11 among them: a BOM does not swallow the first field.
    assert [event.data for event in decode_sse_body(body)] == data


def test_events_that_carry_nothing_are_no_events() -> None:
    # P-1: the original made an event of every comment, and then could not parse it.
    assert decode_sse_body("event: ping\n\n: still here\n\nid: 3\n\n") == []


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r", "\n\r\n", "\r\n\n", "\r\r\n"])
def test_every_mixture_of_line_ends_ends_an_event(end: str) -> None:
    # P-10: a pattern that knew only the pure ones.
    assert [event.data for event in decode_sse_body(f"data: a{end}data: b{end}")] == ["a", "b"]


def test_fields_are_read_to_the_letter() -> None:
    # P-11: all leading spaces were taken, `5000abc` was a number, an id was forgotten at once.
    first, second = decode_sse_body("id: 1\nretry: 5000abc\ndata:   indented\n\nretry: 20\ndata: next\n\n")
    assert (first.data, first.retry, first.id) == ("  indented", None, "1")
    assert (second.data, second.retry, second.id) == ("next", 20, "1")


def test_a_stream_of_chunks_is_decoded_lazily_wherever_it_was_cut() -> None:
    # P-10: the whole buffer was scanned again for every chunk.
    body = "data: a\n\nevent: x\ndata: ü\n\n".encode()
    for at in range(len(body)):
        assert [event.data for event in decode_stream([body[:at], body[at:]])] == ["a", "ü"]
    assert list(decode_stream([])) == list(decode_stream([b"data: unfinished"])) == []
    pulled: list[int] = []

    def chunks() -> Any:
        for number in range(3):
            pulled.append(number)
            yield b"data: x\n\n"

    assert next(decode_stream(chunks())).data == "x"
    assert pulled == [0]


def test_a_line_that_is_too_long_is_refused() -> None:
    with pytest.raises(LineTooLarge):
        reader("ndjson", max_event_bytes=10).feed(b"x" * 11)


def test_bad_lines_and_items_are_events_that_are_no_json() -> None:
    for format, body in (("ndjson", b'{"a": 1}\noops\n[2]'), ("json_array", b'[{"a": 1}, oops, [2]]')):
        events = reader(format)
        found = events.feed(body) + events.finish(framed=True)
        assert [event.json(default="bad") for event in found] == [{"a": 1}, "bad", [2]]


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="no stream format 'xml'"):
        reader("xml")


# -- handlers


class Recorder:
    """Remembers what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def on_message_start(self, data: Any) -> str:
        self.calls.append(("message_start", data))
        return "started"

    def on_content_block_delta(self, data: Any) -> None:
        self.calls.append(("content_block_delta", data))

    def on_response_output_text_delta(self, data: Any) -> None:
        self.calls.append(("output_text", data))

    def on_error(self, data: Any) -> None:
        self.calls.append(("error", data))

    def on_done(self) -> None:
        self.calls.append(("done",))

    def on_unknown(self, name: str, data: Any) -> None:
        self.calls.append(("unknown", name, data))


@pytest.mark.parametrize(
    ("event", "call"),
    [
        (Event("message_start", '{"a": 1}'), ("message_start", {"a": 1})),
        (Event("content_block_delta", '{"t": "x"}'), ("content_block_delta", {"t": "x"})),
        (Event("response.output_text.delta", "{}"), ("output_text", {})),
        (Event("error", "not json"), ("error", "not json")),
        (Event("message_delta", '{"stop": 1}'), ("unknown", "message_delta", '{"stop": 1}')),
        (Event("ping", ""), ("unknown", "ping", "")),
        (Event("unknown", "1"), ("unknown", "unknown", "1")),
        (Event(data="plain"), ("unknown", "message", "plain")),
        (Event(None, "plain"), ("unknown", "message", "plain")),
        (Event(data='{"type": "message_start"}'), ("message_start", {"type": "message_start"})),
        (Event(data='{"type": 7}'), ("unknown", "message", '{"type": 7}')),
        (Event(data="[DONE]"), ("done",)),
    ],
)
def test_an_event_goes_to_the_method_of_its_name(event: Event, call: tuple[Any, ...]) -> None:
    # P-2: every event has a method, `message_delta` and `content_block_start` among them.
    handler = Recorder()
    dispatch_event(event, handler)
    assert handler.calls == [call]


@pytest.mark.parametrize(
    "event",
    [Event(data="[DONE]"), Event("ping", ""), Event("ping", None), Event("odd", "{"), Event(None, None)],
)
@pytest.mark.parametrize("handler", [object(), SimpleNamespace(on_ping="not a method", on_unknown=3)])
def test_what_nobody_handles_never_raises(event: Event, handler: object) -> None:
    # P-1: JSON was parsed before the name was looked at. P-2: a missing method raised.
    assert dispatch_event(event, handler) is None


def test_what_a_handler_returns_comes_back_and_what_it_raises_is_raised() -> None:
    assert dispatch_event(Event("message_start", "{}"), Recorder()) == "started"
    with pytest.raises(ZeroDivisionError):
        dispatch_event(Event("x", "1"), SimpleNamespace(on_x=lambda data: data / 0))


def test_a_message_may_have_a_method_of_its_own() -> None:
    handler = SimpleNamespace(on_message=lambda data: ("message", data))
    assert dispatch_event(Event(data='{"type": "delta"}'), handler) == ("message", {"type": "delta"})


def test_a_stream_is_dispatched_lazily_from_a_response_or_from_any_events(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-2: the guide piped the plain stream into a function that wanted the response.
    upstream.default = sse_stream("1", "2")
    double = SimpleNamespace(on_message=lambda data: data * 2)
    assert list(dispatch_stream(iter([Event(data="1"), Event(data="2")]), double)) == [2, 4]
    response = connect(STREAM).execute_stream("stream_chat")
    assert list(dispatch_stream(response, double)) == [2, 4]


def test_a_response_hands_everything_to_a_handler(upstream: ScriptedUpstream, connect: Connect) -> None:
    events = (
        b"event: message_start\ndata: {}\n\n",
        b"event: ping\ndata: \n\n",
        b": c\n\n",
        b"data: [DONE]\n\n",
    )
    upstream.default = Stream(events, "text/event-stream")
    handler = connect(STREAM).execute_stream("stream_chat").dispatch(Recorder())
    assert handler.calls == [("message_start", {}), ("unknown", "ping", ""), ("done",)]


def test_the_kind_of_an_event_is_its_name_or_its_type() -> None:
    assert [kind_of(event) for event in (Event("a", "{"), Event(data='{"type": "b"}'), Event(data="{"))] == [
        "a",
        "b",
        "message",
    ]
