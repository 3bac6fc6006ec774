"""GET /api/providers."""

from __future__ import annotations

import time
from random import Random
from typing import Any

from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.gateway import HealthView
from cortex_actors.resilience.breaker_board import BreakerBoard
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import KeyRing
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


def test_details_tell_of_breakers_and_keys_by_their_ids() -> None:
    ring = KeyRing(["sk-secret-one", "sk-secret-two"], Random(1))
    first, second = (view.id for view in ring.snapshot().keys)
    now = time.monotonic()
    ring.rest(first, now + 60)
    ring.disable(second)
    breakers = BreakerBoard("groq", BreakerLimits(), Random(1))
    breakers.admit("llama", now)
    breakers.force("open", now, "llama")
    gateway = GatewayDouble(
        views=(provider_view("groq", keys=ring.snapshot(), breakers=breakers.snapshot(now)),),
        health_view=HealthView("healthy", (), {"groq": 0.0}, 1.0),
    )
    answer = client_of(gateway).get("/api/providers?detailed=true")
    (told,) = json_of(answer)["providers"]

    assert (told["name"], told["since"], told["key_strategy"]) == (
        "groq",
        "1970-01-01T00:00:00.000Z",
        "round_robin",
    )
    resting, disabled = told["keys"]
    assert (resting["id"], resting["state"], resting["resting_for"]) == (first, "resting", "rate_limit")
    assert 58 < resting["back_in"] <= 60
    assert (disabled["id"], disabled["state"], disabled["back_in"]) == (second, "disabled", None)
    own, model = told["breakers"]
    assert (own["model"], own["state"], own["admits"]) == (None, "closed", True)
    assert (model["model"], model["state"], model["mode"], model["admits"]) == (
        "llama",
        "open",
        "open",
        False,
    )
    assert "secret" not in answer.text
