"""The bytes of requests, and the manners of those who send them."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from cortex_actors.loadtest.framings import FRAMINGS
from cortex_actors.loadtest.request import Requests, written
from cortex_actors.loadtest.scenario import Manners, Part, Scenario
from cortex_actors.loadtest.target import Target

TARGET = Target("http://127.0.0.1:4000/base", "127.0.0.1:4000", "/base", "127.0.0.1", 4000)


def scenario(**fields: object) -> Scenario:
    return Scenario(TARGET, **fields)  # type: ignore[arg-type]


def split(writes: tuple[bytes, ...]) -> tuple[list[str], bytes]:
    head, _, body = b"".join(writes).partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


@pytest.mark.parametrize(
    ("name", "path", "accept"),
    [
        ("text", "/base/api/chat", "text/plain"),
        ("sse", "/base/api/chat", "text/event-stream"),
        ("ndjson", "/base/api/chat", "application/x-ndjson"),
        ("openai", "/base/v1/chat/completions", "text/event-stream"),
    ],
)
def test_each_framing_is_asked_for_at_its_path(name: str, path: str, accept: str) -> None:
    lines, body = split(written(scenario(), FRAMINGS[name], "mark-1", chunked=False))

    assert lines[0] == f"POST {path} HTTP/1.1"
    assert f"Accept: {accept}" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert json.loads(body)["messages"][0]["content"].endswith(" mark-1.")


def test_a_model_a_prompt_and_headers_are_sent_along() -> None:
    asked = scenario(model="mock-cut", prompt="¿Qué tal?", headers=(("Authorization", "Bearer x"),))
    lines, body = split(written(asked, FRAMINGS["openai"], "m", chunked=False))

    assert "Authorization: Bearer x" in lines
    assert json.loads(body) == {
        "model": "mock-cut",
        "stream": True,
        "messages": [{"role": "user", "content": "¿Qué tal? m."}],
    }


def test_a_body_in_chunks_is_sent_in_several_writes_and_is_the_same_body() -> None:
    head, *chunks = written(scenario(), FRAMINGS["sse"], "mark-1", chunked=True)

    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    assert len(chunks) > 1
    assert chunks[-1].endswith(b"\r\n0\r\n\r\n")
    body, rest = b"", b"".join(chunks)
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    assert body == split(written(scenario(), FRAMINGS["sse"], "mark-1", chunked=False))[1]


def test_framings_take_turns_and_no_two_requests_have_the_same_mark() -> None:
    parts = [Requests(scenario(framings=("text", "openai")), Part(number, 2)) for number in (0, 1)]
    asked = [part.next() for part in parts for _ in range(10)]

    assert Counter(request.framing.name for request in asked) == {"text": 10, "openai": 10}
    assert len({request.mark for request in asked}) == 20


def test_shares_decide_how_many_leave_are_slow_and_send_chunks() -> None:
    requests = Requests(scenario(leave=0.2, slow=0.1, chunked=0.5))
    asked = [requests.next() for _ in range(2000)]

    manners = Counter(request.manners for request in asked)
    assert manners[Manners.LEAVE] == pytest.approx(400, rel=0.2)
    assert manners[Manners.SLOW] == pytest.approx(200, rel=0.3)
    assert sum(len(request.writes) > 1 for request in asked) == pytest.approx(1000, rel=0.1)


def test_those_who_leave_do_so_at_different_moments_and_in_both_ways() -> None:
    requests = Requests(scenario(leave=1.0))
    asked = [requests.next() for _ in range(200)]

    assert {request.leave_after for request in asked} >= {0, 1, 2}
    assert {request.leave_with_reset for request in asked} == {True, False}


def test_the_same_seed_makes_the_same_choices() -> None:
    asked = scenario(leave=0.3, slow=0.3, seed=5)
    one, other = Requests(asked), Requests(asked)

    assert [one.next() for _ in range(50)] == [other.next() for _ in range(50)]
