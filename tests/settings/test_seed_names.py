"""Every name that earlier gateways documented has an effect here, or a stated reason for having none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.settings import IGNORED_ENVIRONMENT, ProviderSettings, Settings, load
from cortex_actors.settings.ollama_urls import URL_NAMES
from cortex_actors.settings.provider_types import PROVIDER_TYPES
from cortex_actors.settings.seed_names import SEED_NAMES

Look = Callable[[Settings], object]
Example = tuple[str, Look, object]


def provider(settings: Settings, name: str) -> ProviderSettings:
    """The provider of this name."""
    return next(provider for provider in settings.providers if provider.name == name)


def of(name: str, attribute: str) -> Look:
    """Looks at one attribute of one provider."""
    return lambda settings: getattr(provider(settings, name), attribute)


def keys_of_provider(name: str) -> Look:
    """Looks at the keys of one provider."""
    return lambda settings: [key.reveal() for key in provider(settings, name).keys]


def silence_of(name: str) -> Look:
    """Looks at the two limits that a provider's time-out sets."""
    return lambda settings: (
        provider(settings, name).limits.first_token,
        provider(settings, name).limits.idle,
    )


#: Name -> its text, where to look, what must be seen. The other names a line needs are in NEEDS.
PLAIN: Mapping[str, Example] = {
    "PORT": ("8080", lambda s: s.server.port, 8080),
    "WORKER_POOL_STRATEGY": ("round_robin", lambda s: s.routing.strategy, "round_robin"),
    "ROUTING_STRATEGY": ("local_first", lambda s: s.routing.strategy, "local_first"),
    "HEALTH_CHECK_INTERVAL": ("0", lambda s: s.health.interval, 0.0),
    "GLOBAL_REQUEST_TIMEOUT": ("180000", lambda s: s.limits.total, 180.0),
    "MAX_WORKER_RETRIES": ("3", lambda s: s.retry.max_attempts, 4),
    "API_KEY_ROTATION_STRATEGY": ("least_used", lambda s: s.keys.strategy, "least_used"),
    "RATE_LIMIT_BLOCK_MINUTES": ("20", lambda s: s.keys.rest, 1200.0),
    "ENABLE_WORKER_DEBUGGING": ("true", lambda s: s.logs.level, "debug"),
}

PROVIDERS: dict[str, Example] = {
    f"{row.prefix}_API_KEYS": ("one, two,", keys_of_provider(row.name), ["one", "two"])
    for row in PROVIDER_TYPES
    if row.needs_key
}
PROVIDERS |= {
    f"{row.prefix}_API_KEY": ("one", keys_of_provider(row.name), ["one"])
    for row in PROVIDER_TYPES
    if row.needs_key
}
ENDINGS: dict[str, Example] = {
    f"{row.prefix}_{ending}": (text, look(row.name), seen)
    for row in PROVIDER_TYPES
    if row.needs_key
    for ending, text, look, seen in (
        ("MODEL", "m-1", lambda name: of(name, "model"), "m-1"),
        ("TIMEOUT", "45000", silence_of, (45.0, 45.0)),
        ("API_BASE", "https://proxy.lan/v1/", lambda name: of(name, "base_url"), "https://proxy.lan/v1"),
    )
}
OWN_NAMES: dict[str, Example] = {
    "GOOGLE_API_KEY": ("one", keys_of_provider("gemini-primary"), ["one"]),
    "OPENAI_ORGANIZATION": ("org-1", of("openai-primary", "options"), {"organization": "org-1"}),
    "OPENAI_COMPATIBLE_API_KEYS": ("one", keys_of_provider("openai-compatible"), ["one"]),
    "OLLAMA_BASE_URL": ("http://a:1", of("ollama-local", "base_url"), "http://a:1"),
    "OLLAMA_API_BASE": ("http://a:2", of("ollama-local", "base_url"), "http://a:2"),
    "OLLAMA_HOST": ("a", of("ollama-local", "base_url"), "http://a:11434"),
    "OLLAMA_URLS": ("http://a:1,http://b:2", of("ollama-local-2", "base_url"), "http://b:2"),
    "LOCAL_OLLAMA_URLS": ("http://a:1,http://b:2", of("ollama-local", "base_url"), "http://a:1"),
    "OLLAMA_MODEL": ("qwen3", of("ollama-local", "model"), "qwen3"),
    "OLLAMA_MODELS": ("gemma2:2b,llama3.1:8b", of("ollama-local", "models"), ("gemma2:2b", "llama3.1:8b")),
    "OLLAMA_TIMEOUT": ("120000", silence_of("ollama-local"), (120.0, 120.0)),
    "OLLAMA_MAX_CONCURRENT": ("4", of("ollama-local", "max_streams"), 4),
}

