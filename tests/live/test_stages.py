"""Stages in the running daemon: every surface delivers what is behind them, in both modes."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from anthropic import Anthropic
from openai import APIError, OpenAI

from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat
from tests.live.framings import SSE, Framing
from tests.live.openai.setup import client_of
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, Hang, ScriptedUpstream, openai_stream

#: A module of the user's, which only the path of the daemon knows.
MODULE = """
from dataclasses import replace

def loud(chunk, mark=""):
    return replace(chunk, text=chunk.text.upper() + (mark if chunk.text else ""))

def fragile(chunk):
    if "bug" in chunk.text:
        raise ValueError("the caller must not see this")
    return chunk

def report(metrics):
    if metrics.status != "running":
        figures = (metrics.provider, metrics.status, metrics.chunks_received, metrics.bytes_received)
        print("REPORT", *figures, file=__import__("sys").stderr, flush=True)
"""

STAGES = """
[streaming]
stages = ["no-keys"]

[[stages]]
name = "no-keys"
use = "deny_patterns"
policy = "replace"
replacement = "[key]"
options = { patterns = ["sk-[0-9]{4}"] }

[[stages]]
name = "calm"
use = "deny_patterns"
options = { patterns = ["murder"], ignore_case = true }

[[stages]]
name = "loud"
use = "my_stages:loud"
options = { mark = "!" }

[[stages]]
name = "fragile"
use = "my_stages:fragile"

[[stages]]
name = "five"
use = "buffer"
options = { chunks = 5, interval = 0.1 }

[[stages]]
name = "hoard"
use = "buffer"
options = { chunks = 1000000 }

[[stages]]
name = "stamp"
use = "timestamp"

