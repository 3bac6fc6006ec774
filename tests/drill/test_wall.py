"""Each behaviour of the wall over a raw socket, and what the wall keeps of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cortex_actors.drill.behaviours import BEHAVIOURS
from cortex_actors.drill.plays import REASON
from cortex_actors.drill.reply import USAGE
from cortex_actors.drill.wall import Wall
from cortex_actors.drill.wall_log import Entry, fingerprint
from cortex_actors.drill.words import STRANGE_TEXT, TEXT, WORDS
from tests.drill.wall_caller import PATIENCE, Heard, ask, hear, page, send

KEY, OTHER_KEY = "sk-wall-one", "sk-wall-two"


@pytest.fixture
def wall() -> Iterator[Wall]:
    with Wall() as wall:
        yield wall


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits for what another thread of the wall is about to note."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def closed(entry: Entry) -> Callable[[], bool]:
    return lambda: entry.closed_by_peer_at is not None


def read_until(sock: socket.socket, text: bytes) -> bytes:
    """What came of an answer that goes on, or does not, up to this text."""
    data = b""
    while text not in data:
        piece = sock.recv(65536)
        assert piece, "the answer is over"
        data += piece
    return data


def assert_healthy(heard: Heard, text: str = TEXT) -> None:
    assert heard.status == 200
    assert heard.whole
    assert heard.text == text
    assert heard.finish_reasons == ["stop"]
    assert heard.usages == [USAGE]
    assert heard.events[-1] == "[DONE]"


# -- healthy


@pytest.mark.parametrize("model", ["steady", "healthy", "no-prefill", "steady+a-mark"])
def test_a_healthy_model_says_sixty_words_gives_its_reason_and_its_counts(wall: Wall, model: str) -> None:
    heard = ask(wall, model)

    assert_healthy(heard)
    assert len(heard.text.split()) == 60
    assert {json.loads(event)["model"] for event in heard.events[:-1]} == {model}


def test_the_slow_model_takes_its_time_between_words(wall: Wall) -> None:
    with send(wall, "slow") as sock:
        assert b'" sixty"' not in read_until(sock, b'"one"')


def test_a_conversation_that_holds_the_beginning_of_the_answer_gets_the_rest(wall: Wall) -> None:
    begun = " ".join(WORDS[:40])
    parts = [{"type": "text", "text": begun}]

    for content in (begun, parts):
        heard = ask(wall, "steady", messages=[{"role": "assistant", "content": content}])
        assert begun + heard.text == TEXT


def test_the_model_without_prefill_refuses_a_trailing_assistant_message_and_nothing_else(wall: Wall) -> None:
    begun = {"role": "assistant", "content": "one two"}

    assert ask(wall, "no-prefill", messages=[begun]).status == 400
    assert ask(wall, "no-prefill", messages=[begun, {"role": "user", "content": "Go on."}]).status == 200


# -- refusals


def test_a_limited_model_is_fine_once_its_time_has_passed(wall: Wall) -> None:
    first, too_soon = ask(wall, "429-then-fine"), ask(wall, "429-then-fine")
    wall.entries[0].time -= 2.0  # as if it had been asked two seconds earlier
    later = ask(wall, "429-then-fine")

    assert [first.status, too_soon.status] == [429, 429]
    assert first.headers["retry-after"] == "2"
    assert first.error["code"] == "rate_limit_exceeded"
    assert_healthy(later)


def test_a_limit_of_the_first_key_leaves_the_others_alone(wall: Wall) -> None:
    assert ask(wall, "429-first-key", key=KEY).status == 429
    assert_healthy(ask(wall, "429-first-key", key=OTHER_KEY))
    assert ask(wall, "429-first-key", key=KEY).status == 429


def test_a_model_limited_for_ever_names_no_time(wall: Wall) -> None:
    answers = [ask(wall, "429-forever") for _ in range(3)]

    assert [heard.status for heard in answers] == [429, 429, 429]
    assert "retry-after" not in answers[0].headers


def test_a_model_that_fails_once_fails_once_for_each_mark(wall: Wall) -> None:
    statuses = [ask(wall, f"500-once+{mark}").status for mark in ("a", "b", "a", "b", "a")]

    assert statuses == [500, 500, 200, 200, 200]


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("503-forever", 503, None),
        ("context-length", 400, "context_length_exceeded"),
        ("content-policy", 400, "content_policy_violation"),
        ("insufficient-quota", 429, "insufficient_quota"),
        ("bad-key", 401, "invalid_api_key"),
        ("nobody-knows-this", 404, "model_not_found"),
    ],
)
def test_a_refusal_comes_each_time(wall: Wall, model: str, status: int, code: str | None) -> None:
    for _ in range(2):
        heard = ask(wall, model)
        assert (heard.status, heard.error["code"]) == (status, code)


@pytest.mark.parametrize(
    "model", ["bad-key", "500-once", "context-length", "content-policy", "json-error-200"]
)
def test_a_careless_refusal_quotes_the_key(wall: Wall, model: str) -> None:
    assert KEY in ask(wall, model, key=KEY).error["message"]


def test_a_bad_first_key_leaves_the_others_good(wall: Wall) -> None:
    statuses = [ask(wall, "bad-first-key", key=key).status for key in (KEY, OTHER_KEY, KEY)]

    assert statuses == [401, 200, 401]


@pytest.mark.parametrize("behaviour", [each for each in BEHAVIOURS.values() if each.down_for])
def test_an_outage_is_over_after_its_time(wall: Wall, behaviour: object) -> None:
    assert isinstance(behaviour, type(BEHAVIOURS["steady"]))
    before = ask(wall, behaviour.name)
    wall.entries[0].time -= behaviour.down_for

    assert before.status == 503
    assert_healthy(ask(wall, behaviour.name))


# -- before the first word


def test_the_first_connection_is_reset_before_any_byte(wall: Wall) -> None:
    first = ask(wall, "reset-before-headers")

    assert (first.status, first.reset) == (None, True)
    assert wall.entries[0].status is None
    assert_healthy(ask(wall, "reset-before-headers"))


def test_the_silent_model_says_nothing_and_sees_its_caller_leave(wall: Wall) -> None:
    with send(wall, "silence") as sock:
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        left_at = time.time()

    wait_for(closed(wall.entries[0]))
    assert wall.entries[0].status is None
    assert wall.entries[0].bytes == 0
    assert 0.0 <= (wall.entries[0].closed_by_peer_at or 0.0) - left_at < 5.0


def test_the_slow_first_token_comes_after_headers_at_once(wall: Wall) -> None:
    with send(wall, "slow-first-token") as sock:
        assert b"delta" not in read_until(sock, b"\r\n\r\n")


def test_an_error_can_come_as_a_success(wall: Wall) -> None:
    heard = ask(wall, "json-error-200")

    assert heard.status == 200
    assert heard.headers["content-type"] == "application/json"
    assert heard.error["message"].startswith(REASON)


def test_a_stream_can_end_well_and_say_nothing(wall: Wall) -> None:
    assert_healthy(ask(wall, "zero-deltas"), text="")


# -- in the middle, and at the end


@pytest.mark.parametrize(("model", "reset"), [("cut-at-40", False), ("reset-at-40", True)])
def test_a_cut_comes_after_forty_words_and_ends_nothing(wall: Wall, model: str, reset: bool) -> None:
    heard = ask(wall, model)

    assert heard.text.split() == list(WORDS[:40])
    assert not heard.whole
    assert heard.finish_reasons == []
    assert heard.reset is reset


def test_a_stall_comes_after_twenty_words_and_sees_its_caller_leave(wall: Wall) -> None:
    with send(wall, "stall-at-20") as sock:
        read_until(sock, b'" twenty"}, "finish_reason": null}]}\n\n\r\n')
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)

    wait_for(closed(wall.entries[0]))


def test_one_event_of_invalid_json_stands_among_good_ones(wall: Wall) -> None:
    heard = ask(wall, "bad-json-event")

    assert_healthy(heard)
    assert sum(not _is_json(event) for event in heard.events[:-1]) == 1


def test_an_error_event_ends_a_stream_that_has_begun(wall: Wall) -> None:
    heard = ask(wall, "error-event")

    assert heard.text.split() == list(WORDS[:20])
    assert json.loads(heard.events[-1])["error"]["message"].startswith(REASON)
    assert heard.finish_reasons == []


def test_a_complete_answer_can_come_without_done(wall: Wall) -> None:
    heard = ask(wall, "no-done")

    assert heard.whole
    assert (heard.text, heard.finish_reasons, heard.usages) == (TEXT, ["stop"], [USAGE])
    assert "[DONE]" not in heard.events


def test_a_body_can_be_left_open_after_its_last_event(wall: Wall) -> None:
    with send(wall, "no-done-left-open") as sock:
        read_until(sock, b'"total_tokens": 69}}\n\n\r\n')
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_a_clean_end_can_come_without_a_reason(wall: Wall) -> None:
    heard = ask(wall, "clean-end-without-finish")

    assert heard.whole
    assert heard.text == TEXT
    assert (heard.finish_reasons, heard.usages) == ([], [])
    assert "[DONE]" not in heard.events


# -- hard to read


def test_strange_characters_come_byte_by_byte_with_crlf_and_comments(wall: Wall) -> None:
    heard = ask(wall, "utf8-every-byte")

    assert_healthy(heard, text=STRANGE_TEXT)
    assert b": still here\r\n\r\ndata: " in heard.body


def test_a_delta_can_have_three_megabytes(wall: Wall) -> None:
    heard = ask(wall, "huge-delta")

    assert len(heard.text) > 2_900_000
    assert_healthy(heard, text=BEHAVIOURS["huge-delta"].text)


def test_many_deltas_are_of_a_kilobyte_and_all_different() -> None:
    pieces = list(BEHAVIOURS["many-deltas"].pieces())

    assert len(set(pieces)) == len(pieces) == 60_000
    assert {len(piece) for piece in pieces} == {1024}


def test_a_caller_that_reads_nothing_costs_little_and_is_seen_to_leave(wall: Wall) -> None:
    with send(wall, "many-deltas"):
        wait_for(lambda: any(entry.bytes for entry in wall.entries))

    wait_for(closed(wall.entries[0]))
    assert wall.entries[0].bytes < 60_000_000


# -- what it keeps


def test_the_log_tells_model_time_status_key_and_bytes(wall: Wall) -> None:
    before = time.time()
    ask(wall, "steady+m1", key=KEY)
    ask(wall, "503-forever+m2", key="")

    status, told = page(wall, "GET", "/_wall/log")

    assert status == 200
    good, bad = told["requests"]
    assert [good["number"], bad["number"]] == [1, 2]
    assert [good["model"], bad["model"]] == ["steady+m1", "503-forever+m2"]
    assert [good["status"], bad["status"]] == [200, 503]
    assert [good["key"], bad["key"]] == [fingerprint(KEY), None]
    assert before <= good["time"] <= bad["time"] <= told["now"]
    assert good["bytes"] > 8_000
    assert good["closed_by_peer_at"] is None
    assert KEY not in json.dumps(told)


def test_the_log_can_be_asked_for_one_mark_and_be_forgotten(wall: Wall) -> None:
    ask(wall, "steady+m1")
    ask(wall, "steady+m2")

    assert [each["model"] for each in page(wall, "GET", "/_wall/log?mark=m2")[1]["requests"]] == ["steady+m2"]
    assert page(wall, "DELETE", "/_wall/log") == (200, {"requests": []})
    assert wall.entries == ()
    assert ask(wall, "500-once").status == 500


def test_the_model_list_is_free_and_names_every_behaviour(wall: Wall) -> None:
    status, told = page(wall, "GET", "/v1/models")

    assert status == 200
    assert [model["id"] for model in told["data"]] == list(BEHAVIOURS)
    assert wall.entries == ()


def test_a_path_that_is_not_there_says_which_ones_are(wall: Wall) -> None:
    status, told = page(wall, "GET", "/v1/nothing")

    assert status == 404
    assert "/v1/chat/completions" in told["error"]


def test_a_connection_serves_one_request_after_the_other(wall: Wall) -> None:
    with send(wall, "503-forever") as sock:
        assert hear(sock).status == 503
        body = b'{"model": "steady"}'
        sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert_healthy(hear(sock))


@pytest.mark.parametrize("model", ["silence", "stall-at-20", "slow-first-token", "many-deltas", "slow"])
def test_nothing_keeps_the_wall_from_closing(model: str) -> None:
    wall = Wall()
    wall.start()
    with send(wall, model) as sock:
        wait_for(lambda: len(wall.entries) == 1)
        began = time.monotonic()
        wall.close()
        assert time.monotonic() - began < 4.0
        while sock.recv(1 << 20):
            pass

    assert wall.entries[0].closed_by_peer_at is None, "it was the wall that hung up"
    wait_for(lambda: not any(thread.name == "wall-caller" for thread in threading.enumerate()))


def test_what_is_no_chat_request_does_no_harm(wall: Wall) -> None:
    for junk in (b"\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"x" * 100_000):
        with socket.create_connection(("127.0.0.1", wall.port), PATIENCE) as sock:
            sock.sendall(junk)
            sock.shutdown(socket.SHUT_WR)

    assert_healthy(ask(wall, "steady"))


def _is_json(event: str) -> bool:
    try:
        json.loads(event)
    except ValueError:
        return False
    return True
