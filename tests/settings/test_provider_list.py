"""Providers: from the file, from the environment alone, and one over the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.settings import Limits, ProviderSettings, Settings, load
from cortex_actors.settings.provider_types import PROVIDER_TYPES
from tests.settings import mistakes_of, settings_of

GROQ = '[[providers]]\nname = "mine"\ntype = "groq"\n'
KEYS = {"GROQ_API_KEYS": "k"}


def only(settings: Settings) -> ProviderSettings:
    """The one provider there is."""
    (provider,) = settings.providers
    return provider


def test_with_nothing_configured_the_embedded_demo_answers() -> None:
    settings = load(None, {})
    assert settings.demo
    mock = only(settings)
    assert (mock.name, mock.type, mock.priority, mock.local) == ("mock", "mock", 999, True)


def test_a_file_without_providers_is_a_demo_too(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[server]\nport = 1\n").demo
    assert not settings_of(tmp_path, GROQ, KEYS).demo
    assert not load(None, KEYS).demo


@pytest.mark.parametrize("row", [row for row in PROVIDER_TYPES if row.needs_key], ids=lambda row: row.prefix)
def test_a_key_in_the_environment_is_enough_for_a_provider(row: ProviderSettings) -> None:
    provider = only(load(None, {f"{row.prefix}_API_KEYS": "one,two"}))  # type: ignore[attr-defined]
    assert (provider.name, provider.type, provider.priority) == (row.name, row.type, row.priority)
    assert provider.base_url == row.base_url
    assert provider.model == row.model
    assert [key.reveal() for key in provider.keys] == ["one", "two"]
    assert not provider.local


def test_priorities_and_names_are_those_of_the_older_gateways() -> None:
    environ = {
        f"{row.prefix}_API_KEYS": "k" for row in PROVIDER_TYPES if row.needs_key and "25" not in row.prefix
    }
    providers = load(None, {**environ, "OLLAMA_HOST": "a"}).providers
    assert {provider.name: provider.priority for provider in providers} == {
        "openai-primary": 5,
        "anthropic-primary": 10,
        "xai-primary": 15,
        "groq-primary": 20,
        "gemini-primary": 30,
        "cohere-primary": 40,
        "mistral-primary": 45,
        "ollama-local": 50,
    }


def test_an_entry_needs_only_a_name_and_a_type(tmp_path: Path) -> None:
    provider = only(settings_of(tmp_path, GROQ, KEYS))
    assert (provider.name, provider.priority, provider.max_streams, provider.weight) == ("mine", 20, 100, 1.0)
    assert provider.base_url == "https://api.groq.com/openai/v1"
    assert provider.limits == Limits()
    assert [key.reveal() for key in provider.keys] == ["k"]


def test_an_entry_may_say_everything(tmp_path: Path) -> None:
    text = """\
    [limits]
    total = 300
    [[providers]]
    name = "cohere-eu"
    type = "cohere"
    base_url = "https://eu.cohere.lan/"
    model = "b"
    models = ["a", "b"]
    priority = 1
    max_streams = 7
    weight = 2
    local = true
    keys_env = "EU_KEYS"
    headers = { "X-Title" = "mine" }
    options = { api = "v1", deep = { a = [1] } }
    [providers.limits]
    idle = 20
    """
    provider = only(settings_of(tmp_path, text, {"EU_KEYS": "x,y"}))
    assert (provider.base_url, provider.model, provider.models) == ("https://eu.cohere.lan", "b", ("a", "b"))
    assert (provider.priority, provider.max_streams, provider.weight, provider.local) == (1, 7, 2.0, True)
    assert provider.headers == {"X-Title": "mine"}
    assert provider.options == {"api": "v1", "deep": {"a": [1]}}
    assert provider.limits == Limits(idle=20.0, total=300.0)
    assert len(provider.keys) == 2


@pytest.mark.parametrize(
    ("lines", "model", "models"),
    [
        ("", "openai/gpt-oss-20b", ()),
        ('model = "a"', "a", ()),
        ('models = ["a", "b"]', "a", ("a", "b")),
        ('models = ["a", "b"]\nmodel = "b"', "b", ("a", "b")),
        ('models = ["a", "b"]\nmodel = "c"', "c", ("c", "a", "b")),
    ],
)
def test_the_default_model_and_the_list_agree(
    tmp_path: Path, lines: str, model: str, models: tuple[str, ...]
) -> None:
    provider = only(settings_of(tmp_path, f"{GROQ}{lines}\n", KEYS))
    assert (provider.model, provider.models) == (model, models)


def test_only_ollama_and_mock_are_local_unless_told_otherwise(tmp_path: Path) -> None:
    text = '[[providers]]\nname = "a"\ntype = "ollama"\n[[providers]]\nname = "b"\ntype = "mock"\n' + GROQ
    assert [provider.local for provider in settings_of(tmp_path, text, KEYS).providers] == [True, True, False]
    assert not only(
        settings_of(tmp_path, '[[providers]]\nname = "a"\ntype = "ollama"\nlocal = false\n')
    ).local


def test_an_entry_with_the_usual_keys_takes_the_place_of_the_one_the_environment_would_make(
    tmp_path: Path,
) -> None:
    assert [provider.name for provider in settings_of(tmp_path, GROQ, KEYS).providers] == ["mine"]


def test_an_entry_with_keys_of_its_own_leaves_that_place_free(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f'{GROQ}keys_env = "MY_KEYS"\n', {**KEYS, "MY_KEYS": "m"})
    assert [provider.name for provider in settings.providers] == ["mine", "groq-primary"]
    assert [provider.keys[0].reveal() for provider in settings.providers] == ["m", "k"]


def test_a_disabled_entry_needs_no_key_and_keeps_the_environment_from_making_one(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f"{GROQ}enabled = false\n", KEYS)
    assert not only(settings).enabled
    assert only(settings).keys == ()
    assert settings.notes == ("every provider is disabled, so no request can be answered",)
    assert not only(settings_of(tmp_path, f"{GROQ}enabled = false\n")).enabled


def test_the_older_names_stand_over_the_entry_they_speak_of(tmp_path: Path) -> None:
    text = f'{GROQ}model = "a"\nbase_url = "http://a"\n[providers.limits]\nidle = 9\n'
    said = {"GROQ_MODEL": "b", "GROQ_API_BASE": "http://b", "GROQ_TIMEOUT": "20s"}
    provider = only(settings_of(tmp_path, text, {**KEYS, **said}))
    assert (provider.model, provider.base_url) == ("b", "http://b")
    assert (provider.limits.first_token, provider.limits.idle) == (20.0, 20.0)


def test_of_several_entries_the_older_names_mean_the_one_with_the_usual_name(tmp_path: Path) -> None:
    text = f'{GROQ}[[providers]]\nname = "groq-primary"\ntype = "groq"\n'
    models = [
        provider.model for provider in settings_of(tmp_path, text, {**KEYS, "GROQ_MODEL": "b"}).providers
    ]
    assert models == ["openai/gpt-oss-20b", "b"]


def test_an_older_name_that_could_mean_several_entries_is_refused(tmp_path: Path) -> None:
    text = f'{GROQ}[[providers]]\nname = "other"\ntype = "groq"\n'
    assert mistakes_of(tmp_path, text, {**KEYS, "GROQ_MODEL": "b"}) == [
        "environment GROQ_MODEL: the file has several groq providers, and none is called groq-primary"
    ]


def test_an_older_name_that_means_nobody_is_noted() -> None:
    settings = load(None, {"XAI_MODEL": "b", "XAI_TIMEOUT": "5000"})
    assert settings.demo
    assert settings.notes == (
        "XAI_MODEL has no effect: there is no xai provider to read it",
        "XAI_TIMEOUT has no effect: there is no xai provider to read it",
    )


def test_a_list_of_ollama_servers_makes_one_provider_each() -> None:
    environ = {
        "OLLAMA_URLS": "http://a:1, b:2",
        "OLLAMA_HOST": "b:2",
        "OLLAMA_MODEL": "m",
        "OLLAMA_MAX_CONCURRENT": "3",
    }
    providers = load(None, environ).providers
    assert [(provider.name, provider.base_url) for provider in providers] == [
        ("ollama-local", "http://a:1"),
        ("ollama-local-2", "http://b:2"),
    ]
    assert {(provider.model, provider.max_streams) for provider in providers} == {("m", 3)}


def test_one_ollama_url_moves_the_entry_of_the_file_and_several_are_refused(tmp_path: Path) -> None:
    text = '[[providers]]\nname = "mine"\ntype = "ollama"\n'
    assert only(settings_of(tmp_path, text, {"OLLAMA_BASE_URL": "http://a:1"})).base_url == "http://a:1"
    assert mistakes_of(tmp_path, text, {"OLLAMA_URLS": "http://a:1,http://b:2"}) == [
        "environment OLLAMA_URLS: ollama providers are in the file; list the servers there"
    ]


def test_the_directory_of_an_ollama_server_is_not_taken_for_a_list_of_models() -> None:
    settings = load(None, {"OLLAMA_MODELS": "/usr/share/ollama/models"})
    assert settings.demo
    assert settings.notes == (
        "OLLAMA_MODELS has no effect: it names a directory, which is the Ollama server's affair",
    )


def test_a_compatible_server_needs_its_url_but_neither_model_nor_key(tmp_path: Path) -> None:
    text = '[[providers]]\nname = "vllm"\ntype = "openai_compatible"\n'
    assert mistakes_of(tmp_path, text) == [
        "cortex.toml:1: providers.vllm needs a base_url; the type openai_compatible has none of its own"
    ]
    bare = only(settings_of(tmp_path, f'{text}base_url = "http://v:1/v1"\n'))
    assert (bare.model, bare.models, bare.keys) == ("", (), ())
    provider = only(settings_of(tmp_path, f'{text}base_url = "http://v:1/v1"\nmodels = ["m"]\n'))
    assert (provider.model, provider.keys) == ("m", ())


def test_a_provider_without_its_key_is_refused_with_the_name_to_set(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, GROQ) == [
        (
            "cortex.toml:1: providers.mine has no key: "
            "set GROQ_API_KEYS, or GROQ_API_KEYS_FILE, or enabled = false"
        )
    ]
    text = '[[providers]]\nname = "o"\ntype = "ollama"\nkeys_env = "OLLAMA_CLOUD_KEYS"\n'
    (mistake,) = mistakes_of(tmp_path, text)
    assert "set OLLAMA_CLOUD_KEYS" in mistake


def test_names_must_differ(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, GROQ + GROQ, KEYS) == [
        "cortex.toml:4: providers.mine has the name of another provider (cortex.toml:1)"
    ]
    text = '[[providers]]\nname = "groq-primary"\ntype = "mock"\n'
    assert mistakes_of(tmp_path, text, KEYS) == [
        "environment GROQ_API_KEYS: providers.groq-primary has the name of another provider (cortex.toml:1)"
    ]


def test_what_is_wrong_with_an_entry_is_said_with_its_name_and_line(tmp_path: Path) -> None:
    text = """\
    [[providers]]
    name = "Groq"
    type = "grok"
    [[providers]]
    name = "x"
    type = "mock"
    modles = ["a"]
    priority = true
    models = "a"
    base_url = "https://user:word@host/"
    keys_env = "gsk_canary"
    [providers.limits]
    conect = 3
    [[providers]]
    priority = 1
    """
    mistakes = mistakes_of(tmp_path, text)
    assert mistakes == [
        "cortex.toml:2: providers.1.name must be 1 to 64 of a-z 0-9 _ . - and begin with a letter or a digit",
        (
            "cortex.toml:3: providers.1.type must be one of openai, anthropic, xai, groq, gemini, cohere, "
            "mistral, ollama, openai_compatible, mock, not 'grok'; did you mean groq?"
        ),
        "cortex.toml:7: providers.x.modles is not a setting; did you mean models?",
        "cortex.toml:8: providers.x.priority must be a whole number, not true or false",
        "cortex.toml:9: providers.x.models must be a list of strings, not a string",
        (
            "cortex.toml:10: providers.x.base_url must not carry credentials: "
            "name an environment variable in keys_env"
        ),
        (
            "cortex.toml:11: providers.x.keys_env must be the name of an environment variable "
            "(A-Z 0-9 _), not a key"
        ),
        "cortex.toml:13: providers.x.limits.conect is not a setting; did you mean connect?",
        "cortex.toml:14: providers.3 needs a name",
        "cortex.toml:14: providers.3 needs a type",
    ]
    assert not any("word" in mistake or "canary" in mistake for mistake in mistakes)


@pytest.mark.parametrize(
    "line",
    [
        "api_key = 'sk-canary'",
        "api_keys = ['sk-canary']",
        "key = 'canary'",
        "keys = ['canary']",
        "headers = { Authorization = 'Bearer canary' }",
        "headers = { x-api-key = 'canary' }",
        "headers = { X-Custom = 'Bearer canary' }",
        "options = { api_key = 'canary' }",
        "options = { body = [ { token = 'canary' } ] }",
        "options = { note = 'sk-canary' }",
    ],
)
def test_no_key_is_accepted_in_a_file_in_any_place(tmp_path: Path, line: str) -> None:
    (mistake,) = mistakes_of(tmp_path, f"{GROQ}{line}\n", KEYS)
    assert mistake.startswith("cortex.toml:4: providers.mine.")
    assert "keys are never read from this file; put them into GROQ_API_KEYS" in mistake
    assert "canary" not in mistake


def test_the_gateways_own_headers_are_refused(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, f"{GROQ}headers = {{ Host = 'x', A = 'b\\tc', C = 1 }}\n", KEYS) == [
        "cortex.toml:4: providers.mine.headers must be a table of strings",
        "cortex.toml:4: providers.mine.headers.Host is written by the gateway itself",
    ]


def test_limits_of_a_provider_are_checked_with_those_it_inherits(tmp_path: Path) -> None:
    text = f"[limits]\nfirst_token = 10\n{GROQ}[providers.limits]\nconnect = 12\n"
    assert mistakes_of(tmp_path, text, KEYS) == [
        (
            "cortex.toml:7: providers.mine.limits.connect (12 s) must be below "
            "providers.mine.limits.first_token (10 s)"
        )
    ]


def test_wrong_global_limits_are_reported_once_not_for_every_provider() -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, {**KEYS, "XAI_API_KEY": "k", "CORTEX_LIMITS__CONNECT": "70"})
    assert len(caught.value.mistakes) == 1


def test_an_entry_that_is_no_table_is_refused(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, "providers = [3]\n") == ["cortex.toml:1: providers.1 must be a table"]


def test_the_settings_know_every_secret_there_is() -> None:
    settings = load(None, {"GROQ_API_KEYS": "a,b", "XAI_API_KEY": "c"})
    assert sorted(secret.reveal() for secret in settings.secrets) == ["a", "b", "c"]