#: What must be set besides, for a provider to exist at all.
NEEDS: dict[str, dict[str, str]] = {
    f"{row.prefix}_{ending}": {f"{row.prefix}_API_KEYS": "k"}
    for row in PROVIDER_TYPES
    if row.needs_key
    for ending in ("MODEL", "TIMEOUT", "API_BASE")
}
NEEDS |= {
    "OPENAI_ORGANIZATION": {"OPENAI_API_KEYS": "k"},
    "OPENAI_COMPATIBLE_API_KEYS": {
        "OPENAI_COMPATIBLE_API_BASE": "http://vllm:8000/v1",
        "OPENAI_COMPATIBLE_MODEL": "m",
    },
    "OLLAMA_TIMEOUT": {"OLLAMA_HOST": "a"},
    "OLLAMA_MAX_CONCURRENT": {"OLLAMA_HOST": "a"},
}

#: The names in the documentation of those gateways.
DOCUMENTED = """
    WORKER_POOL_STRATEGY HEALTH_CHECK_INTERVAL GROQ_API_KEYS GROQ_MODEL GROQ_TIMEOUT GEMINI_API_KEYS
    GEMINI_MODEL GEMINI_TIMEOUT GEMINI_PRO_25_API_KEYS COHERE_API_KEYS COHERE_MODEL COHERE_TIMEOUT
    OPENAI_API_KEYS OPENAI_MODEL ANTHROPIC_API_KEYS ANTHROPIC_MODEL XAI_API_KEYS XAI_MODEL
    OLLAMA_BASE_URL OLLAMA_URLS LOCAL_OLLAMA_URLS OLLAMA_MODEL OLLAMA_MODELS OLLAMA_TIMEOUT
    OLLAMA_MAX_MEMORY_MB OLLAMA_MAX_CONCURRENT OLLAMA_GPU_ENABLED OLLAMA_AUTO_PULL ROUTING_STRATEGY
    API_KEY_ROTATION_STRATEGY RATE_LIMIT_BLOCK_MINUTES CLEANUP_BLOCKED_KEYS_INTERVAL
    ENABLE_WORKER_DEBUGGING MAX_WORKER_RETRIES GLOBAL_REQUEST_TIMEOUT ENABLE_METRICS PORT
    SECRET_KEY_BASE PHX_SERVER PHX_HOST DNS_CLUSTER_QUERY CLUSTER_STRATEGY POOL_SIZE CACHE_MEMORY_MB
    GROQ_API_KEYS_FILE TEST_GROQ_API_KEY GROQ_API_KEY GROQ_API_BASE GOOGLE_API_KEY OPENAI_ORGANIZATION
    OLLAMA_HOST TAVILY_API_KEY SERPER_API_KEY BRAVE_API_KEY PUBMED_EMAIL
"""
EXAMPLES = {**PLAIN, **PROVIDERS, **ENDINGS, **OWN_NAMES}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_name_changes_what_it_names(name: str) -> None:
    text, look, seen = EXAMPLES[name]
    with_it = load(None, {**NEEDS.get(name, {}), name: text})
    assert look(with_it) == seen
    assert with_it != load(None, NEEDS.get(name, {}))


@pytest.mark.parametrize("name", DOCUMENTED.split())
def test_every_documented_name_is_shown_to_work_or_has_a_reason_not_to(name: str) -> None:
    ignored = name in IGNORED_ENVIRONMENT or name == "TEST_GROQ_API_KEY"
    assert ignored or name.removesuffix("_FILE") in EXAMPLES


def test_every_name_the_code_reads_is_shown_to_work() -> None:
    assert {seed.name for seed in SEED_NAMES} == set(PLAIN)
    assert set(URL_NAMES) < set(OWN_NAMES)


@pytest.mark.parametrize("name", [*IGNORED_ENVIRONMENT, "TEST_GROQ_API_KEY"])
def test_an_ignored_name_is_noted_with_its_reason_and_changes_nothing_else(name: str) -> None:
    settings = load(None, {name: "x", "UNRELATED": "y"})
    assert [note for note in settings.notes if note.startswith(f"{name} has no effect: ")]
    assert settings.providers == load(None, {}).providers
    assert load(None, {name: ""}).notes == ()


