"""What may stand behind the question mark."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from cortex_actors.settings import Settings
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import GatewayDouble


@pytest.mark.parametrize("path", ["/api/health", "/api/providers"])
def test_details_are_told_to_operators(client: Client, path: str) -> None:
    assert client.get(f"{path}?detailed=true").status_code == 200


def test_a_flood_of_parameters_is_a_400(client: Client) -> None:
    answer = client.get("/api/streams?" + "&".join(f"a{number}=1" for number in range(100)))

    assert answer.status_code == 400


def test_the_last_of_several_values_counts(client: Client) -> None:
    assert client.get("/api/streams?limit=x&limit=1").status_code == 200


def test_a_bare_name_says_yes(client: Client) -> None:
    assert "process" in json_of(client.get("/api/health?detailed"))


def test_settings_of_a_test_have_an_operator() -> None:
    assert client_of(GatewayDouble(), Settings()).get("/api/actors").status_code == 200
