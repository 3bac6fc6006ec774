"""One request by a caller is one request upstream per attempt, in every dialect, for every failure."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import CortexError
from tests.dispatch.conftest import Start
from tests.dispatch.plant import provider, text_of
from tests.upstream import Answer, Fin, Head, Reset, ScriptedUpstream, Send, json_answer
from tests.upstream.dialects import DIALECTS, Said

#: What an upstream does, and how many attempts one request may then make on it.
FAILURES: Mapping[str, tuple[Answer, int]] = {
    "the caller's fault": (json_answer(400, {"error": {"message": "no"}}), 1),
    "no such model": (json_answer(404, {"error": {"message": "no such model"}}), 1),
    "the key": (json_answer(401, {"error": {"message": "bad key"}}), 1),
    "money": (json_answer(402, {"error": {"message": "pay"}}), 1),
    "a rate limit without a time": (json_answer(429, {"error": {"message": "slow down"}}), 3),
    "a server error": (json_answer(503, {"error": {"message": "down"}}), 2),
    "a reset before the head": ([Reset()], 2),
    "a hang-up before the head": ([Fin()], 2),
    "an answer that says nothing": ([Head(200, {"Content-Length": "0"})], 2),
    "garbage": ([Send(b"this is not HTTP\r\n\r\n")], 2),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_failed_attempt_was_one_request(
    start: Start, upstream: ScriptedUpstream, dialect: str, failure: str
) -> None:
    upstream.default, most = FAILURES[failure]
    plant = start(
        provider("one", upstream.url, type=dialect, keys=() if dialect == "ollama" else ("sk-one",))
    )
    dispatcher = plant.dispatcher()
    with pytest.raises(CortexError):
        dispatcher.open()
    assert 1 <= len(dispatcher.attempts) <= most
    assert len(upstream.requests) == len(dispatcher.attempts)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_good_answer_was_one_request(start: Start, upstream: ScriptedUpstream, dialect: str) -> None:
    upstream.default = DIALECTS[dialect].answer(Said(("Hola",)))
    plant = start(
        provider("one", upstream.url, type=dialect, keys=() if dialect == "ollama" else ("sk-one",))
    )
    dispatcher = plant.open()
    assert "".join(text_of(batch) for batch in iter(dispatcher.next_batch, None)) == "Hola"
    assert dispatcher.end is not None
    assert dispatcher.end.name is EndName.COMPLETE
    assert (len(upstream.requests), len(dispatcher.attempts)) == (1, 1)