[[stages]]
name = "report"
use = "my_stages:report"
kind = "measure"
"""

WORDS = ("my ", "key is s", "k-12", "34, keep", " it")
BEHIND = "my key is [key], keep it"


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> str:
    one = provider("one", upstream.url, priority=1)
    two = provider("two", spare.url, priority=2, stages=["loud"])
    return settings(one, two, server={"heartbeat": 0.2, "window_bytes": 100_000}) + STAGES


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "my_stages.py").write_text(MODULE, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


# -- the same text on every surface


def test_what_is_behind_the_stages_is_what_a_caller_gets(
    daemon: Daemon, upstream: ScriptedUpstream, framing: Framing, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS))
    framing.assert_complete(daemon.stream(chat(model=model, provider="one"), framing.accept), BEHIND)


def test_a_whole_answer_passes_the_same_stages(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS, usage=(9, 5)))
    answer = daemon.post("/api/chat/complete", chat(model=model, provider="one", stages=["five"])).json
    assert (answer["response"], answer["finish_reason"]) == (BEHIND, "stop")
    assert answer["usage"]["completion_tokens"] == 5


def test_the_other_surfaces_deliver_it_too(daemon: Daemon, upstream: ScriptedUpstream, model: str) -> None:
    upstream.on_model(model, openai_stream(WORDS))
    asked: dict[str, object] = {"model": f"one/{model}", "messages": [{"role": "user", "content": "Hi"}]}
    with client_of(daemon) as ours:
        whole = ours.chat.completions.create(**asked)  # type: ignore[call-overload]
        pieces = ours.chat.completions.create(**asked, stream=True)  # type: ignore[call-overload]
        streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    with Anthropic(base_url=f"http://127.0.0.1:{daemon.port}", api_key="any", max_retries=0) as theirs:
        message = theirs.messages.create(**asked, max_tokens=100)  # type: ignore[call-overload]
    assert {whole.choices[0].message.content, streamed, message.content[0].text} == {BEHIND}


# -- whose stages


def test_the_stages_of_the_answering_provider_apply(
    daemon: Daemon, spare: ScriptedUpstream, model: str
) -> None:
    spare.on_model(model, openai_stream(["ho", "la"]))
    assert daemon.post("/api/chat", chat(model=model, provider="two")).text == "HO!LA!"


def test_a_request_may_add_stages_that_are_configured(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["ho", "la"]))
    asked = chat(model=model, provider="one", stages=["loud", "five"])
    frames = list(SSE.frames(daemon.post("/api/chat", asked, SSE.accept).text))
    assert [payload["text"] for kind, payload in frames if kind == "delta"] == ["HO!LA!"]


@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/complete"])
@pytest.mark.parametrize("name", ["clam", "os:getcwd", "drop_empty"])
def test_a_request_cannot_name_anything_else(daemon: Daemon, path: str, name: str) -> None:
    answer = daemon.post(path, chat(stages=[name]))
    assert (answer.status, answer.json["field"]) == (400, "stages")
    assert name in answer.json["details"]


def test_what_a_stage_notes_is_told(daemon: Daemon, upstream: ScriptedUpstream, model: str) -> None:
    upstream.on_model(model, openai_stream(["ho", "la"]))
    asked = chat(model=model, provider="one", stages=["stamp"])
    frames = list(SSE.frames(daemon.post("/api/chat", asked, SSE.accept).text))
    noted = [payload["metadata"]["timestamp"] for kind, payload in frames if kind == "delta"]
    assert noted
    assert all(stamp.endswith("Z") for stamp in noted)


# -- how they end an answer


def test_a_refused_answer_is_one_honest_error(
    daemon: Daemon, upstream: ScriptedUpstream, framing: Framing, model: str
) -> None:
    upstream.on_model(model, openai_stream(["It was mur", "der, she wrote."]).then(Hang()))
    asked = chat(model=model, provider="one", stages=["calm"])
    told = framing.assert_failed(daemon.stream(asked, framing.accept), "It was ", "content_rejected")
    if told:
        assert told["details"] == "The stage calm refused the answer: it holds what must not be said."
        assert "murder" not in json.dumps(told)


def test_a_refused_answer_is_no_answer_as_a_whole(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["It was mur", "der, she wrote."]))
    answer = daemon.post("/api/chat/complete", chat(model=model, provider="one", stages=["calm"]))
    assert (answer.status, answer.json["code"]) == (502, "content_rejected")
    asked = len(upstream.requests)
    with client_of(daemon) as ours, pytest.raises(APIError, match="refused the answer"):
        ours.with_options(max_retries=2).chat.completions.create(
            model=f"one/{model}",
            messages=[{"role": "user", "content": "Hi"}],
            extra_body={"stages": ["calm"]},
        )
    assert len(upstream.requests) == asked + 1, "asking again would be paid for, and refused, again"
    with client_of(daemon) as ours, pytest.raises(APIError, match="refused the answer"):
        list(_openai_stream(ours, f"one/{model}", "calm"))


def _openai_stream(client: OpenAI, model: str, stage: str) -> object:
    return client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Hi"}],
        stream=True,
        extra_body={"stages": [stage]},
    )


def test_a_stage_that_raises_ends_its_answer_and_nothing_else(
    shared: Daemon, upstream: ScriptedUpstream, framing: Framing, model: str
) -> None:
    upstream.on_model(model, openai_stream(["a ", "bug", " here"]))
    asked = chat(model=model, provider="one", stages=["fragile"])
    told = framing.assert_failed(shared.stream(asked, framing.accept), "a ", "stage_failed")
    assert "must not see" not in json.dumps(told)
    assert shared.post("/api/chat", chat(model=model, provider="one")).text == "a bug here"
    shared.wait_for_log("the stage fragile failed")
    shared.log[:] = []  # its traceback was meant to be there


# -- in time


def test_a_buffered_stream_still_gives_signs_of_life(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    gate = threading.Event()
    upstream.on_model(model, openai_stream(WORDS).pause(3, Gate(gate)))
    asked = chat(model=model, provider="one", stages=["hoard"])
    answer = daemon.stream(asked, SSE.accept)
    answer.read_until(": still there\n\n: still there\n\n")
    assert SSE.words(answer) == ""
    gate.set()
    SSE.assert_complete(answer, BEHIND)


def test_a_buffer_with_an_interval_lets_go_while_the_provider_is_silent(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    gate = threading.Event()
    upstream.on_model(model, openai_stream(["Ho", "la", "!"]).pause(2, Gate(gate)))
    answer = daemon.stream(chat(model=model, provider="one", stages=["five"]))
    assert answer.read_until("Hola").text == "Hola"
    gate.set()
    assert answer.read().text == "Hola!"


def test_a_caller_that_leaves_is_noticed_through_the_stages(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["x"] * 2000).paced(0.01))
    number = len(upstream.requests)
    with daemon.connect() as connection:
        connection.ask("POST", "/api/chat", chat(model=model, provider="one", stages=["hoard"]))
        request = upstream.request(number)
    assert request.closed.wait(5)


# -- metrics, of one's own


def test_metrics_reach_a_function_of_ones_own(daemon: Daemon, upstream: ScriptedUpstream, model: str) -> None:
    whole = openai_stream(WORDS)
    upstream.on_model(model, whole)
    daemon.post("/api/chat", chat(model=model, provider="one", stages=["report"]))
    line = daemon.wait_for_log("REPORT")
    assert line.split() == ["REPORT", "one", "completed", str(len(WORDS)), str(len(whole.body))]


# -- flow control


def test_a_slow_caller_slows_the_provider_through_the_stages(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    whole = openai_stream(["x" * 20_000] * 1_500)
    upstream.on_model(model, whole)
    before = len(upstream.requests)
    with daemon.connect(receive_buffer=4096) as slow:
        asked = chat(model=model, provider="one", stages=["loud", "calm", "hoard"])
        slow.ask("POST", "/api/chat", asked)
        answer = slow.answer()
        request, sent = upstream.request(before), -1
        while sent != request.sent:
            sent = request.sent
            time.sleep(0.3)
        assert sent < len(whole.body) / 2, "the provider has to wait"
        assert not request.answered.is_set()
        assert len(answer.read().body) == 1_500 * 20_001, "and nothing is lost"
    assert request.answered.wait(10)


# -- settings


def test_a_stage_that_cannot_be_made_stops_the_start_and_says_why(
    launch: Launch, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    text = settings(provider("one", upstream.url)) + '[[stages]]\nname = "x"\nuse = "no_such:f"\n'
    with pytest.raises(AssertionError, match=r"stages\.x\.use no_such cannot be imported"):
        launch(text)
