"""The examples in the documentation of the client are true: those of the guide against a real server."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pkgutil
import re
import threading
from itertools import islice
from pathlib import Path

import pytest

import cortex_actors.client as package
from cortex_actors import client
from cortex_actors.client.errors import ConnectionFailed, StatusError, StreamInterrupted, TimedOut
from cortex_actors.streaming import SSEDecoder
from tests.upstream import (
    Gate,
    RecordedRequest,
    Script,
    ScriptedUpstream,
    Stream,
    json_answer,
    refused_url,
)

MODULES = [
    each.name for each in pkgutil.walk_packages(package.__path__, "cortex_actors.client.") if not each.ispkg
]

#: The stream of the guide, with ids.
EVENTS = (
    b': This is a comment\n\nevent: start\nid: 1\nretry: 5000\ndata: {"status": "starting"}\n\n',
    b'id: 2\ndata: {"delta": "Hello"}\n\n',
    b'id: 3\ndata: {"delta": " world"}\n\n',
    b'event: done\nid: 4\ndata: {"status": "complete"}\n\n',
)


def _guide_server(request: RecordedRequest) -> Script:
    """Streams from behind the last event id; `wait`, `cut` and `fail` are what the examples ask for."""
    behind = int(request.headers.get("last-event-id", 0))
    stream = Stream(EVENTS[behind:], "text/event-stream")
    match request.json.get("prompt"):
        case "wait" if not behind:
            return stream.pause(1, Gate(threading.Event()))
        case "cut" if not behind:
            first = EVENTS[0].replace(b"retry: 5000", b"retry: 1")
            return Stream((first,), "text/event-stream").cut(len(first))
        case "fail":
            return json_answer(500, {"error": {"message": "out of order"}})
    return stream


@pytest.mark.parametrize("name", MODULES)
def test_every_example_gives_what_it_shows(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_public_name_says_what_it_is() -> None:
    assert [name for name in client.__all__ if not inspect.getdoc(getattr(client, name))] == []


def test_the_guide_does_what_it_shows(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    text = inspect.getdoc(package) or ""
    shown = re.search(r'\{"name": "demo".*?\]\}\]\}', text, re.DOTALL)
    assert shown is not None
    file = tmp_path / "manifest.json"
    file.write_text(shown[0], encoding="utf-8")
    assert json.loads(shown[0])["endpoints"][0]["id"] == "stream_chat"
    upstream.default = _guide_server
    given = {
        "url": upstream.url,
        "file": file,
        "nobody": refused_url(),
        "seen": threading.Event(),
        "Thread": threading.Thread,
        "islice": islice,
        "SSEDecoder": SSEDecoder,
        **{each.__name__: each for each in (ConnectionFailed, StatusError, StreamInterrupted, TimedOut)},
        **{name: getattr(package, name) for name in package.__all__},
    }
    parser, output = doctest.DocTestParser(), list[str]()
    example = parser.get_doctest(text, given, "the guide", None, None)
    assert len(example.examples) > 30
    result = doctest.DocTestRunner(verbose=False).run(example, out=output.append)
    assert result.failed == 0, "".join(output)
