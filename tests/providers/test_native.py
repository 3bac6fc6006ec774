"""What holds for every dialect with a format of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.chat import ChatRequest, Message, TextPart
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers.adapter import StreamState
from cortex_actors.providers.anthropic import AnthropicAdapter
from cortex_actors.providers.cohere import CohereAdapter
from cortex_actors.providers.gemini import GeminiAdapter
from cortex_actors.providers.native import NativeAdapter
from cortex_actors.streaming.errors import Undecodable
from cortex_actors.streaming.sse import ServerSentEvent
from tests.providers.reading import HELLO, body_of, read, recorded

KEY = "a-secret-of-ours"

DIALECTS: Mapping[str, NativeAdapter] = {
    adapter.name: adapter
    for adapter in (
        AnthropicAdapter(name="anthropic", base_url="https://a.example"),
        GeminiAdapter(name="gemini", base_url="https://g.example"),
        GeminiAdapter(name="gemini array", base_url="https://g.example", options={"framing": "json_array"}),
        CohereAdapter(name="cohere", base_url="https://c.example"),
        CohereAdapter(name="cohere v1", base_url="https://c.example", options={"api": "v1"}),
    )
}

_STREAMS = (
    "anthropic/tools.sse",
    "gemini/tools.sse",
    "gemini/error.sse",
    "cohere/tools.sse",
    "cohere/v1.ndjson",
)

#: The words of real streams, so that made-up values come past the first look.
_WORDS = sorted(
    {word.decode() for name in _STREAMS for word in re.findall(rb"[A-Za-z_-]{4,}", recorded(name))}
)

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(_WORDS)

JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture(params=DIALECTS.values(), ids=list(DIALECTS))
def adapter(request: pytest.FixtureRequest) -> NativeAdapter:
    dialect: NativeAdapter = request.param
    return dialect


def asking(text: str, **fields: Any) -> ChatRequest:
    return ChatRequest((Message("user", (TextPart(text),)),), **fields)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
@settings(deadline=None, max_examples=60)
@given(payloads=st.lists(JSON, max_size=6))
def test_no_json_value_makes_a_dialect_fail(dialect: NativeAdapter, payloads: list[Any]) -> None:
    state = StreamState()
    for payload in payloads:
        list(dialect.parse_event(payload, state))
    list(dialect.end_of_body(state))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
@settings(deadline=None, max_examples=60)
@given(body=st.binary(max_size=40), status=st.integers(300, 599))
def test_no_body_of_a_refusal_makes_a_dialect_fail(dialect: NativeAdapter, body: bytes, status: int) -> None:
    assert dialect.classify_failure(status, {}, body).provider == dialect.name
    assert dialect.models(body) == ()


def test_a_deep_nesting_is_passed_over(adapter: NativeAdapter) -> None:
    state = StreamState()
    assert not adapter.parse_event(ServerSentEvent(data="[" * 100_000), state)
    assert state.skipped == 1


def test_payloads_that_cannot_be_read_are_counted(adapter: NativeAdapter) -> None:
    state = StreamState()
    for payload in (ServerSentEvent(data="{"), Undecodable("{"), 3, None):
        assert not adapter.parse_event(payload, state)
    assert state.skipped == 4


def test_an_event_that_is_named_error_is_a_failure_whatever_it_says(adapter: NativeAdapter) -> None:
    (failure,) = adapter.parse_event(ServerSentEvent("error", "went wrong"), StreamState())
    assert getattr(failure, "details", None) == "went wrong"


def test_an_empty_body_is_no_answer(adapter: NativeAdapter) -> None:
    answer = read(adapter)
    assert answer.events == ()
    assert not answer.state.finished


@pytest.mark.parametrize("other", ["anthropic", "gemini", "cohere", "openai"])
def test_the_stream_of_another_dialect_is_no_answer(adapter: NativeAdapter, other: str) -> None:
    if not adapter.name.startswith(other):
        answer = read(adapter, recorded(f"{other}/text.sse"))
        assert not answer.text
        assert not answer.state.finished


def test_a_half_of_a_surrogate_pair_is_carried_as_a_question_mark(adapter: NativeAdapter) -> None:
    request = adapter.build_request(asking("a\ud800b"), model="m", key=KEY)
    assert "a?b" in (request.body or b"").decode()


def test_a_number_that_json_has_not_is_refused(adapter: NativeAdapter) -> None:
    with pytest.raises(InvalidRequest):
        adapter.build_request(asking("a", temperature=float("nan")), model="m", key=KEY)


def test_a_body_is_json_in_utf8(adapter: NativeAdapter) -> None:
    request = adapter.build_request(asking("Grüß 🌍"), model="m", key=KEY)
    assert request.headers["Content-Type"] == "application/json"
    assert "Grüß 🌍".encode() in (request.body or b"")
    assert isinstance(body_of(request), dict)


def test_the_configured_headers_win_over_ours(adapter: NativeAdapter) -> None:
    kind = type(adapter)
    configured = kind(name="x", base_url="https://x.example", headers={"accept": "*/*", "X-Team": "blue"})
    headers = configured.build_request(HELLO, model="m", key=KEY).headers
    assert [value for name, value in headers.items() if name.lower() == "accept"] == ["*/*"]
    assert headers["X-Team"] == "blue"
