"""Parsing: the body of a chat completion becomes a `ChatRequest`, or an error that names the field.

What `web.parsing` reads, it reads here too. Fields that nobody here knows go along for providers that speak
OpenAI's API; every other provider has them among what it drops. What lies deeper, where nothing is passed
on, is noted as dropped (`unheard`). null always means "not said".

    models: [a, b, c]        a, then b, then c; with `model: x`, x before all of them
    n                        1, or nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cortex_actors.chat import ChatRequest
from cortex_actors.web.fields import Fields
from cortex_actors.web.openai.destinations import refuse_destinations
from cortex_actors.web.openai.unheard import unheard
from cortex_actors.web.parsing import MOST_FALLBACKS, MOST_TOKENS, parse_chat

#: Fields of this surface that are read here, and are not for providers.
_READ_HERE = frozenset({"stream", "stream_options", "n", "models", "max_completion_tokens"})

_MOST_LOGPROBS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for, and how it wants to hear the answer."""

    request: ChatRequest
    stream: bool
    include_usage: bool
    #: Fields that no provider can be told.
    dropped: tuple[str, ...]


def parse_completion(body: Mapping[str, Any]) -> Asked:
    """Reads the whole body."""
    fields = Fields(body)
    if fields.integer("n", least=-MOST_TOKENS, most=MOST_TOKENS) not in (None, 1):
        raise fields.refuse("n", "must be 1: one answer a request is all there is")
    request, unknown = parse_chat(body)
    model, *fallbacks = candidates(fields)
    options = fields.child("stream_options")
    return Asked(
        request=replace(
            request,
            model=model,
            fallbacks=tuple(fallbacks),
            max_tokens=_max_tokens(fields),
            extra=_extra(fields, unknown),
        ),
        stream=fields.flag("stream") or False,
        include_usage=(options is not None and options.flag("include_usage")) or False,
        dropped=unheard(body),
    )


def candidates(fields: Fields) -> tuple[str, ...]:
    """The models to ask, best first; one at least."""
    model = fields.name("model")
    listed = fields.texts("models", most=MOST_FALLBACKS)
    fallbacks = fields.texts("fallbacks", most=MOST_FALLBACKS)
    first = () if model is None else (model,)
    if not first and not listed:
        raise fields.refuse("model", "is missing; ask for `auto` to leave the choice to the routing")
    return tuple(dict.fromkeys((*first, *listed, *fallbacks)))


def _max_tokens(fields: Fields) -> int | None:
    """The limit, under its older name or its newer one."""
    older = fields.integer("max_tokens", least=1, most=MOST_TOKENS)
    newer = fields.integer("max_completion_tokens", least=1, most=MOST_TOKENS)
    if older is not None and newer is not None and older != newer:
        raise fields.refuse("max_tokens", "must not differ from max_completion_tokens; say one of them")
    return older if newer is None else newer


def _extra(fields: Fields, unknown: tuple[str, ...]) -> dict[str, Any]:
    """What goes along as the caller wrote it."""
    refuse_destinations(fields, unknown)
    extra = {
        name: fields.values[name]
        for name in unknown
        if name not in _READ_HERE and fields.values[name] is not None
    }
    fields.integer("top_logprobs", least=0, most=_MOST_LOGPROBS)
    if fields.flag("logprobs") is False:
        del extra["logprobs"]  # a wish for nothing, which no provider need be able to grant
    return extra
