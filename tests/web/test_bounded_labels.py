"""No caller can add a series: the metrics are the same after ten thousand requests of anybody's invention."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from random import Random

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from cortex_actors.gateway import Gateway
from cortex_actors.settings import HealthSettings, ProviderSettings, Secret, Settings, SupervisionSettings
from cortex_actors.web.app import create_app
from tests.web.conftest import WholeClient

REQUESTS = 10_000

#: Those whose answers must come from a provider; each takes a hundred times as long as the others.
CHATS = 1_500


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """Two providers: one takes any model's name, the other refuses everybody."""
    settings = Settings(
        providers=(
            ProviderSettings(name="open", type="mock", options={"chunk_delay": 0.0, "responses": ["Hola"]}),
            ProviderSettings(
                name="shut", type="mock", model="m", options={"status": 400}, keys=(Secret("sk-1"),)
            ),
        ),
        health=HealthSettings(interval=0.0),
        supervision=SupervisionSettings(stall_limit=0.0),
    )
    gateway = Gateway.start(settings)
    yield gateway
    gateway.stop()


@pytest.fixture
def client(gateway: Gateway) -> Client:
    return WholeClient(create_app(gateway))


def series(gateway: Gateway) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every series there is."""
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in text_string_to_metric_families(gateway.metrics_text()[0].decode())
        for sample in family.samples
    }


def stranger(random: Random) -> dict[str, str]:
    """Headers nobody has seen before."""
    return {
        "Authorization": f"Bearer sk-{secrets.token_hex(16)}",
        "X-Request-Id": secrets.token_hex(8),
        "User-Agent": secrets.token_hex(4),
        "traceparent": secrets.token_hex(20),
    }


def a_path(client: Client, random: Random) -> None:
    client.get(f"/{secrets.token_hex(random.randint(1, 20))}/{random.random()}", headers=stranger(random))


def a_model(client: Client, random: Random) -> None:
    provider = random.choice(["open", "shut"])
    body = {"model": f"{provider}/{secrets.token_hex(6)}", "messages": [{"role": "user", "content": "Hi"}]}
    client.post(random.choice(["/api/chat", "/v1/chat/completions"]), json=body, headers=stranger(random))


def an_unknown_name(client: Client, random: Random) -> None:
    body = {
        "provider": secrets.token_hex(4),
        "fallbacks": [secrets.token_hex(4)],
        "messages": [{"role": "user", "content": "Hi"}],
    }
    client.post("/api/chat/complete", json=body, headers=stranger(random))


def a_look(client: Client, random: Random) -> None:
    name = secrets.token_hex(4)
    path = random.choice(
        [f"/api/actors/{name}", f"/api/streams/{name}", f"/api/events?kinds={name}", f"/v1/models/{name}"]
    )
    client.open(path, method=random.choice(["GET", "DELETE", "BREW"]), headers=stranger(random))


KINDS: tuple[Callable[[Client, Random], None], ...] = (a_path, an_unknown_name, a_look)


def test_ten_thousand_requests_of_anybodys_invention_add_no_series(client: Client, gateway: Gateway) -> None:
    random = Random(7)
    for kind in (*KINDS, a_model):
        for _ in range(20):
            kind(client, random)
    before = series(gateway)

    for number in range(REQUESTS):
        kind = a_model if number % (REQUESTS // CHATS) == 0 else random.choice(KINDS)
        kind(client, random)

    assert series(gateway) - before == set()
    assert len(before) < 1000
    assert gateway.running.views() == ()


def test_no_word_of_a_caller_is_in_the_metrics(client: Client, gateway: Gateway) -> None:
    word = secrets.token_hex(8)
    body = {"model": f"open/{word}", "messages": [{"role": "user", "content": word}], "user": word}
    client.post("/api/chat", json=body, headers={"Authorization": f"Bearer {word}", "X-Request-Id": word})
    client.get(f"/{word}?{word}={word}")

    assert word not in gateway.metrics_text()[0].decode()
