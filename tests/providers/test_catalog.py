"""Every dialect by its name."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.providers.adapter import Adapter
from cortex_actors.providers.catalog import DEFAULT_BASE_URLS, TYPES, create, transport_for
from cortex_actors.providers.mock import MockAdapter
from cortex_actors.transport import UpstreamRequest
from tests.providers.reading import HELLO


def requests_of(adapter: Adapter, key: str) -> list[UpstreamRequest]:
    """Both requests that a dialect makes."""
    probe = adapter.health_request(key=key)
    return [adapter.build_request(HELLO, model="m", key=key), *([probe] if probe else [])]


@pytest.mark.parametrize("type_", TYPES)
def test_a_type_is_known_by_the_name_that_its_dialect_has(type_: str) -> None:
    assert TYPES[type_].type == type_


@pytest.mark.parametrize("type_", DEFAULT_BASE_URLS)
def test_every_provider_can_be_made_from_its_type_alone(type_: str) -> None:
    adapter = create("primary", type_)
    assert isinstance(adapter, TYPES[type_])
    assert adapter.name == "primary"
    assert adapter.capabilities[:2] == ("chat_completion", "streaming")


@pytest.mark.parametrize("type_", DEFAULT_BASE_URLS)
def test_no_dialect_puts_the_key_anywhere_but_in_a_header(type_: str) -> None:
    adapter = create("primary", type_)
    for request in requests_of(adapter, key="canary"):
        assert "canary" not in request.url
        assert b"canary" not in (request.body or b"")
        assert any("canary" in value for value in request.headers.values())


@pytest.mark.parametrize("type_", DEFAULT_BASE_URLS)
def test_every_dialect_goes_where_it_is_told_with_the_headers_it_is_told(type_: str) -> None:
    adapter = create("near", type_, "http://127.0.0.1:9100/v1", {"X-Team": "a"})
    for request in requests_of(adapter, key="k"):
        assert request.url.startswith("http://127.0.0.1:9100/")
        assert request.headers["X-Team"] == "a"


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ({"type": "grok"}, "'groq'"),
        ({"type": "soap"}, "none of"),
        ({"type": "openai_compatible"}, "base_url"),
        ({"type": "openai", "base_url": "api.openai.com"}, "base_url"),
        ({"type": "openai", "base_url": "ftp://h/v1"}, "base_url"),
        ({"type": "openai", "options": {"organisation": "x"}}, "'organization'"),
    ],
)
def test_a_mistake_in_the_settings_is_named(given: dict[str, Any], mistake: str) -> None:
    with pytest.raises(SettingsError) as refused:
        create("primary", **given)
    [said] = refused.value.mistakes
    assert said.startswith("providers.primary.")
    assert mistake in said


def test_only_the_mock_brings_its_own_transport() -> None:
    adapter = create("demo", "mock")
    assert isinstance(adapter, MockAdapter)
    assert transport_for(adapter) is adapter.transport
    assert transport_for(create("near", "ollama")) is None
