"""Upstreams that behave as models do when they are asked for the rest of an answer: functions of a request.

    replays(text)             says the whole answer, whatever the conversation holds of it
    goes_on(text)             says what follows the assistant's last words, or all of it where there are none
    says_again(text, words)   goes on too, but first repeats so many words
    refuses_prefill(answer)   answers 400 where the conversation ends with the assistant, else as `answer`
    breaks_off(text, words)   says so many words, and then the connection is gone

All speak OpenAI's dialect, word by word; `words_of` are the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.upstream.peer import RecordedRequest
from tests.upstream.steps import Step
from tests.upstream.streams import Script, json_answer, openai_stream

#: A function of a request that returns its script.
Model = Callable[[RecordedRequest], Script]

#: A run of white space and a word, or one character of a script that puts no spaces between words.
_WORD = re.compile(r"\s*[\u0e00-\u0e7f\u3040-\u9fff]|\s*[^\s\u0e00-\u0e7f\u3040-\u9fff]+|\s+$")


def words_of(text: str) -> list[str]:
    """The words of a text, each with the space before it; joined they are the text."""
    return _WORD.findall(text)


def turns_of(request: RecordedRequest) -> list[tuple[str, str]]:
    """The conversation as (role, text)."""
    return [(turn["role"], _text(turn["content"])) for turn in request.json["messages"]]


def replays(text: str, **more: Any) -> Model:
    """Begins anew."""
    return lambda request: openai_stream(words_of(text), **more)


def goes_on(text: str, **more: Any) -> Model:
    """Knows what it said."""
    return lambda request: openai_stream(words_of(text.removeprefix(_begun(request))), **more)


def says_again(text: str, words: int) -> Model:
    """Knows what it said, and says the last words of it once more."""

    def script(request: RecordedRequest) -> Script:
        begun = words_of(_begun(request))
        return openai_stream(words_of(text)[max(0, len(begun) - words) :])

    return script


def refuses_prefill(answer: Model) -> Model:
    """Takes no conversation that ends with the assistant."""

    def script(request: RecordedRequest) -> Script:
        if turns_of(request)[-1][0] != "assistant":
            return answer(request)
        return json_answer(400, {"error": {"message": "This model does not support prefill.", "code": None}})

    return script


def breaks_off(text: str, words: int, how: Step | None = None) -> Model:
    """Hangs up in the middle of it."""
    stream = openai_stream(words_of(text))
    said = sum(map(len, stream.events[:words]))
    return lambda request: stream.cut(said, how)


def _begun(request: RecordedRequest) -> str:
    said = [text for role, text in turns_of(request) if role == "assistant"]
    return said[-1] if said else ""


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or ())
