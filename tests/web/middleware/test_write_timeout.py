"""The limit on waiting for a caller's socket."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import replace
from typing import cast
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.test import Client

from cortex_actors.gateway import Gateway
from cortex_actors.settings import ServerSettings, Settings
from cortex_actors.web.middleware.write_timeout import write_timeout
from cortex_actors.web.request import SETTINGS
from tests.web.gateway_double import GatewayDouble

QUICK = Settings(server=replace(ServerSettings(), write_timeout=12.5))
GATEWAY = cast(Gateway, GatewayDouble(QUICK))


def test_the_limit_holds_from_the_first_byte_to_the_last_and_is_then_lifted() -> None:
    ours, theirs = socket.socketpair()
    seen = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(ours.gettimeout())
        start_response("200 OK", [])
        for piece in (b"a", b"b"):
            seen.append(ours.gettimeout())
            yield piece

    with ours, theirs:
        ours.settimeout(None)
        client = Client(write_timeout(app, GATEWAY))
        environ = {"gunicorn.socket": ours, SETTINGS: QUICK}
        client.get("/", environ_overrides=environ, buffered=True)

        assert seen == [12.5, 12.5, 12.5]
        assert ours.gettimeout() is None


def test_a_server_that_shows_no_socket_keeps_its_own_limits() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"served"]

    assert Client(write_timeout(app, GATEWAY)).get("/").data == b"served"
