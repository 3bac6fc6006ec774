"""Every way an upstream can fail a caller, and that the caller hears the truth each time, once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.live.caller import Answer
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat
from tests.live.framings import SSE, TEXT, Framing
from tests.live.settings_file import provider, settings
from tests.upstream import (
    Answer as Script,
)
from tests.upstream import (
    Chunk,
    Fin,
    Hang,
    Head,
    RecordedRequest,
    Reset,
    ScriptedUpstream,
    Send,
    Stream,
    Wait,
    black_hole,
    json_answer,
    ollama_stream,
    openai_stream,
    refused_url,
    sse_stream,
)

#: Limits that fire soon, in seconds; a caller may tighten what is configured.
SOON = 0.3

SSE_HEAD = Head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
ERROR = {"error": {"message": "The engine fell over.", "type": "server_error", "code": None}}
KEEP_ALIVE = b": keep-alive\n\n"


@dataclass(frozen=True)
class Fault:
    """What an upstream does instead of answering, and what a caller without another provider is told."""

    name: str
    script: Script
    status: int
    code: str
    #: A server error is tried once more on the same provider; most others are not.
    attempts: int = 1
    limits: Mapping[str, float] = field(default_factory=dict)


def silent_but_alive() -> Stream:
    """Comments for ever, which are no answer."""
    return Stream((KEEP_ALIVE,) * 100, "text/event-stream").paced(0.05)


def whole_gzip(words: str) -> Script:
    data = gzip.compress(openai_stream([words]).body)
    head = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip", "Content-Length": str(len(data))}
    return [Head(200, head), Send(data)]


#: Before the first word. Nothing was sent yet, so the status tells.
EARLY = (
    Fault("500", json_answer(500), 502, "upstream_failure", attempts=2),
    Fault("503", json_answer(503), 502, "upstream_failure", attempts=2),
    Fault("429", json_answer(429, headers={"Retry-After": "60"}), 503, "upstream_rate_limited"),
    Fault("401", json_answer(401), 502, "upstream_key_rejected"),
    Fault("402", json_answer(402), 503, "upstream_quota_exhausted"),
    Fault("404", json_answer(404), 404, "model_not_found"),
    Fault("reset before the head", [Reset()], 502, "upstream_connect_error", attempts=2),
    Fault("hangs up before the head", [Fin()], 502, "upstream_connect_error", attempts=2),
    Fault("no HTTP", [Send(b"220 mail.example ESMTP\r\n"), Fin()], 502, "malformed_stream", attempts=2),
    Fault("no head", [Hang()], 504, "first_token_timeout", limits={"first_token": SOON}),
    Fault("no word", [SSE_HEAD, Hang()], 504, "first_token_timeout", limits={"first_token": SOON}),
    Fault("only comments", silent_but_alive(), 504, "first_token_timeout", limits={"first_token": SOON}),
    Fault("no time at all", [SSE_HEAD, Hang()], 504, "total_timeout", limits={"total": SOON}),
    Fault("an empty answer", openai_stream([]), 502, "malformed_stream", attempts=2),
    Fault("an empty body", openai_stream([], finish=None, done=False), 502, "truncated_stream", attempts=2),
    Fault("an error for a body", json_answer(200, ERROR), 502, "upstream_failure", attempts=2),
    Fault("an error for an event", sse_stream(ERROR), 502, "upstream_failure", attempts=2),
    Fault("gzip", whole_gzip("Hola"), 502, "malformed_stream", attempts=2),
)

#: For these another provider is asked; not when time is up for all of them together.
CURABLE = tuple(fault for fault in EARLY if fault.code != "total_timeout")

WORDS = openai_stream(["Uno", " dos", " tres"])
UP_TO_TWO = len(b"".join(WORDS.events[:2]))


@dataclass(frozen=True)
class Break:
    """How a stream breaks off after "Uno dos", and under which code and name."""

    name: str
    script: Script
    code: str
    end: str
    provider: str = "one"
    limits: Mapping[str, float] = field(default_factory=dict)


def two_words_and(*data: Any) -> Stream:
    """Two words, and then other events."""
    return Stream((*WORDS.events[:2], *sse_stream(*data).events), WORDS.content_type)


LATE = (
    Break("FIN inside the body", WORDS.cut(UP_TO_TWO), "truncated_stream", "truncated"),
    Break("FIN inside an event", WORDS.cut(UP_TO_TWO + 9), "truncated_stream", "truncated"),
    Break("FIN inside a chunk", [SSE_HEAD, Chunk(WORDS.body[:UP_TO_TWO]), Send(b"ff\r\nda"), Fin()],
          "truncated_stream", "truncated"),
    Break("RST", WORDS.cut(UP_TO_TWO, Reset()), "truncated_stream", "truncated"),
    Break("a body that is too short", WORDS.framed("length").cut(UP_TO_TWO), "truncated_stream", "truncated"),
    Break("a clean end without a finish", two_words_and(), "truncated_stream", "truncated"),
    Break("the same by closing", two_words_and().framed("close"), "truncated_stream", "truncated"),
    Break("DONE without a finish", two_words_and("[DONE]"), "truncated_stream", "truncated"),
    Break("an error in the stream", two_words_and(ERROR), "upstream_failure", "upstream_error"),
    Break("an error, then DONE", two_words_and(ERROR, "[DONE]"), "upstream_failure", "upstream_error"),
    Break("a stall", WORDS.cut(UP_TO_TWO, Hang()), "idle_timeout", "idle_timeout", limits={"idle": SOON}),
    Break("a stall with comments",
          Stream((*WORDS.events[:2], *(KEEP_ALIVE,) * 100), WORDS.content_type,
                 pauses={n: (Wait(0.05),) for n in range(2, 102)}),
          "idle_timeout", "idle_timeout", limits={"idle": SOON}),
    Break("no time left", WORDS.cut(UP_TO_TWO, Hang()), "total_timeout", "total_timeout",
          limits={"total": 2 * SOON}),
    Break("an Ollama that hangs up", ollama_stream(["Uno", " dos"], done=False),
          "truncated_stream", "truncated", provider="ollama"),
    Break("an Ollama that reports an error",
          Stream((*ollama_stream(["Uno", " dos"], done=False).events, b'{"error": "out of memory"}\n'),
                 "application/x-ndjson"),
          "upstream_failure", "upstream_error", provider="ollama"),
)  # fmt: skip


@pytest.fixture(scope="module")
def hole() -> Iterator[str]:
    """Where connects neither succeed nor fail."""
    with black_hole() as url:
        yield url


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream, hole: str) -> str:
    return settings(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        provider("ollama", upstream.url, "ollama", priority=3),
        provider("refusing", refused_url(), priority=4),
        provider("unreachable", hole, priority=5),
        limits={"connect": SOON},
        retry={"max_retry_after": 1.5},
    )


def requests_of(upstream: ScriptedUpstream, model: str) -> list[RecordedRequest]:
    return [request for request in upstream.requests if request.model == model]


def named(faults: tuple[Any, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fault", faults, ids=lambda fault: fault.name.replace(" ", "-"))


@named(EARLY)
def test_what_fails_before_the_first_word_is_told_by_the_status(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, fault: Fault
) -> None:
    upstream.on_model(model, fault.script)

    answer = daemon.post("/api/chat", chat(provider="one", model=model, limits=fault.limits), SSE.accept)

    assert (answer.status, answer.json["code"]) == (fault.status, fault.code)
    assert answer.headers["Content-Type"] == "application/json"
    assert len(answer.json["attempts"]) == len(requests_of(upstream, model)) == fault.attempts
    assert {attempt["outcome"] for attempt in answer.json["attempts"]} == {fault.code}


@named(CURABLE)
def test_another_provider_steps_in_before_the_first_word(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str, fault: Fault
) -> None:
    upstream.on_model(model, fault.script)
    spare.on_model(model, openai_stream(["Ho", "la"]))

    answer = daemon.stream(chat(model=model, limits=fault.limits), SSE.accept)

    SSE.assert_complete(answer, "Hola")
    assert answer.headers["X-Cortex-Provider"] == "two"
    assert answer.headers["X-Cortex-Attempts"] == str(fault.attempts + 1)
    assert len(requests_of(upstream, model)) == fault.attempts
    assert len(requests_of(spare, model)) == 1


@named(LATE)
def test_what_breaks_off_is_told_once_and_never_as_an_end(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    model: str,
    framing: Framing,
    fault: Break,
) -> None:
    upstream.on_model(model, fault.script)
    spare.on_model(model, openai_stream(["Somebody else's words"]))

    answer = daemon.stream(
        chat(provider=fault.provider, model=model, limits=fault.limits, fallbacks=["two"]), framing.accept
    )

    framing.assert_failed(answer, "Uno dos", fault.code)
    assert len(requests_of(upstream, model)) == 1
    assert requests_of(spare, model) == []
    assert_named_once(daemon, answer, fault.end)


@named(LATE)
def test_half_an_answer_is_never_called_complete(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, fault: Break
) -> None:
    upstream.on_model(model, fault.script)

    answer = daemon.post(
        "/api/chat/complete", chat(provider=fault.provider, model=model, limits=fault.limits)
    )

    assert answer.status in (502, 504)
    assert answer.json["code"] == fault.code
    assert "Uno" not in answer.text


def test_a_provider_that_refuses_connections_is_named_so(daemon: Daemon) -> None:
    answer = daemon.post("/api/chat", chat(provider="refusing"))

    assert (answer.status, answer.json["code"]) == (502, "upstream_connect_error")


def test_the_connect_limit_has_a_code_of_its_own(daemon: Daemon) -> None:
    answer = daemon.post("/api/chat", chat(provider="unreachable"))

    assert (answer.status, answer.json["code"]) == (504, "connect_timeout")


def test_a_request_that_is_refused_is_refused_once_and_nobody_else_is_asked(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str
) -> None:
    body = {
        "error": {"message": "Not that.", "type": "invalid_request_error", "code": "content_policy_violation"}
    }
    upstream.on_model(model, json_answer(400, body))

    answer = daemon.post("/api/chat", chat(model=model))

    assert (answer.status, answer.json["code"]) == (400, "upstream_rejected")
    assert "Not that." in answer.text
    assert len(requests_of(upstream, model)) == 1
    assert requests_of(spare, model) == []


def test_one_server_error_costs_one_retry(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(500), openai_stream(["Ho", "la"]))

    answer = daemon.stream(chat(model=model))

    TEXT.assert_complete(answer, "Hola")
    assert answer.headers["X-Cortex-Provider"] == "one"
    assert len(requests_of(upstream, model)) == 2
    assert requests_of(spare, model) == []


def test_a_provider_that_asks_for_a_second_is_given_it(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(429, headers={"Retry-After": "1"}), openai_stream(["Ho", "la"]))

    TEXT.assert_complete(daemon.stream(chat(provider="one", model=model)), "Hola")

    first, second = requests_of(upstream, model)
    assert second.arrived - first.arrived >= 1.0


def test_a_provider_that_limits_for_ever_is_not_pestered(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(429))

    answer = daemon.post("/api/chat", chat(provider="one", model=model))

    assert (answer.status, answer.json["code"]) == (503, "upstream_rate_limited")
    assert int(answer.headers["Retry-After"]) >= 1
    assert 1 <= len(requests_of(upstream, model)) <= 6


def test_two_failures_are_told_as_the_last_with_the_story_of_both(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(401))
    spare.on_model(model, json_answer(402))

    answer = daemon.post("/api/chat", chat(model=model))

    told = [(each["provider"], each["outcome"], each["status"]) for each in answer.json["attempts"]]
    assert told[:2] == [("one", "upstream_key_rejected", 401), ("two", "upstream_quota_exhausted", 402)]


def test_a_refused_key_gives_way_to_the_next_and_is_never_shown(
    launch: Launch, upstream: ScriptedUpstream, model: str
) -> None:
    keys = ["sk-CANARY-one", "sk-CANARY-two"]
    used: list[str] = []

    def script(request: RecordedRequest) -> Any:
        key = request.headers["authorization"].removeprefix("Bearer ")
        used.append(key)
        if key == used[0]:
            return json_answer(401, {"error": {"message": f"Incorrect API key provided: {key}"}})
        return openai_stream(["Ho", "la"])

    upstream.on_model(model, script)
    daemon = launch(
        settings(provider("one", upstream.url, keys_env="ONE_KEYS")), environ={"ONE_KEYS": ",".join(keys)}
    )

    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
    upstream.on_model(
        model, lambda request: json_answer(401, {"error": {"message": f"No: {request.headers}"}})
    )
    refused = daemon.post("/api/chat", chat(model=model))

    assert used[1:] == [used[1]] * 2
    assert used[0] != used[1]
    assert refused.status == 502
    shown = json.dumps(
        [daemon.log, refused.text, daemon.get("/api/providers").text, daemon.get("/metrics").text]
    )
    assert "CANARY" not in shown


def assert_named_once(daemon: Daemon, answer: Answer, end: str) -> None:
    """The log has one line for the end of the stream, under this name, and one for its request."""
    request_id = answer.headers["X-Request-ID"]
    daemon.wait_for_log(f"request_id={request_id}", number=2)
    line, access = daemon.lines(f"request_id={request_id}")
    assert f" ended as {end} " in line
    assert f" end={end} " in access
    assert " cortex_actors.web.access " in access
