"""Answers that break off, as the books and an operator see them; and streams that are taken over."""

from __future__ import annotations

import pytest

from cortex_actors.chat import ChatRequest, Message, TextPart
from cortex_actors.dispatch.stream import collect
from cortex_actors.events import EventKind
from cortex_actors.gateway import Gateway
from cortex_actors.settings import RecoverySettings
from tests.dispatch.plant import Client, provider
from tests.gateway.plants import Run
from tests.upstream import ScriptedUpstream
from tests.upstream.models import breaks_off, goes_on, refuses_prefill

TEXT = "one two three four five six"
REQUEST = ChatRequest((Message("user", (TextPart("Count."),)),))


@pytest.fixture
def gateway(start: Run, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Gateway:
    upstream.default = breaks_off(TEXT, 3)
    spare.default = refuses_prefill(goes_on(TEXT))
    one = provider("one", upstream.url, priority=1)
    two = provider("two", spare.url, priority=2, options={"prefill": "assistant"})
    return start(one, two, recovery=RecoverySettings())[0]


def test_each_attempt_to_go_on_is_counted_by_what_came_of_it(gateway: Gateway) -> None:
    completion = gateway.complete(REQUEST, Client())

    assert completion.text == TEXT
    assert completion.head.recoveries == 1
    counted = gateway.metrics_text()[0].decode()
    for provider_name, result in (("one", "failed"), ("two", "refused"), ("two", "joined")):
        assert f'cortex_recoveries_total{{provider="{provider_name}",result="{result}"}} 1.0\n' in counted
    assert 'cortex_streams_total{end="recovered",provider="two"} 1.0\n' in counted


def test_each_is_an_event_for_the_operator(gateway: Gateway) -> None:
    gateway.complete(REQUEST, Client())

    told = [event for event in gateway.events.since(0).events if event.kind is EventKind.RECOVERY]
    assert [(event.subject, event.level) for event in told] == [
        ("one failed", "warning"),
        ("two refused", "warning"),
        ("two joined", "info"),
    ]
    assert {event.fields["offset"] for event in told} == {len("one two three")}


def test_a_stream_that_is_taken_over_gives_only_what_is_new(gateway: Gateway) -> None:
    stream = gateway.open_stream(REQUEST, Client(), delivered="one two")
    completion = collect(stream)

    assert completion.text == " three four five six"
    assert completion.end.name == "recovered"
