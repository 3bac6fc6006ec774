"""Every example of the guide has its twin in the documentation of the package, and does what it shows."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Iterator
from itertools import count

import pytest

import cortex_actors.coordinator as package
from tests.upstream import (
    Hang,
    RecordedRequest,
    Script,
    ScriptedUpstream,
    json_answer,
    ollama_stream,
    openai_stream,
    sse_stream,
)
from tests.upstream.dialects import DIALECTS, Said

WORDS = ("Ho", "la", " ", "world", ".")

#: What each example of the guide is about; each is a heading or the name that is called.
SHOWN = (
    *("**Metrics**", "**Transformation**", "**Validation**", "**Buffering**", "**Recovery**", "**Errors**"),
    *("simple_stream(", "start_stream(", "class MyAdapter", "cancel_stream(", "stream_status("),
)


def _broken_once() -> Iterator[Script]:
    """Breaks off in the middle of a word; a second attempt says it all again."""
    whole = openai_stream(WORDS)
    yield whole.cut(len(b"".join(whole.events[:4])))
    while True:
        yield whole


@pytest.fixture
def guided(upstream: ScriptedUpstream) -> ScriptedUpstream:
    broken, number = _broken_once(), count()

    def answer(request: RecordedRequest) -> Script:
        next(number)
        match request.path.partition("?")[0]:
            case "/v1/chat/completions":
                return openai_stream(WORDS)
            case "/v1/messages":
                return DIALECTS["anthropic"].answer(Said(WORDS))
            case "/api/chat":
                return ollama_stream(WORDS)
            case "/v1/chat":
                return sse_stream({"text": "Hola"}, {"text": " world."}, {"end": True})
            case "/broken/v1/chat/completions":
                return next(broken)
            case "/busy/v1/chat/completions":
                return json_answer(429, {"error": {"message": "Slow down."}})
            case "/slow/v1/chat/completions":
                return openai_stream(WORDS).pause(1, Hang())
            case path if path.startswith("/v1beta/models/"):
                return DIALECTS["gemini"].answer(Said(WORDS))
        return json_answer(404)

    upstream.default = answer
    return upstream


def test_the_documentation_shows_all_that_the_guide_does() -> None:
    text = inspect.getdoc(package) or ""
    assert [each for each in SHOWN if each not in text] == []


def test_every_example_gives_what_it_shows(guided: ScriptedUpstream) -> None:
    text = inspect.getdoc(package) or ""
    parser, output = doctest.DocTestParser(), list[str]()
    example = parser.get_doctest(text, {"url": guided.url, "key": "sk-guide"}, "the guide", None, None)
    assert len(example.examples) > 40
    result = doctest.DocTestRunner(verbose=False).run(example, out=output.append)
    assert result.failed == 0, "".join(output)


def test_every_public_name_says_what_it_is() -> None:
    constants = {"SKIP", "DONE"}  # described where they are defined
    names = [name for name in package.__all__ if name not in constants]
    assert [name for name in names if not inspect.getdoc(getattr(package, name))] == []
