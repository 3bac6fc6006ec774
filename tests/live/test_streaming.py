"""Answers on their way: word by word, to the last byte, in every framing and from either kind of upstream."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat
from tests.live.framings import SSE, TEXT, Framing
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, ScriptedUpstream, Stream, ollama_stream, openai_stream

#: Characters of one to four bytes, a joined one, and what line decoders trip over.
WORDS = ("Año", " nuevo,", " 新年", " 🎉👩‍👩‍👧", "\r\n\u2028\x85", ' "quoted" \\ {}', " fin")

DIALECTS: dict[str, Callable[..., Stream]] = {"one": openai_stream, "ollama": ollama_stream}


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> str:
    return settings(
        provider("one", upstream.url, priority=1),
        provider("ollama", spare.url, "ollama", priority=2),
        server={"max_body_bytes": 100_000},
    )


@pytest.fixture(params=DIALECTS)
def asked(request: pytest.FixtureRequest) -> str:
    """The provider that is asked, which decides the dialect."""
    return str(request.param)


@pytest.fixture
def server(asked: str, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> ScriptedUpstream:
    """Who is behind that provider."""
    return upstream if asked == "one" else spare


def test_the_first_words_arrive_while_the_last_are_still_being_made(
    daemon: Daemon, server: ScriptedUpstream, asked: str, model: str, framing: Framing
) -> None:
    gates = [threading.Event() for _ in range(3)]
    stream = DIALECTS[asked](["Uno", " dos", " tres", " cuatro"])
    for number, gate in enumerate(gates, 1):
        stream = stream.pause(number, Gate(gate))
    server.on_model(model, stream)

    answer = daemon.stream(chat(provider=asked, model=model), framing.accept)
    for word, gate in zip(("Uno", "dos", "tres"), gates, strict=True):
        answer.read_until(word)  # would wait for ever if it were held back until the gate opens
        gate.set()

    framing.assert_complete(answer, "Uno dos tres cuatro")


def test_a_text_survives_being_cut_at_every_byte(
    daemon: Daemon, server: ScriptedUpstream, asked: str, model: str, framing: Framing
) -> None:
    server.on_model(model, DIALECTS[asked](WORDS).in_pieces(1))

    answer = daemon.stream(chat(provider=asked, model=model), framing.accept)

    framing.assert_complete(answer, "".join(WORDS))


def test_line_ends_and_comments_of_an_upstream_leave_no_trace(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, framing: Framing
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]).crlf().commented().in_pieces(3))

    answer = daemon.stream(chat(model=model, provider="one"), framing.accept)

    framing.assert_complete(answer, "Hola")


@pytest.mark.parametrize("body", ["chunked", "length", "close"])
def test_an_upstream_may_delimit_its_body_as_it_likes(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, framing: Framing, body: str
) -> None:
    gate = threading.Event()
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Gate(gate)).framed(body))  # type: ignore[arg-type]

    answer = daemon.stream(chat(model=model, provider="one"), framing.accept).read_until("Ho")
    gate.set()

    framing.assert_complete(answer, "Hola")


def test_one_event_of_garbage_costs_no_word(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, framing: Framing
) -> None:
    good = openai_stream(["Ho", "la"])
    first, *rest = good.events
    upstream.on_model(model, Stream((first, b'data: {"choices": [\n\n', *rest), good.content_type))

    answer = daemon.stream(chat(model=model, provider="one"), framing.accept)

    framing.assert_complete(answer, "Hola")


def test_a_finish_without_its_done_marker_is_a_success_with_usage(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"], usage=(9, 2), done=False))

    answer = daemon.stream(chat(model=model, provider="one"), SSE.accept)

    SSE.assert_complete(answer, "Hola")
    kind, end = list(SSE.frames(answer.text))[-1]
    assert (kind, end["finish_reason"], end["end"]) == ("end", "stop", "complete")
    assert end["usage"] == {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def test_a_word_of_three_megabytes_arrives_whole(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, framing: Framing
) -> None:
    word = "añ" * 1_000_000
    upstream.on_model(model, openai_stream([word]))

    framing.assert_complete(daemon.stream(chat(model=model, provider="one"), framing.accept), word)


def test_ten_thousand_words_arrive_whole(daemon: Daemon, upstream: ScriptedUpstream, model: str) -> None:
    words = [f"{number:05d} {'x' * 1000}\n" for number in range(10_000)]
    upstream.on_model(model, openai_stream(words))

    TEXT.assert_complete(daemon.stream(chat(model=model, provider="one")), "".join(words))


def test_a_request_says_upstream_what_the_caller_said(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Hola"]))

    daemon.stream(chat("¿Qué tal?", model=model, provider="one", temperature=0.5)).read()

    (request,) = (each for each in upstream.requests if each.model == model)
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.json["messages"] == [{"role": "user", "content": "¿Qué tal?"}]
    assert request.json["temperature"] == 0.5
    assert request.json["stream"] is True
    assert "authorization" not in request.headers


def test_a_request_body_may_come_in_chunks(daemon: Daemon, upstream: ScriptedUpstream, model: str) -> None:
    upstream.on_model(model, openai_stream(["Hola"]))
    body = json.dumps(chat("¿Qué tal?", model=model, provider="one"), ensure_ascii=False).encode()

    with daemon.connect() as connection:
        pieces = [body[start : start + 3] for start in range(0, len(body), 3)]
        connection.ask("POST", "/api/chat", headers={"Transfer-Encoding": "chunked"}, pieces=pieces)
        TEXT.assert_complete(connection.answer(), "Hola")

    (request,) = (each for each in upstream.requests if each.model == model)
    assert request.json["messages"][0]["content"] == "¿Qué tal?"


def test_complete_answers_all_at_once(
    daemon: Daemon, server: ScriptedUpstream, asked: str, model: str
) -> None:
    server.on_model(model, DIALECTS[asked](WORDS, model=model, usage=(9, 2)))

    answer = daemon.post("/api/chat/complete", chat(provider=asked, model=model))

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Cortex-Provider"] == asked
    said = answer.json
    assert said["response"] == "".join(WORDS)
    assert (said["provider"], said["model"], said["finish_reason"]) == (asked, model, "stop")
    assert said["usage"] == {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    assert said["request_id"] == answer.headers["X-Request-ID"]


def test_one_connection_serves_stream_after_stream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, framing: Framing
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))

    with daemon.connect() as connection:
        for _ in range(3):
            connection.ask("POST", "/api/chat", chat(model=model, provider="one"), {"Accept": framing.accept})
            answer = connection.answer()
            assert answer.headers["Connection"] != "close"
            framing.assert_complete(answer, "Hola")
        connection.ask("GET", "/livez")
        assert connection.answer().read().status == 200


def test_streams_of_one_caller_share_one_connection_upstream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))

    for _ in range(5):
        TEXT.assert_complete(daemon.stream(chat(model=model, provider="one")), "Hola")

    assert len({each.connection for each in upstream.requests if each.model == model}) == 1


def test_a_stream_tells_proxies_to_hold_nothing_back(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, framing: Framing
) -> None:
    upstream.on_model(model, openai_stream(["Hola"]))

    answer = daemon.stream(chat(model=model, provider="one"), framing.accept).read()

    assert answer.headers["Content-Type"].startswith(framing.accept)
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["X-Cortex-Provider"] == "one"
    assert answer.headers["X-Cortex-Attempts"] == "1"


def test_head_answers_like_get_without_a_body(daemon: Daemon) -> None:
    with daemon.connect() as connection:
        connection.ask("HEAD", "/api/providers")
        answer = connection.answer().read()
        assert answer.status == 200
        assert answer.body == b""
        assert int(answer.headers["Content-Length"]) > 0
        connection.ask("GET", "/livez")
        assert connection.answer().read().json == {"status": "ok"}


def test_there_is_nothing_at_other_paths(daemon: Daemon) -> None:
    answer = daemon.get("/api/nothing")

    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_a_path_names_the_methods_it_has(daemon: Daemon) -> None:
    answer = daemon.get("/api/chat")

    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_a_body_over_the_limit_is_refused(daemon: Daemon, chunked: bool) -> None:
    body = b" " * 100_001
    with daemon.connect() as connection:
        if chunked:
            headers = {"Transfer-Encoding": "chunked"}
            connection.ask("POST", "/api/chat", headers=headers, pieces=[body[:50_000], body[50_000:]])
        else:
            connection.ask("POST", "/api/chat", body)
        answer = connection.answer().read()

    assert (answer.status, answer.json["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("body", "field"),
    [(b"{", None), ({}, "messages"), ({"messages": [{"role": "user"}]}, "messages[0].content")],
    ids=["no JSON", "no messages", "no content"],
)
def test_a_mistake_names_its_field_and_costs_no_connection(
    daemon: Daemon, body: object, field: str | None
) -> None:
    with daemon.connect() as connection:
        connection.ask("POST", "/api/chat", body)
        answer = connection.answer().read()
        assert answer.status == 400
        assert answer.json.get("field") == field
        assert answer.json["request_id"] == answer.headers["X-Request-ID"]
        connection.ask("GET", "/livez")
        assert connection.answer().read().status == 200


def test_a_broken_chunk_is_a_400(daemon: Daemon) -> None:
    with daemon.connect() as connection:
        connection.sock.sendall(
            b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        )
        assert connection.sock.recv(100).startswith(b"HTTP/1.1 400 ")


def test_ollama_needs_no_more_than_its_usual_name_in_the_environment(
    launch: Launch, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, ollama_stream(WORDS).in_pieces(1))

    daemon = launch("", environ={"OLLAMA_BASE_URL": upstream.url, "OLLAMA_MODEL": model})

    TEXT.assert_complete(daemon.stream(chat()), "".join(WORDS))
    assert [each["name"] for each in daemon.get("/api/providers").json["providers"]] == ["ollama-local"]


def test_with_nothing_configured_the_embedded_mock_answers(launch: Launch) -> None:
    daemon = launch("")

    answer = daemon.stream(chat(), SSE.accept).read()

    assert answer.headers["X-Cortex-Provider"] == "mock"
    SSE.assert_complete(answer, SSE.words(answer))
    assert SSE.words(answer)
    assert len({at for at, _ in answer.arrivals}) > 5, "the words came all at once"
