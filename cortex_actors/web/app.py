"""The application: one table of paths, one handler each, and every failure an honest answer.

    environ -> middleware -> Application -> handler -> Response

What goes wrong on purpose (a `CortexError`) is rendered; what goes wrong by accident is logged with its
request id and answered 500 with nothing of the inside.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.errors import CortexError, InternalError, MethodNotAllowed, NotFound
from cortex_actors.gateway import Gateway
from cortex_actors.web.body import BodyReader
from cortex_actors.web.caller import SocketCaller
from cortex_actors.web.deadlines import ReadDeadlines
from cortex_actors.web.handlers.actors import ACTORS, actor, actors
from cortex_actors.web.handlers.admin import ADMIN, admin
from cortex_actors.web.handlers.anthropic import count_tokens, messages
from cortex_actors.web.handlers.chat import chat, complete
from cortex_actors.web.handlers.dashboard import FILES, dashboard, dashboard_file
from cortex_actors.web.handlers.events import events, feed
from cortex_actors.web.handlers.health import health, livez, readyz, startupz
from cortex_actors.web.handlers.metrics import metrics
from cortex_actors.web.handlers.openai import MODELS, chat_completions, embeddings, model, models
from cortex_actors.web.handlers.openapi import docs, openapi
from cortex_actors.web.handlers.providers import providers
from cortex_actors.web.handlers.root import root
from cortex_actors.web.handlers.streams import STREAMS, cancel, replay
from cortex_actors.web.handlers.streams_view import RUNNING, stream, streams
from cortex_actors.web.middleware import wrapped
from cortex_actors.web.request import REQUEST_ID, TRACE, Handler, Request, settings_of
from cortex_actors.web.responses import Response
from cortex_actors.web.surfaces import error_response

_log = logging.getLogger(__name__)

#: Every path, with its methods; HEAD follows GET, and OPTIONS is answered for all.
ROUTES: Mapping[str, Mapping[str, Handler]] = {
    "/": {"GET": root},
    "/api/actors": {"GET": actors},
    "/api/chat": {"POST": chat},
    "/api/chat/complete": {"POST": complete},
    "/api/dashboard/feed": {"GET": feed},
    "/dashboard": {"GET": dashboard},
    "/dev/dashboard": {"GET": dashboard},
    "/docs": {"GET": docs},
    "/openapi.json": {"GET": openapi},
    "/api/events": {"GET": events},
    "/api/health": {"GET": health},
    "/api/providers": {"GET": providers},
    "/api/streams": {"GET": streams},
    "/livez": {"GET": livez},
    "/readyz": {"GET": readyz},
    "/startupz": {"GET": startupz},
    "/metrics": {"GET": metrics},
    "/v1/chat/completions": {"POST": chat_completions},
    "/v1/embeddings": {"POST": embeddings},
    "/v1/messages": {"POST": messages},
    "/v1/messages/count_tokens": {"POST": count_tokens},
    "/v1/models": {"GET": models},
}

#: Paths that go on with a name of the caller's.
SUBTREES: Mapping[str, Mapping[str, Handler]] = {
    ACTORS: {"GET": actor},
    ADMIN: {"POST": admin, "DELETE": admin},
    FILES: {"GET": dashboard_file},
    MODELS: {"GET": model},
    RUNNING: {"GET": stream},
    STREAMS: {"GET": replay, "DELETE": cancel},
}


def create_app(gateway: Gateway) -> WSGIApplication:
    """The whole front end as one WSGI callable; it follows the settings of the gateway."""
    return wrapped(Application(gateway), gateway)


class Application:
    """The innermost WSGI callable: routes, calls, answers."""

    def __init__(
        self,
        gateway: Gateway,
        routes: Mapping[str, Mapping[str, Handler]] = ROUTES,
    ) -> None:
        self._gateway = gateway
        self._routes = {path: _with_head(methods) for path, methods in routes.items()}
        self._deadlines = ReadDeadlines()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = self._request(environ)
        response = self._answer(request)
        start_response(response.status_line, response.headers)
        return [] if request.method == "HEAD" else response.body

    def _request(self, environ: WSGIEnvironment) -> Request:
        request_id, settings = environ[REQUEST_ID], settings_of(environ)
        server = settings.server
        request = Request(
            environ,
            self._gateway,
            settings,
            BodyReader(server.max_body_bytes, server.body_timeout, self._deadlines),
            request_id,
            SocketCaller(environ, request_id),
        )
        environ[TRACE] = request.trace
        return request

    def _answer(self, request: Request) -> Response:
        try:
            methods = self._methods(request.path)
            handler = methods.get(request.method)
            if handler is not None:
                return handler(request)
            allowed = (*methods, "OPTIONS")
            if request.method == "OPTIONS":
                return Response(204, [], [("Allow", ", ".join(allowed))])
            raise MethodNotAllowed(allowed)
        except CortexError as error:
            return self._failed(request, error)
        except Exception:
            _log.exception("%s failed", request.method, extra={"request_id": request.request_id})
            return self._failed(request, InternalError("Quote the request id when you report this."))

    def _methods(self, path: str) -> Mapping[str, Handler]:
        if path in self._routes:
            return self._routes[path]
        for beginning, methods in SUBTREES.items():
            if path.startswith(beginning):
                return _with_head(methods)
        raise NotFound("There is nothing at this path; GET / lists what there is.")

    def _failed(self, request: Request, error: CortexError) -> Response:
        request.trace.error = error
        request.trace.left = request.caller.gone()
        return error_response(request.path, error, request.request_id)


def _with_head(methods: Mapping[str, Handler]) -> Mapping[str, Handler]:
    return {**methods, "HEAD": methods["GET"]} if "GET" in methods else methods
