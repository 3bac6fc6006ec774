"""An answer cut at every word arrives whole, in every framing and on every surface, and the seam is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from tests.live import framings
from tests.live.caller import Answer, Connection
from tests.live.daemon import Daemon
from tests.live.framings import Framing
from tests.live.openai.setup import client_of
from tests.live.settings_file import provider, settings
from tests.upstream import ScriptedUpstream, json_answer
from tests.upstream.models import Model, breaks_off, goes_on, refuses_prefill, replays, words_of

TEXT = "Le cafe\u0301 👩‍🚀 of the year: twenty, twenty-one. 夜里下雨。 نعم"
QUESTION = [{"role": "user", "content": "Tell me."}]
CUTS = range(1, len(words_of(TEXT)) + 1)

fallbacks = pytest.mark.parametrize("fallback", [replays, goes_on])


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> str:
    """As it is by default: what breaks off is gone on with."""
    return settings(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        recovery={"enabled": True},
    )


def chat(daemon: Daemon, model: str, accept: str, path: str = "/api/chat", **body: Any) -> Answer:
    with Connection(daemon.port) as connection:
        connection.ask("POST", path, {"messages": QUESTION, "model": model, **body}, headers(accept))
        return connection.answer().read()


def headers(accept: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "Accept": accept}


@fallbacks
def test_under_api_every_framing_has_every_word_once(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    framing: Framing,
    model: str,
    fallback: Callable[[str], Model],
) -> None:
    spare.on_model(model, fallback(TEXT))
    for words in CUTS:
        upstream.on_model(model, breaks_off(TEXT, words))
        answer = chat(daemon, model, framing.accept)
        framing.assert_complete(answer, TEXT)
        if framing is not framings.TEXT:
            said = "".join(words_of(TEXT)[:words])
            seam = {"provider": "two", "model": "test-model", "offset": len(said), "attempt": 3}
            frames = list(framing.frames(answer.text))
            assert [payload for kind, payload in frames if kind == "recovered"] == [seam]
            assert frames[-1][1]["recoveries"] == [seam]
            assert frames[-1][1]["end"] == "recovered"


@fallbacks
def test_a_whole_answer_has_every_word_once(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    model: str,
    fallback: Callable[[str], Model],
) -> None:
    spare.on_model(model, fallback(TEXT))
    for words in CUTS:
        upstream.on_model(model, breaks_off(TEXT, words))
        answer = chat(daemon, model, "application/json", "/api/chat/complete")
        assert answer.json["response"] == TEXT
        assert [seam["provider"] for seam in answer.json["recoveries"]] == ["two"]
        assert answer.headers["X-Cortex-Recoveries"] == "1"


@fallbacks
def test_the_openai_surface_has_every_word_once(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    model: str,
    fallback: Callable[[str], Model],
) -> None:
    spare.on_model(model, fallback(TEXT))
    with client_of(daemon) as client:
        for words in CUTS:
            upstream.on_model(model, breaks_off(TEXT, words))
            assert _streamed(client, model) == (TEXT, "stop")
            (choice,) = client.chat.completions.create(messages=_typed(QUESTION), model=model).choices
            assert choice.message.content == TEXT


@fallbacks
def test_the_anthropic_surface_has_every_word_once(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    model: str,
    fallback: Callable[[str], Model],
) -> None:
    spare.on_model(model, fallback(TEXT))
    asked: Any = {"model": model, "max_tokens": 1000, "messages": QUESTION}
    with Anthropic(base_url=f"http://127.0.0.1:{daemon.port}", api_key="sk-any", max_retries=0) as client:
        for words in CUTS:
            upstream.on_model(model, breaks_off(TEXT, words))
            with client.messages.stream(**asked) as stream:
                assert stream.get_final_text() == TEXT
            (block,) = client.messages.create(**asked).content
            assert block.type == "text"
            assert block.text == TEXT


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_on_both_surfaces_a_comment_tells_of_the_seam(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str, path: str
) -> None:
    upstream.on_model(model, breaks_off(TEXT, 3))
    spare.on_model(model, goes_on(TEXT))
    answer = chat(daemon, model, "text/event-stream", path, stream=True, max_tokens=100)
    said = "".join(words_of(TEXT)[:3])
    assert f"\n\n: recovered provider=two offset={len(said)}\n\n" in answer.text


def test_a_recovery_that_fails_is_one_error_about_the_break_and_not_about_the_fallback(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, framing: Framing, model: str
) -> None:
    upstream.on_model(model, breaks_off(TEXT, 3))
    spare.on_model(model, json_answer(400))
    answer = chat(daemon, model, framing.accept)
    error = framing.assert_failed(answer, "".join(words_of(TEXT)[:3]), "truncated_stream")
    if framing is not framings.TEXT:
        assert (error["provider"], error["end"]) == ("one", "truncated")
        assert [attempt["outcome"] for attempt in error["attempts"]][-1] == "upstream_rejected"


@pytest.mark.parametrize(
    "wish", [False, {"strategy": "exact", "max_retries": 0}], ids=["not wanted", "no retries"]
)
def test_a_request_may_do_without(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str, wish: Any
) -> None:
    upstream.on_model(model, breaks_off(TEXT, 3))
    spare.on_model(model, goes_on(TEXT))
    answer = chat(daemon, model, "application/x-ndjson", recovery=wish)
    framings.NDJSON.assert_failed(answer, "".join(words_of(TEXT)[:3]), "truncated_stream")


@pytest.mark.parametrize("strategy", ["exact", "paragraph", "summarize"])
def test_a_request_may_choose_how(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str, strategy: str
) -> None:
    upstream.on_model(model, breaks_off(TEXT, 7))
    spare.on_model(model, goes_on(TEXT))
    answer = chat(daemon, model, "application/x-ndjson", recovery={"strategy": strategy, "max_retries": 2})
    framings.NDJSON.assert_complete(answer, TEXT)


def test_a_wish_that_makes_no_sense_is_a_mistake_of_the_caller(daemon: Daemon, model: str) -> None:
    for wish, field in (
        ({"strategy": "guess"}, "recovery.strategy"),
        ({"retries": 3}, "recovery.retries"),
        ("yes", "recovery"),
    ):
        answer = chat(daemon, model, "application/json", recovery=wish)
        assert (answer.status, answer.json["field"]) == (400, field)


def test_the_metrics_tell_who_was_asked_for_the_rest_and_what_came_of_it(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, breaks_off(TEXT, 3))
    spare.on_model(model, refuses_prefill(goes_on(TEXT)))
    before = _recoveries(daemon)
    chat(daemon, model, "text/plain")
    after = _recoveries(daemon)
    assert after["one", "failed"] == before.get(("one", "failed"), 0) + 1
    assert after["two", "joined"] == before.get(("two", "joined"), 0) + 1
    ends = [line for line in daemon.get("/metrics").text.splitlines() if 'end="recovered"' in line]
    assert ends, "a stream that was gone on with ends under its own name"


def _streamed(client: OpenAI, model: str) -> tuple[str, str | None]:
    text, finish = "", None
    for chunk in client.chat.completions.create(messages=_typed(QUESTION), model=model, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text, finish


def _typed(messages: Any) -> Any:
    return json.loads(json.dumps(messages))


def _recoveries(daemon: Daemon) -> dict[tuple[str, str], float]:
    found = {}
    for line in daemon.get("/metrics").text.splitlines():
        if line.startswith("cortex_recoveries_total{"):
            labels, _, value = line.removeprefix("cortex_recoveries_total{").partition("} ")
            provider, result = (label.split('"')[1] for label in labels.split(","))
            found[provider, result] = float(value)
    return found
