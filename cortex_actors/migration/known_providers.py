"""LiteLLM's names for providers: which of our types speaks to each, where it is, where its key usually is.

Imports nothing of the package.
Imported by: deployments, places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cortex_actors.settings import ProviderTypeName


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """What stands before the slash of `model: groq/llama-3.3-70b-versatile`."""

    type: ProviderTypeName
    #: Where it is; nothing for the address that the type has.
    base_url: str = ""
    #: Names in the environment that hold its key, and its address, where the deployment says nothing of them.
    keys: tuple[str, ...] = ()
    address: str = ""
    #: Whether it tells which models it has.
    lists_models: bool = True


def _compatible(base_url: str, *keys: str, lists_models: bool = True) -> KnownProvider:
    return KnownProvider("openai_compatible", base_url, keys, lists_models=lists_models)


def _own_server(prefix: str) -> KnownProvider:
    return KnownProvider("openai_compatible", "", (f"{prefix}_API_KEY",), f"{prefix}_API_BASE")


KNOWN: Mapping[str, KnownProvider] = {
    "openai": KnownProvider("openai"),
    "anthropic": KnownProvider("anthropic"),
    "gemini": KnownProvider("gemini"),
    "groq": KnownProvider("groq"),
    "mistral": KnownProvider("mistral"),
    "xai": KnownProvider("xai"),
    "cohere": KnownProvider("cohere"),
    "cohere_chat": KnownProvider("cohere"),
    "ollama": KnownProvider("ollama"),
    "ollama_chat": KnownProvider("ollama"),
    "custom_openai": KnownProvider("openai_compatible"),
    "openai_like": KnownProvider("openai_compatible"),
    "hosted_vllm": _own_server("HOSTED_VLLM"),
    "lm_studio": _own_server("LM_STUDIO"),
    "llamafile": _own_server("LLAMAFILE"),
    "litellm_proxy": _own_server("LITELLM_PROXY"),
    "cerebras": _compatible("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "codestral": _compatible("https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY"),
    "deepinfra": _compatible("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "deepseek": _compatible("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks_ai": _compatible(
        "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"
    ),
    "meta_llama": _compatible("https://api.llama.com/compat/v1", "LLAMA_API_KEY"),
    "nvidia_nim": _compatible("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "openrouter": _compatible("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": _compatible(
        "https://api.perplexity.ai",
        "PERPLEXITYAI_API_KEY",
        "PERPLEXITY_API_KEY",
        lists_models=False,
    ),
    "sambanova": _compatible("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "together_ai": _compatible(
        "https://api.together.xyz/v1", "TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_API_KEY"
    ),
    "volcengine": _compatible("https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
}

#: Beginnings of model names that need no provider before them.
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "openai": ("gpt-", "chatgpt-", "o1", "o3", "o4", "ft:gpt-", "text-embedding-"),
    "anthropic": ("claude-",),
    "cohere": ("command-",),
}

_NAME = re.compile(r"[a-z0-9_]{1,40}")
_REASONS: Mapping[str, str] = {
    "azure": "no dialect here has Azure's own URLs; a resource with the v1 API can be openai_compatible"
    " with base_url https://RESOURCE.openai.azure.com/openai/v1",
    "text-completion-openai": "text completions are not served; only chats and embeddings are",
}


def split(model: str, custom_provider: str) -> tuple[str, str]:
    """LiteLLM's name for the provider, if there is one, and the provider's own name for the model."""
    before, slash, after = model.partition("/")
    if custom_provider:
        return custom_provider, after if slash and before == custom_provider else model
    if slash:
        return before, after
    family = (name for name, beginnings in _FAMILIES.items() if model.startswith(beginnings))
    return next(family, ""), model


def why_unknown(prefix: str) -> str:
    """Why deployments of a provider that is not in the table are not carried over."""
    if not _NAME.fullmatch(prefix):
        return "its model names no provider"
    return _REASONS.get(prefix, f"no dialect here speaks to {prefix}")
