"""A stream that somebody else led is taken over: its caller gets only what is new."""

from __future__ import annotations

import pytest

from cortex_actors.chat import (
    Recovered,
    ResponseFormat,
)
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import (
    TruncatedStream,
    UpstreamFailure,
)
from tests.dispatch.broken import TEXT, ended
from tests.dispatch.conftest import Start
from tests.dispatch.plant import MODEL, Plant, ask, events, provider, read, text_of
from tests.upstream import ScriptedUpstream, json_answer
from tests.upstream.models import (
    breaks_off,
    goes_on,
    replays,
    turns_of,
)


def test_a_stream_that_is_taken_over_gives_only_what_is_new(two: Plant, upstream: ScriptedUpstream) -> None:
    for model in (goes_on(TEXT), replays(TEXT)):
        upstream.default = model
        dispatcher = two.open(delivered="one two three four")
        told = events(dispatcher)
        assert told[0] == Recovered("one", MODEL, 18, 1)
        assert text_of(told) == " five six seven eight nine ten"
        assert ended(dispatcher).name is EndName.RECOVERED


def test_a_stream_of_which_nothing_was_delivered_begins_at_the_beginning(
    two: Plant, upstream: ScriptedUpstream
) -> None:
    upstream.default = replays(TEXT)
    dispatcher = two.open(ask("Count."), delivered="")
    assert read(dispatcher) == TEXT
    assert turns_of(upstream.request(0)) == [("user", "Count.")]


def test_a_stream_that_is_taken_over_fails_over_and_breaks_off_like_every_other(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.enqueue(json_answer(400), breaks_off(TEXT, 6))
    spare.default = goes_on(TEXT)
    assert read(two.open(delivered="one two three four")) == " five six seven eight nine ten"
    upstream.default = breaks_off(TEXT, 6)
    dispatcher = two.open(delivered="one two three four")
    assert read(dispatcher) == " five six seven eight nine ten"


def test_a_stream_that_nobody_takes_over_is_an_error(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = spare.default = json_answer(500)
    with pytest.raises(UpstreamFailure):
        two.open(delivered="one two three four")
    with pytest.raises(TruncatedStream):
        two.open(ask(response_format=ResponseFormat("json_object")), delivered="{")


def test_it_is_taken_over_where_recovery_is_off(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = goes_on(TEXT)
    plant = start(provider("one", upstream.url))
    assert read(plant.open(delivered="one two")) == TEXT.removeprefix("one two")
