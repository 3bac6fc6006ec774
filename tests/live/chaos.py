"""The daemon with a back door, for tests alone: kill any actor by name, count what is there.

    POST /_chaos/kill?actor=NAME     200 once the actor was told; 404 when nobody has that name
    POST /_chaos/hang                200 once every actor hangs inside of a message; `?but=PREFIX` spares some
    GET  /_chaos/counts              {"actors": 9, "threads": 30, "names": {"router": "urn:uuid:..."}}

Runs on:   `python -m tests.live.chaos`, and in gevent mode through `python -m gevent.monkey --module`.
Receives:  its settings from CORTEX_CONFIG and the environment, as the real daemon does.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pykka import ActorRegistry

from cortex_actors import logs
from cortex_actors.gateway import Gateway
from cortex_actors.otp.actor import cast, kill
from cortex_actors.settings import load
from cortex_actors.web.server import Server


class Quagmire:
    """A message that no actor gets out of: whoever asks what it is waits for ever, but for its sender."""

    def __init__(self) -> None:
        self._sender = threading.get_ident()

    @property
    def __class__(self) -> type:  # type: ignore[override]
        if threading.get_ident() != self._sender:
            threading.Event().wait()
        return Quagmire


class BackDoor:
    """The application, with a few routes before it."""

    def __init__(self, app: WSGIApplication, gateway: Callable[[], Gateway]) -> None:
        self._app = app
        self._gateway = gateway
        self._routes = {
            "/_chaos/kill": self._kill,
            "/_chaos/hang": self._hang,
            "/_chaos/counts": self._counts,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        route = self._routes.get(environ.get("PATH_INFO", ""))
        if route is None:
            return self._app(environ, start_response)
        status, payload = route(parse_qs(environ.get("QUERY_STRING", "")))
        body = json.dumps(payload).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _kill(self, query: dict[str, list[str]]) -> tuple[str, Any]:
        ref = self._gateway().names.whereis(query["actor"][0])
        if ref is None:
            return "404 Not Found", {}
        kill(ref)
        return "200 OK", {}

    def _hang(self, query: dict[str, list[str]]) -> tuple[str, Any]:
        names, spared = self._gateway().names, tuple(query.get("but", []))
        chosen = [name for name in names.names() if not name.startswith(spared or ("/",))]
        quagmire = Quagmire()
        refs = [ref for name in chosen if (ref := names.whereis(name)) is not None]
        for ref in refs:
            cast(ref, quagmire)
        return "200 OK", {"hung": chosen}

    def _counts(self, query: dict[str, list[str]]) -> tuple[str, Any]:
        names = self._gateway().names
        refs = {name: names.whereis(name) for name in names.names()}
        return "200 OK", {
            "actors": len(ActorRegistry.get_all()),
            "threads": threading.active_count(),
            "names": {name: ref.actor_urn for name, ref in refs.items() if ref is not None},
        }


def main() -> None:
    """Serves like `cortex serve`."""
    settings = load(None, os.environ)
    logs.setup(settings.logs, settings.secrets)

    def gateway() -> Gateway:
        assert server.gateway is not None
        return server.gateway

    server = Server(settings, lambda: load(None, os.environ), wrap=lambda app: BackDoor(app, gateway))
    server.run()


if __name__ == "__main__":
    main()
