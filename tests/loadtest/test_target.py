"""Whom a load test may load."""

from __future__ import annotations

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.loadtest.target import find_target


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4000", "http://localhost:4000/", "127.0.0.1:4000", "http://[::1]:4000"]
)
def test_this_machine_may_be_loaded(url: str) -> None:
    target = find_target(url)

    assert target.port == 4000
    assert target.prefix == ""


def test_a_path_stands_before_that_of_every_request() -> None:
    assert find_target("http://127.0.0.1:4000/gateway/").prefix == "/gateway"


@pytest.mark.parametrize("url", ["http://192.0.2.1:4000", "http://[2001:db8::1]/"])
def test_another_machine_is_loaded_only_by_those_who_say_that_they_may(url: str) -> None:
    with pytest.raises(SettingsError, match="--yes-remote"):
        find_target(url)

    assert find_target(url, remote=True).address in url


@pytest.mark.parametrize("url", ["https://127.0.0.1", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port"])
def test_what_is_no_address_of_a_gateway_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        find_target(url)
