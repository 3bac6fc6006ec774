"""What a provider says when it refuses, read from the shapes all of them use.

    {"error": {"message", "type", "param", "code"}}        OpenAI, Groq, Anthropic, Gemini (also in a list)
    {"error": "text", "code": "text"}                      xAI, Ollama
    {"object": "error", "message", "type", "code"}         Mistral, vLLM
    {"message": "text"}, {"detail": "text" or [...]}       Cohere, FastAPI servers
    anything else                                          a proxy's HTML page, or plain text

The text in a `Refusal` is raw; only `reason_text.for_callers` may show it to anybody.

Imports:     lenient.
Imported by: failures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cortex_actors.providers.lenient import as_object, list_in, parsed, text_in

#: A word for programs, as opposed to a sentence in the place of one.
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")

#: Where dialects put their words, the most exact first.
_WORD_KEYS = ("code", "type", "status", "reason")

#: Where dialects repeat a status inside the body.
_STATUS_KEYS = ("code", "status_code", "raw_status_code", "status")

_HTTP_ERRORS = {str(status): status for status in range(400, 600)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal as the provider put it; `words` are all its codes and types, the most exact first."""

    message: str = ""
    words: tuple[str, ...] = ()
    #: The HTTP status that is named inside the body, where one is.
    status: int | None = None
    #: A delay that is named inside the body, as the provider wrote it, for example "34s".
    delay: str = ""

    @property
    def code(self) -> str | None:
        """The most exact word."""
        return self.words[0] if self.words else None


def from_body(body: bytes) -> Refusal:
    """Reads the body of a non-2xx answer."""
    text = body.decode("utf-8", "replace").strip()
    payload = parsed(text)
    if isinstance(payload, dict | list | str):
        return from_payload(payload)
    cut_json = text.startswith(("{", "["))
    return Refusal(message="" if cut_json or text == "null" else text)


def from_payload(payload: Any) -> Refusal:
    """Reads an error that is already JSON, for example one out of the middle of a stream."""
    if isinstance(payload, list):
        payload = payload[0] if payload else None
    if isinstance(payload, str):
        return Refusal(message=payload)
    outer = as_object(payload)
    inner = as_object(outer.get("error")) or outer
    return Refusal(
        message=_message(outer, inner),
        words=tuple(dict.fromkeys(_words(outer, inner))),
        status=_status(inner),
        delay=next(
            (delay for item in list_in(inner, "details") if (delay := text_in(item, "retryDelay"))), ""
        ),
    )


def _message(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> str:
    places = (inner.get("message"), outer.get("error"), outer.get("detail"), outer.get("message"))
    return next((text for place in places if (text := _as_text(place))), "")


def _as_text(place: Any) -> str:
    """A sentence, or the first lines of a FastAPI `detail` list."""
    if isinstance(place, list):
        return "; ".join(line for item in place[:3] if (line := _validation_message(item)))
    return place if isinstance(place, str) else ""


def _validation_message(item: Any) -> str:
    """One mistake; its `input` repeats what the caller sent and is left out."""
    where = ".".join(str(step) for step in list_in(item, "loc"))
    return f"{where}: {text_in(item, 'msg')}" if where else text_in(item, "msg")


def _words(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> Iterator[str]:
    details = [as_object(item) for item in list_in(inner, "details")]
    for place in (*details, inner, outer):
        for key in _WORD_KEYS:
            word = place.get(key)
            if isinstance(word, str) and _CODE.fullmatch(word) and word != "error":
                yield word.lower()


def _status(inner: Mapping[str, Any]) -> int | None:
    numbers = (str(inner.get(key)) for key in _STATUS_KEYS)
    return next((_HTTP_ERRORS[number] for number in numbers if number in _HTTP_ERRORS), None)
