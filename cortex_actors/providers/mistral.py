"""Mistral: OpenAI's API with a strict reader on the other side.

Different from the family: a field it does not know is a 422, so what does not change the answer is left out
and the rest is renamed; token counts come by themselves, and asking for them is a 422 too; the id of a tool
call must be nine letters or digits, so foreign ids are replaced, everywhere in the conversation alike; an
assistant message at the end is gone on with, and must say `prefix`.

Imports:     conversation, openai_compatible, options; chat.
Imported by: catalog.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from cortex_actors.chat import ChatRequest, EmbeddingsRequest
from cortex_actors.providers.conversation import LOGPROBS, has_speakers
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.providers.options import Option

#: Fields of the OpenAI surface that Mistral refuses, and that an answer is right without.
_LEFT_OUT = frozenset(
    {"user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", *LOGPROBS}
)

_RENAMED = {"seed": "random_seed"}

_TOOL_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")


class MistralAdapter(OpenAICompatibleAdapter):
    """Mistral's API."""

    type = "mistral"
    carries_logprobs = False
    extra_capabilities = ("tools",)
    option_table: ClassVar[Mapping[str, Option]] = {
        name: option
        for name, option in OpenAICompatibleAdapter.option_table.items()
        if name not in ("include_usage", "max_tokens_field", "developer_role", "prefill")
    }

    def fields(self, request: ChatRequest, model: str) -> dict[str, Any]:
        family = super().fields(request, model)
        fields = {_RENAMED.get(name, name): value for name, value in family.items() if name not in _LEFT_OUT}
        fields["messages"] = [_message(message) for message in family["messages"]]
        if fields.get("tool_choice") == "required":
            fields["tool_choice"] = "any"
        return fields

    @property
    def prefill(self) -> str:
        return "prefix"

    def dropped(self, request: ChatRequest) -> tuple[str, ...]:
        unheard = {"user": request.user is not None, "messages.name": has_speakers(request)}
        left_out = sorted(_LEFT_OUT & request.extra.keys()) if request.surface == "openai" else ()
        return (*super().dropped(request), *(name for name, is_said in unheard.items() if is_said), *left_out)

    def max_tokens_field(self, model: str) -> str:
        return "max_tokens"

    def embeddings_fields(self, request: EmbeddingsRequest, model: str) -> dict[str, Any]:
        fields = super().embeddings_fields(replace(request, user=None, base64=False), model)
        if "dimensions" in fields:
            fields["output_dimension"] = fields.pop("dimensions")
        return fields

    def embeddings_dropped(self, request: EmbeddingsRequest) -> tuple[str, ...]:
        return () if request.user is None else ("user",)


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A turn without the name of its speaker, and with ids that Mistral accepts."""
    turn = {name: value for name, value in message.items() if name != "name" or message["role"] == "tool"}
    if "tool_call_id" in turn:
        turn["tool_call_id"] = _tool_call_id(turn["tool_call_id"])
    if "tool_calls" in turn:
        turn["tool_calls"] = [{**call, "id": _tool_call_id(call["id"])} for call in turn["tool_calls"]]
    return turn


def _tool_call_id(given: str) -> str:
    """The id itself if it will do, else nine characters that follow from it."""
    if _TOOL_CALL_ID.fullmatch(given):
        return given
    return hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:9]
