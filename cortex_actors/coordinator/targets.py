"""Targets: who is asked, with what, and who reads the answer.

    of_provider(...)    a dialect of `providers.catalog`, and a chat in our own words
    of_url(...)         any URL that answers with an event stream, and a function that reads its events

What a target knows of keys stays in it: neither its repr nor what it tells of a refusal has one.

Imports:   sse_reader of this package; chat, errors, providers, settings (usual models), transport.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from cortex_actors.chat import ChatRequest, Message, Role, TextPart
from cortex_actors.coordinator.sse_reader import ParseChunk, SSEReader
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers.catalog import create, transport_for
from cortex_actors.providers.reason_text import without
from cortex_actors.providers.speech import Reader, speech
from cortex_actors.settings.provider_types import provider_type
from cortex_actors.transport import Transport, UpstreamRequest

#: Headers whose values are nobody's secret.
_OPEN_HEADERS = frozenset({"content-type", "accept", "user-agent"})

#: What is shorter is no credential, and would be masked inside of words.
_SHORTEST_SECRET = 6

_ROLES: tuple[str, ...] = get_args(Role)

#: How messages may be given.
Messages = Sequence[Message | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """One request to one provider."""

    provider: str
    transport: Transport = field(repr=False)
    request: UpstreamRequest = field(repr=False)
    reader: Reader = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def told(self, body: bytes) -> str:
        """What the provider said instead of an answer, for who asked."""
        return self.without_secrets(body.decode("utf-8", "replace"))

    def without_secrets(self, text: str) -> str:
        """The text without our credentials, which a provider may quote."""
        for secret in self.secrets:
            text = without(text, secret)
        return text


def of_provider(
    provider: str,
    network: Transport,
    chat: ChatRequest,
    *,
    model: str | None = None,
    key: str | None = None,
    base_url: str | None = None,
    headers: Mapping[str, str] | None = None,
    provider_options: Mapping[str, Any] | None = None,
) -> Target:
    """A chat with a provider of this type. Raises SettingsError or InvalidRequest, with what is wrong."""
    adapter = create(provider, provider, base_url, headers, provider_options)
    row = provider_type(provider)
    chosen = model or chat.model or (row.model if row else "")
    if not chosen:
        raise InvalidRequest(f"model is missing: {provider} has no usual one.", field="model")
    said = speech(adapter, replace(chat, model=chosen), model=chosen, key=key)
    secrets = (*_secrets_in(headers or {}), *((key,) if key else ()))
    return Target(provider, transport_for(adapter) or network, said.request, said.reader, secrets)


def of_url(
    url: str,
    headers: Mapping[str, str] | None,
    parse_chunk: ParseChunk,
    network: Transport,
    request: object,
    *,
    provider: str,
) -> Target:
    """A POST of a JSON value, or of bytes, that is answered with an event stream. Raises InvalidRequest."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest("url must be an http or https URL.", field="url")
    if not callable(parse_chunk):
        raise InvalidRequest("parse_chunk must be a function of the text of an event.", field="parse_chunk")
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    given = {name.lower(): value for name, value in (headers or {}).items()}
    usual = {"content-type": "application/json", "accept": "text/event-stream"}
    upstream = UpstreamRequest(method="POST", url=url, headers={**usual, **given}, body=body)
    return Target(provider, network, upstream, SSEReader(provider, parse_chunk), _secrets_in(given))


def chat_of(messages: Messages) -> ChatRequest:
    """Messages as a chat: ours, or `{"role": ..., "content": ...}`. Raises InvalidRequest."""
    if not messages:
        raise InvalidRequest("messages must not be empty.", field="messages")
    return ChatRequest(tuple(_message(each, number) for number, each in enumerate(messages)))


def _message(given: Message | Mapping[str, Any], number: int) -> Message:
    if isinstance(given, Message):
        return given
    role, content = given.get("role"), given.get("content")
    if role not in _ROLES:
        raise InvalidRequest(f"messages[{number}].role must be one of {', '.join(_ROLES)}.", field="messages")
    if not isinstance(content, str):
        raise InvalidRequest(f"messages[{number}].content must be a string.", field="messages")
    return Message(cast(Role, role), (TextPart(content),))


def _secrets_in(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The values that may be credentials: all of them but the known ones, and what stands behind `Bearer`."""
    values: Iterable[str] = (value for name, value in headers.items() if name.lower() not in _OPEN_HEADERS)
    return tuple(value.split()[-1] for value in values if len(value) >= _SHORTEST_SECRET and value.split())
