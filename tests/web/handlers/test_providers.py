"""GET /api/providers."""

from __future__ import annotations

from typing import Any

from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.settings import RoutingSettings, Settings
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import GatewayDouble, provider_view


def listing(*views: ProviderView, settings: Settings | None = None) -> Any:
    return json_of(client_of(GatewayDouble(views=views), settings).get("/api/providers"))


def test_providers_are_listed_by_priority_then_name() -> None:
    told = listing(
        provider_view("b", priority=20),
        provider_view("c", priority=10, status="unavailable"),
        provider_view("a", priority=20),
    )

    assert [provider["name"] for provider in told["providers"]] == ["c", "a", "b"]
    assert told["total_count"] == 3
    assert told["healthy_count"] == 2


def test_a_provider_shows_what_its_worker_published() -> None:
    assert listing(provider_view("groq"))["providers"] == [
        {
            "name": "groq",
            "type": "groq",
            "status": "available",
            "priority": 10,
            "models": ["llama-3.1-8b"],
            "capabilities": ["chat_completion", "streaming"],
            "local": False,
            "draining": False,
            "breaker": "closed",
            "in_flight": 0,
            "max_streams": 100,
            "requests": 3,
            "failures": 1,
            "mean_ttft_ms": 250.0,
            "last_error": None,
        }
    ]


def test_a_provider_that_names_no_model_chooses_itself() -> None:
    assert listing(provider_view("x", models=()))["providers"][0]["models"] == ["auto"]


def test_the_strategy_told_is_the_one_configured() -> None:
    settings = Settings(routing=RoutingSettings(strategy="round_robin"))

    assert listing(settings=settings)["default_strategy"] == "round_robin"
