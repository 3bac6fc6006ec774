"""Every dialect by the name it has in the configuration, and where its provider lives unless told otherwise.

Imports:     the dialects; errors, options.
Imported by: gateway, and the `check` command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cortex_actors.errors import SettingsError
from cortex_actors.providers import mock
from cortex_actors.providers.adapter import Adapter
from cortex_actors.providers.anthropic import AnthropicAdapter
from cortex_actors.providers.cohere import CohereAdapter
from cortex_actors.providers.gemini import GeminiAdapter
from cortex_actors.providers.groq import GroqAdapter
from cortex_actors.providers.mistral import MistralAdapter
from cortex_actors.providers.mock import MockAdapter
from cortex_actors.providers.ollama import OllamaAdapter
from cortex_actors.providers.openai import OpenAIAdapter
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.providers.options import nearest
from cortex_actors.providers.xai import XAIAdapter
from cortex_actors.transport import Transport

TYPES: Mapping[str, type[Adapter]] = {
    "openai": OpenAIAdapter,
    "anthropic": AnthropicAdapter,
    "gemini": GeminiAdapter,
    "groq": GroqAdapter,
    "mistral": MistralAdapter,
    "xai": XAIAdapter,
    "cohere": CohereAdapter,
    "ollama": OllamaAdapter,
    "openai_compatible": OpenAICompatibleAdapter,
    "mock": MockAdapter,
}

#: `openai_compatible` has none: its servers have nothing in common but their manners.
DEFAULT_BASE_URLS: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "xai": "https://api.x.ai/v1",
    "cohere": "https://api.cohere.com",
    "ollama": "http://localhost:11434",
    "mock": mock.BASE_URL,
}


def create(
    name: str,
    type: str,
    base_url: str | None = None,
    headers: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Adapter:
    """The adapter of one configured provider; raises SettingsError when it cannot be."""
    dialect = TYPES.get(type)
    if dialect is None:
        known = ", ".join(TYPES)
        raise SettingsError((f"providers.{name}.type: {type!r} is none of {known}.{nearest(type, TYPES)}",))
    url = base_url or DEFAULT_BASE_URLS.get(type, "")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError((f"providers.{name}.base_url: must be an http or https URL.",))
    return dialect(name=name, base_url=url, headers=headers or {}, options=options or {})


def transport_for(adapter: Adapter) -> Transport | None:
    """The transport that an adapter brings along, or None if it goes over the network."""
    return adapter.transport if isinstance(adapter, MockAdapter) else None
