"""The mock provider, through the same doors that every provider has."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from cortex_actors.chat import ChatRequest, FinishReason, ImagePart, Message, TextPart, ToolCall, Usage
from cortex_actors.errors import (
    AttemptCancelled,
    KeyRejected,
    QuotaExhausted,
    SettingsError,
    TruncatedStream,
    UpstreamError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamTimeout,
)
from cortex_actors.providers.adapter import StreamState
from cortex_actors.providers.mock import MockAdapter, MockExchange, MockTransport
from cortex_actors.providers.mock_script import MODEL_SCRIPTS, MockRequest, MockScript, in_turn, words
from tests.providers.reading import HELLO, Reading

LONG = 3600.0
FAST: dict[str, Any] = {"chunk_delay": 0.0}


def exchange(
    adapter: MockAdapter, request: ChatRequest = HELLO, model: str = "m", patience: float = 60.0
) -> MockExchange:
    upstream = adapter.build_request(request, model=model, key=None)
    return adapter.transport.exchange(upstream, connect_timeout=1.0, read_timeout=patience)


def ask(adapter: MockAdapter, request: ChatRequest = HELLO, model: str = "m") -> Reading:
    """One attempt, made as a stream worker makes it."""
    response = exchange(adapter, request, model).open()
    if response.status != 200:
        raise adapter.classify_failure(response.status, response.headers, response.read_error_body())
    decoder, state, events = adapter.new_decoder(response.headers["Content-Type"]), StreamState(), []
    while data := response.read():
        for payload in decoder.decode(data):
            events.extend(adapter.parse_event(payload, state))
    return Reading(tuple(events), state)


def mock(*scripts: MockScript, **options: Any) -> MockAdapter:
    transport = MockTransport(in_turn(*scripts)) if scripts else None
    return MockAdapter(name="mock", options=options, transport=transport)


def saying(text: str) -> ChatRequest:
    return ChatRequest((Message("user", (TextPart(text), ImagePart("https://h/x.png"))),))


def test_without_a_script_it_says_back_what_it_hears_word_by_word() -> None:
    reading = ask(mock(**FAST), saying("Grüße an alle 🌍"))
    assert reading.text.startswith("You said: Grüße an alle 🌍 ")
    assert len([event for event in reading.events if hasattr(event, "text")]) > 10
    assert reading.finish is FinishReason.STOP
    assert reading.usage is not None
    assert reading.usage.prompt_tokens == 4
    assert reading.state.ended


def test_without_words_it_greets() -> None:
    assert ask(mock(**FAST), ChatRequest(())).text.startswith("Hello!")


@pytest.mark.parametrize(
    "text", ["", " ", "one", "two  words", " lead", "trail \n", "a\n\nb", "日本語 のテキスト 👩‍👩‍👧"]
)
def test_words_joined_again_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text


def test_scripted_answers_come_in_turn_and_the_last_one_stays() -> None:
    adapter = mock(MockScript(text="one", chunk_delay=0), MockScript(text="two", chunk_delay=0))
    assert [ask(adapter).text for _ in range(3)] == ["one", "two", "two"]


def test_configured_answers_come_round_and_round() -> None:
    adapter = mock(responses=["one", "two"], **FAST)
    assert [ask(adapter).text for _ in range(3)] == ["one", "two", "one"]


def test_a_function_may_make_the_script() -> None:
    def script(request: MockRequest) -> MockScript:
        return MockScript(text=f"{request.number} {request.model} {request.last_words}", chunk_delay=0)

    adapter = MockAdapter(name="mock", transport=MockTransport(script))
    assert ask(adapter, model="gpt").text == "1 gpt Hello"


def test_settings_made_in_code_may_bring_a_transport() -> None:
    transport = MockTransport(MockScript(text="Hi", chunk_delay=0))
    assert ask(MockAdapter(name="mock", options={"transport": transport})).text == "Hi"


def test_requests_are_kept_for_tests_to_look_at() -> None:
    adapter = mock(**FAST)
    ask(adapter, model="gpt")
    [request] = adapter.transport.requests
    assert (request.model, request.last_words, request.body["stream"]) == ("gpt", "Hello", True)


def test_reasoning_and_tool_calls_can_be_scripted() -> None:
    call = ToolCall("call_1", "weather", '{"city": "Málaga"}')
    reading = ask(mock(MockScript(reasoning="Hm, well", tool_calls=(call,), chunk_delay=0)))
    assert reading.reasoning == "Hm, well"
    assert reading.text == ""
    assert reading.calls == [("call_1", "weather", '{"city": "Málaga"}')]
    assert reading.finish is FinishReason.TOOL_CALLS


def test_the_end_can_be_scripted() -> None:
    reading = ask(mock(MockScript(text="a b c", finish="length", usage=False, chunk_delay=0)))
    assert (reading.finish, reading.usage) == (FinishReason.LENGTH, None)


def begun(text: str) -> ChatRequest:
    """A conversation that holds the beginning of the answer."""
    return ChatRequest((*HELLO.messages, Message("assistant", (TextPart(text),))))


def test_it_goes_on_with_what_it_has_begun_to_say() -> None:
    adapter = mock(MockScript("one two three four"))

    assert ask(adapter, begun("one two")).text == " three four"
    assert ask(adapter, begun("one two three four")).text == ""
    assert ask(adapter, begun("something else")).text == "one two three four"


def test_a_failure_keeps_its_place_in_the_whole_answer() -> None:
    adapter = mock(MockScript("one two three four", fail_at=4))

    assert ask(adapter, begun("one two")).text == " three"


def test_an_error_event_comes_instead_of_its_chunk() -> None:
    reading = ask(mock(responses=["a b c d"], fail_at=3, error_code="rate_limit_exceeded", **FAST))
    assert reading.text == "a b"
    assert isinstance(reading.failure, UpstreamRateLimited)
    assert not reading.state.finished


def test_a_cut_comes_instead_of_its_chunk() -> None:
    response = exchange(mock(responses=["a b c d"], fail_at=3, fail_with="cut", **FAST)).open()
    assert response.read()
    assert response.read()
    with pytest.raises(TruncatedStream):
        response.read()


def test_a_clean_end_without_a_reason_comes_instead_of_its_chunk() -> None:
    reading = ask(mock(responses=["a b c d"], fail_at=3, fail_with="end", **FAST))
    assert reading.text == "a b"
    assert reading.finish is None
    assert not reading.state.finished


def test_a_failure_behind_the_last_chunk_comes_before_the_end() -> None:
    reading = ask(mock(responses=["a b"], fail_at=99, fail_with="end", **FAST))
    assert reading.text == "a b"
    assert not reading.state.finished


def test_a_stall_lasts_until_the_read_limit() -> None:
    response = exchange(mock(responses=["a b"], fail_at=1, fail_with="stall"), patience=0.01).open()
    with pytest.raises(UpstreamTimeout) as passed:
        response.read()
    assert (passed.value.limit, passed.value.seconds) == ("idle", 0.01)


def test_a_silent_start_lasts_until_the_read_limit() -> None:
    with pytest.raises(UpstreamTimeout):
        exchange(mock(open_delay=LONG), patience=0.01).open()


def test_failures_may_stop_after_some_requests() -> None:
    adapter = mock(status=500, fail_times=2, responses=["ok"], **FAST)
    for _ in range(2):
        with pytest.raises(UpstreamFailure):
            ask(adapter)
    assert ask(adapter).text == "ok"


def test_a_refusal_carries_its_code_reason_and_delay() -> None:
    adapter = mock(status=429, error_code="slow_down", error_message="Too fast.", retry_after=2.5)
    with pytest.raises(UpstreamRateLimited) as refused:
        ask(adapter)
    error = refused.value
    assert (error.details, error.upstream_code, error.retry_after) == ("Too fast.", "slow_down", 2.5)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("mock-429", UpstreamRateLimited),
        ("mock-quota", QuotaExhausted),
        ("mock-401", KeyRejected),
        ("mock-500", UpstreamFailure),
    ],
)
def test_some_models_always_refuse(model: str, kind: type[UpstreamError]) -> None:
    with pytest.raises(kind):
        ask(mock(), model=model)


@pytest.mark.parametrize("model", MODEL_SCRIPTS)
def test_every_model_with_a_script_can_be_asked_for(model: str) -> None:
    assert exchange(mock(), model=model).open().status in (200, 401, 429, 500)


def test_single_models_can_be_scripted_in_the_configuration() -> None:
    adapter = mock(responses=["plain"], by_model={"poet": {"responses": ["rhyme"], **FAST}}, **FAST)
    assert ask(adapter).text == "plain"
    assert ask(adapter, model="poet").text == "rhyme"


@pytest.mark.parametrize(
    "options",
    [{"fail_with": "fire"}, {"chunk_delay": -1}, {"nonsense": 1}, {"by_model": {"poet": {"rhymes": 1}}}],
)
def test_a_wrong_option_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        mock(**options)


def waits_until_cancelled(wait: Callable[[], Any], cancel: Callable[[], None]) -> None:
    """Asserts that `wait`, which would take an hour, ends when `cancel` is called from another thread."""
    outcome: list[BaseException] = []
    begun = threading.Event()

    def run() -> None:
        begun.set()
        try:
            wait()
        except AttemptCancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert begun.wait(10)
    cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert [type(error) for error in outcome] == [AttemptCancelled]


def test_a_cancel_ends_the_wait_for_the_status_at_once() -> None:
    waiting = exchange(mock(open_delay=LONG), patience=LONG)
    waits_until_cancelled(waiting.open, waiting.cancel)


@pytest.mark.parametrize("options", [{"first_delay": LONG}, {"fail_at": 1, "fail_with": "stall"}])
def test_a_cancel_ends_the_wait_for_a_chunk_at_once(options: dict[str, Any]) -> None:
    waiting = exchange(mock(**options), patience=LONG)
    waits_until_cancelled(waiting.open().read, waiting.cancel)


def test_nothing_is_sent_after_a_cancel() -> None:
    adapter = mock(**FAST)
    cancelled = exchange(adapter)
    response = cancelled.open()
    cancelled.cancel()
    cancelled.cancel()
    with pytest.raises(AttemptCancelled):
        response.read()
    with pytest.raises(AttemptCancelled):
        cancelled.open()
    assert adapter.transport.cancelled == 1


def test_a_cancel_after_the_end_is_not_counted() -> None:
    adapter = mock(**FAST)
    whole = exchange(adapter)
    response = whole.open()
    while response.read():
        pass
    whole.cancel()
    assert adapter.transport.cancelled == 0


def test_the_health_probe_answers_with_the_model_list() -> None:
    adapter = mock(models=["a", "b"])
    response = adapter.transport.exchange(
        adapter.health_request(key=None), connect_timeout=1, read_timeout=1
    ).open()
    assert response.status == 200
    assert adapter.models(response.read()) == ("a", "b")


def test_health_can_be_changed_while_it_runs() -> None:
    adapter = mock(healthy=False)
    statuses = []
    for healthy in (False, True):
        adapter.transport.healthy = healthy
        probe = adapter.transport.exchange(
            adapter.health_request(key=None), connect_timeout=1, read_timeout=1
        )
        statuses.append(probe.open().status)
    assert statuses == [503, 200]
    assert not mock(healthy=False).transport.healthy


def test_the_wire_is_that_of_openai() -> None:
    response = exchange(mock(MockScript(text="né", chunk_delay=0))).open()
    body = b"".join(iter(response.read, b""))
    assert body.endswith(b"data: [DONE]\n\n")
    first = json.loads(body.split(b"\n\n")[0].removeprefix(b"data: "))
    assert first["choices"][0]["delta"] == {"content": "né"}
    assert first["object"] == "chat.completion.chunk"


def test_counts_are_words_and_chunks() -> None:
    reading = ask(mock(MockScript(text="a b c", chunk_delay=0)), saying("one two"))
    assert reading.usage == Usage(prompt_tokens=2, completion_tokens=3)


def test_many_threads_may_share_one_transport() -> None:
    adapter = mock(responses=["a b c"], **FAST)
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(ask(adapter).text)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert texts == ["a b c"] * 20
    assert sorted(request.number for request in adapter.transport.requests) == list(range(1, 21))