def test_keys_may_stand_in_a_file_by_commas_or_lines(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("\ufeffone\ntwo, three\r\n\n", encoding="utf-8")
    for name in ("GROQ_API_KEYS_FILE", "GROQ_API_KEY_FILE"):
        settings = load(None, {name: str(tmp_path / "keys")})
        assert keys_of_provider("groq-primary")(settings) == ["one", "two", "three"]


def test_keys_from_several_names_are_joined_each_once(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("two,three", encoding="utf-8")
    environ = {
        "GROQ_API_KEYS": "one,two",
        "GROQ_API_KEYS_FILE": str(tmp_path / "keys"),
        "GROQ_API_KEY": "one",
    }
    assert keys_of_provider("groq-primary")(load(None, environ)) == ["one", "two", "three"]


def test_an_empty_name_is_an_unset_one() -> None:
    names = [*EXAMPLES, *(f"{name}_FILE" for name in EXAMPLES if "_API_KEY" in name)]
    assert load(None, dict.fromkeys(names, " ")) == load(None, {})
    assert load(None, {"GROQ_API_KEYS": " , "}) == load(None, {})


@pytest.mark.parametrize(("text", "seconds"), [("1500", 1.5), ("90s", 90.0), ("2 m", 120.0), ("2500ms", 2.5)])
def test_times_are_milliseconds_unless_they_say_otherwise(text: str, seconds: float) -> None:
    environ = {"GLOBAL_REQUEST_TIMEOUT": text, "CORTEX_LIMITS__IDLE": "1", "CORTEX_LIMITS__FIRST_TOKEN": "1"}
    assert load(None, {**environ, "CORTEX_LIMITS__CONNECT": "0.5"}).limits.total == seconds


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"GLOBAL_REQUEST_TIMEOUT": "180"},
            (
                "environment GLOBAL_REQUEST_TIMEOUT: limits.total must be milliseconds; "
                "write 180s or 180ms to say which is meant"
            ),
        ),
        (
            {"GLOBAL_REQUEST_TIMEOUT": "soon"},
            (
                "environment GLOBAL_REQUEST_TIMEOUT: limits.total must be milliseconds, "
                "or a number with its unit such as 30s"
            ),
        ),
        ({"PORT": "http"}, "environment PORT: server.port must be a whole number, not a string"),
        ({"PORT": "65536"}, "environment PORT: server.port must be at most 65535"),
        (
            {"HEALTH_CHECK_INTERVAL": "-1"},
            "environment HEALTH_CHECK_INTERVAL: health.interval must be at least 0",
        ),
        (
            {"RATE_LIMIT_BLOCK_MINUTES": "nan"},
            "environment RATE_LIMIT_BLOCK_MINUTES: keys.rest must be a finite number",
        ),
        (
            {"MAX_WORKER_RETRIES": "-1"},
            "environment MAX_WORKER_RETRIES: retry.max_attempts must be at least 1",
        ),
        (
            {"ENABLE_WORKER_DEBUGGING": "maybe"},
            "environment ENABLE_WORKER_DEBUGGING: logs.level must be true or false",
        ),
        (
            {"ROUTING_STRATEGY": "random", "WORKER_POOL_STRATEGY": "round_robin"},
            (
                "environment ROUTING_STRATEGY: routing.strategy is something else in "
                "environment WORKER_POOL_STRATEGY; keep one of the two"
            ),
        ),
        ({"GROQ_API_KEYS": "a b"}, "environment GROQ_API_KEYS: key 1 has characters that no key has"),
        (
            {"GROQ_API_KEYS_FILE": "/nowhere"},
            "environment GROQ_API_KEYS_FILE: its file cannot be read: No such file or directory",
        ),
        (
            {"GROQ_API_KEYS_FILE": "/dev/null"},
            "environment GROQ_API_KEYS_FILE: its file must have 1 to 65536 bytes",
        ),
        (
            {"OLLAMA_URLS": "http://a,ftp://b"},
            "environment OLLAMA_URLS: base_url must be an http or https URL",
        ),
        (
            {"OLLAMA_MAX_CONCURRENT": "0", "OLLAMA_HOST": "a"},
            "environment OLLAMA_MAX_CONCURRENT: max_streams must be at least 1",
        ),
        (
            {"OPENAI_ORGANIZATION": "ñ", "OPENAI_API_KEY": "k"},
            "environment OPENAI_ORGANIZATION: the organization must be printable ASCII",
        ),
    ],
)
def test_a_text_that_cannot_be_meant_is_refused(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, environ)
    assert caught.value.mistakes == (says,)


def test_two_names_for_one_setting_may_agree() -> None:
    environ = {"ROUTING_STRATEGY": "random", "WORKER_POOL_STRATEGY": "random"}
    assert load(None, environ).routing.strategy == "random"


def test_debugging_switched_off_leaves_the_level_alone() -> None:
    assert load(None, {"ENABLE_WORKER_DEBUGGING": "false"}).logs.level == "info"
    assert load(None, {"MAX_WORKER_RETRIES": "0"}).retry.max_attempts == 1
