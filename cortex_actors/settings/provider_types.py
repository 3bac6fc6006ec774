"""The provider types: what is true of a provider when neither file nor environment says otherwise.

Imports:  model (the names of the types).
Imported by: every module that reads providers, and reference.

Each row is one family of names in the environment (`GROQ_...`) and what it makes: its usual name and place in
the order, the root of its API, and a model that provider served in late 2026. Several rows may share a type.
"""

from __future__ import annotations

from dataclasses import dataclass

from cortex_actors.settings.model import ProviderTypeName


@dataclass(frozen=True, slots=True)
class ProviderType:
    """The defaults of one type of provider."""

    type: ProviderTypeName
    #: How its names in the environment begin.
    prefix: str
    #: The name of a provider that the environment alone makes.
    name: str
    priority: int
    base_url: str
    model: str
    needs_key: bool = True
    local: bool = False
    #: Further names in the environment that hold a key for it.
    also_keys: tuple[str, ...] = ()

    @property
    def keys_env(self) -> str:
        """The usual name for its keys; nothing for a type that has none."""
        return "" if self.local else f"{self.prefix}_API_KEYS"


#: The embedded demo: no network, no key, no names in the environment.
MOCK = ProviderType("mock", "MOCK", "mock", 999, "", "mock-1", needs_key=False, local=True)

#: The root of every OpenAI dialect ends with its version, as their SDKs have it; the others are bare hosts.
PROVIDER_TYPES = (
    ProviderType("openai", "OPENAI", "openai-primary", 5, "https://api.openai.com/v1", "gpt-6-luna"),
    ProviderType(
        "anthropic", "ANTHROPIC", "anthropic-primary", 10, "https://api.anthropic.com", "claude-sonnet-4-6"
    ),
    ProviderType("xai", "XAI", "xai-primary", 15, "https://api.x.ai/v1", "grok-4.3"),
    ProviderType("groq", "GROQ", "groq-primary", 20, "https://api.groq.com/openai/v1", "openai/gpt-oss-20b"),
    ProviderType(
        "gemini",
        "GEMINI",
        "gemini-primary",
        30,
        "https://generativelanguage.googleapis.com",
        "gemini-3.5-flash-lite",
        also_keys=("GOOGLE_API_KEY",),
    ),
    ProviderType(
        "gemini",
        "GEMINI_PRO_25",
        "gemini-pro-25",
        30,
        "https://generativelanguage.googleapis.com",
        "gemini-2.5-pro",
    ),
    ProviderType("cohere", "COHERE", "cohere-primary", 40, "https://api.cohere.com", "command-a-03-2025"),
    ProviderType(
        "mistral", "MISTRAL", "mistral-primary", 45, "https://api.mistral.ai/v1", "mistral-small-latest"
    ),
    ProviderType(
        "ollama",
        "OLLAMA",
        "ollama-local",
        50,
        "http://localhost:11434",
        "gemma3:4b",
        needs_key=False,
        local=True,
    ),
    ProviderType("openai_compatible", "OPENAI_COMPATIBLE", "openai-compatible", 60, "", "", needs_key=False),
    MOCK,
)


def provider_type(name: object, keys_env: object = "") -> ProviderType | None:
    """The row of a type; of several, the one whose keys are asked for, else the first. None: no such type."""
    rows = [row for row in PROVIDER_TYPES if row.type == name]
    return next((row for row in rows if row.keys_env == keys_env), rows[0]) if rows else None
