"""A gateway made to order: answers chats in every framing, and says back what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cortex_actors.loadtest.framings import FRAMINGS
from cortex_actors.loadtest.scenario import Scenario
from cortex_actors.loadtest.target import find_target
from tests.upstream import RecordedRequest, ScriptedUpstream, Stream, openai_stream

WORDS = ("You", " said:", " ")


@contextmanager
def gateway() -> Iterator[ScriptedUpstream]:
    """A server that echoes until it is told otherwise."""
    with ScriptedUpstream() as server:
        for framing in FRAMINGS.values():
            server.on_path(framing.path, echo)
        yield server


def echo(request: RecordedRequest) -> Stream:
    """The whole answer to a request, in the framing it wants."""
    return said(request, (*WORDS, heard(request)))


def said(request: RecordedRequest, texts: Sequence[str]) -> Stream:
    """These words in the framing of the request, and an honest end."""
    if request.path.startswith("/v1/"):
        return openai_stream(texts)
    return Stream(tuple(FRAMES[request.headers["accept"]](texts)), request.headers["accept"])


def heard(request: RecordedRequest) -> str:
    """What the caller asked."""
    text: str = request.json["messages"][-1]["content"]
    return text


def sse(kind: str, payload: Any) -> bytes:
    """One named event."""
    return f"event: {kind}\ndata: {json.dumps(payload)}\n\n".encode()


def line(kind: str, payload: Any) -> bytes:
    """One line of NDJSON."""
    return json.dumps({"type": kind, **payload}).encode() + b"\n"


def scenario(server: ScriptedUpstream, **fields: Any) -> Scenario:
    """A short test of this server."""
    return Scenario(find_target(server.url), **{"duration": 0.3, "connections": 2, "timeout": 10.0, **fields})


def _framed(frame: Any, texts: Sequence[str]) -> list[bytes]:
    deltas = [frame("delta", {"text": text}) for text in texts]
    return [frame("start", {"provider": "p"}), *deltas, frame("end", {"end": "complete"})]


FRAMES: dict[str, Any] = {
    "text/plain": lambda texts: [text.encode() for text in texts],
    "text/event-stream": lambda texts: _framed(sse, texts),
    "application/x-ndjson": lambda texts: _framed(line, texts),
}
