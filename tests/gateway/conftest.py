"""Gateways that are stopped before their upstreams are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cortex_actors.gateway import Gateway
from cortex_actors.settings import ProviderSettings
from tests.dispatch.plant import provider
from tests.gateway.plants import Run, Source, quiet
from tests.upstream import ScriptedUpstream


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def spare() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def start(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Iterator[Run]:
    """Starts gateways, each with what it reads its settings from."""
    started: list[Gateway] = []

    def start(*providers: ProviderSettings, **sections: Any) -> tuple[Gateway, Source]:
        source = Source(quiet(*providers, **sections))
        started.append(Gateway.start(source.read(), read=source.read))
        return started[-1], source

    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture
def gateway(start: Run, upstream: ScriptedUpstream) -> Gateway:
    """One provider."""
    return start(provider("one", upstream.url))[0]
