"""The Caddyfile, read as text: Caddy itself is not at hand where the tests run."""

from __future__ import annotations

import re

import pytest

from cortex_actors.settings import Limits, ServerSettings
from tests.deploy import CONFIG


@pytest.fixture(scope="module")
def directives() -> list[str]:
    """Its lines, without comments and indentation."""
    lines = (CONFIG / "Caddyfile").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def value(directives: list[str], name: str) -> str:
    (found,) = (line.removeprefix(f"{name} ") for line in directives if line.startswith(f"{name} "))
    return found


def test_every_block_is_closed(directives: list[str]) -> None:
    depth = 0
    for line in directives:
        depth += line.endswith("{") - (line == "}")
        assert depth >= 0
    assert depth == 0


def test_caddy_asks_the_instances_that_nginx_asks(directives: list[str]) -> None:
    nginx = re.findall(r"server (127\.0\.0\.1:\d+)", (CONFIG / "nginx.conf").read_text(encoding="utf-8"))

    assert value(directives, "reverse_proxy").removesuffix(" {").split() == nginx


def test_caddy_hides_what_nginx_hides(directives: list[str]) -> None:
    nginx = re.search(r"location ~ (\S+) \{", (CONFIG / "nginx.conf").read_text(encoding="utf-8"))
    assert nginx is not None
    hidden = value(directives, "@inside path").split()

    assert {path.removesuffix("/*") for path in hidden} == {
        f"/{name}" for name in nginx[1].removeprefix("^/(").partition(")")[0].split("|")
    }
    assert all(re.search(nginx[1], path) for path in hidden)


def test_the_limits_of_caddy_are_those_of_the_gateway_or_wider(directives: list[str]) -> None:
    assert value(directives, "max_size") == f"{ServerSettings().max_body_bytes // 2**20}MiB"
    assert float(value(directives, "response_header_timeout").removesuffix("s")) > Limits().total


def test_a_caller_that_leaves_is_not_kept_from_the_gateway(directives: list[str]) -> None:
    assert not [line for line in directives if line.startswith("flush_interval")]
