"""What the tests of the web layer share: a scripted gateway, and the real application in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast
from wsgiref.types import WSGIApplication

import pytest
from werkzeug.test import Client, TestResponse

from cortex_actors.gateway import Gateway
from cortex_actors.settings import Settings
from cortex_actors.web.app import create_app
from tests.web.gateway_double import GatewayDouble
from tests.web.live_app import LiveApp

Serve = Callable[..., LiveApp]


@pytest.fixture
def gateway() -> GatewayDouble:
    return GatewayDouble()


@pytest.fixture
def client(gateway: GatewayDouble) -> Client:
    return client_of(gateway)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts applications on real sockets; they are stopped after the test."""
    with ExitStack() as stack:
        yield lambda gateway: stack.enter_context(LiveApp(application(gateway)))


class WholeClient(Client):
    """Reads and closes every answer, as a server does, unless a test says otherwise."""

    def open(self, *args: Any, buffered: bool = True, **options: Any) -> TestResponse:
        return super().open(*args, buffered=buffered, **options)


def client_of(gateway: GatewayDouble, settings: Settings | None = None) -> Client:
    return WholeClient(application(gateway, settings))


def application(gateway: GatewayDouble, settings: Settings | None = None) -> WSGIApplication:
    gateway.settings = settings or gateway.settings
    return create_app(cast(Gateway, gateway))


def json_of(answer: TestResponse) -> Any:
    """The JSON that an answer is."""
    return answer.get_json()
