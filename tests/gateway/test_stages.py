"""Stages of a running gateway: made at the start, made anew by a reload, and never half made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cortex_actors.chat import ChatRequest, Message, TextPart
from cortex_actors.errors import InvalidRequest, SettingsError, SettingsRefused
from cortex_actors.gateway import Gateway
from cortex_actors.gateway.audit import Order
from cortex_actors.settings import (
    HealthSettings,
    ProviderSettings,
    Settings,
    StageSettings,
    StreamingSettings,
)
from tests.dispatch.plant import Client

NO_HOLA = StageSettings(
    "no-hola", "deny_patterns", policy="replace", replacement="[…]", options={"patterns": ["Hola"]}
)
ORDER = Order("SIGHUP")
MOCK = ProviderSettings(
    "mock", "mock", model="mock-1", options={"responses": ["Hola, ¿qué tal?"], "chunk_delay": 0.0}
)


def _settings(*stages: StageSettings, names: tuple[str, ...] = ()) -> Settings:
    return Settings(
        health=HealthSettings(interval=0.0),
        providers=(MOCK,),
        stages=stages,
        streaming=StreamingSettings(names),
    )


@pytest.fixture
def said() -> list[Settings]:
    """The settings that a reload finds: the last of them."""
    return [_settings(NO_HOLA)]


@pytest.fixture
def gateway(said: list[Settings]) -> Iterator[Gateway]:
    gateway = Gateway.start(said[-1], read=lambda: said[-1])
    yield gateway
    gateway.stop()


def _answer(gateway: Gateway, *stages: str) -> str:
    request = ChatRequest((Message("user", (TextPart("Hi"),)),), stages=stages)
    return gateway.complete(request, Client()).text


def test_a_request_names_its_stages(gateway: Gateway) -> None:
    assert _answer(gateway) == "Hola, ¿qué tal?"
    assert _answer(gateway, "no-hola") == "[…], ¿qué tal?"
    with pytest.raises(InvalidRequest, match="did you mean no-hola"):
        _answer(gateway, "no-holla")


def test_a_reload_changes_what_answers_pass(gateway: Gateway, said: list[Settings]) -> None:
    said.append(_settings(NO_HOLA, names=("no-hola",)))
    assert gateway.administration.reload(ORDER).settings == ("streaming.stages",)
    assert _answer(gateway) == "[…], ¿qué tal?"
    said.append(_settings())
    assert gateway.administration.reload(ORDER).settings == ("streaming.stages", "stages")
    assert _answer(gateway) == "Hola, ¿qué tal?"


def test_a_reload_with_a_stage_that_cannot_be_made_changes_nothing(
    gateway: Gateway, said: list[Settings]
) -> None:
    said.append(_settings(NO_HOLA, StageSettings("bad", "no_such:f"), names=("no-hola",)))
    with pytest.raises(SettingsRefused, match=r"stages\.bad\.use no_such cannot be imported"):
        gateway.administration.reload(ORDER)
    assert _answer(gateway) == "Hola, ¿qué tal?"


def test_a_gateway_with_a_stage_that_cannot_be_made_does_not_start() -> None:
    with pytest.raises(SettingsError, match=r"stages\.bad\.options\.limit is missing"):
        Gateway.start(_settings(StageSettings("bad", "max_chars")))
