"""CORS: which web pages may call from a browser, as `[cors]` says.

A page from elsewhere gets no permission headers, and its browser keeps the answer from it. Credentials of the
browser are never allowed: callers authenticate with a header, not with a cookie. /api/admin is for no page
but our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.gateway import Gateway
from cortex_actors.settings import CorsSettings
from cortex_actors.web.access import Access, access_to
from cortex_actors.web.request import path_of, settings_of

#: What a page may read of an answer. The star is every header, also those that are named after a provider's;
#: browsers that do not know it yet go by the names.
EXPOSED = ", ".join(
    (
        "*", "X-Request-Id", "Request-Id", "Retry-After", "X-Should-Retry", "Location", "WWW-Authenticate",
        "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
        "X-RateLimit-Limit-Tokens", "X-RateLimit-Remaining-Tokens", "X-RateLimit-Reset-Tokens",
        "X-Cortex-Provider", "X-Cortex-Model", "X-Cortex-Attempts", "X-Cortex-Recoveries",
        "X-Cortex-Overhead-Ms",
        "X-Cortex-Dropped", "X-Cortex-Ignored", "X-Cortex-Stream", "X-Cortex-Resumable",
        "X-Cortex-First-Event", "X-Cortex-Last-Event",
    )
)  # fmt: skip

Header = tuple[str, str]


def cors(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """Answers preflights, and tells browsers whose pages may read the answers."""

    def shared(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        settings = settings_of(environ)
        if not settings.cors.origins or access_to(path_of(environ), settings) is Access.ADMIN:
            return app(environ, start_response)
        permission = _permission(environ.get("HTTP_ORIGIN"), settings.cors.origins)
        allowed = permission[0][0] != "Vary"
        if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            start_response("204 No Content", [*permission, *(_preflight(settings.cors) if allowed else ())])
            return []

        def start(status: str, headers: list[Header], exc_info: Any = None, /) -> Any:
            headers.extend(permission)
            if allowed:
                headers.append(("Access-Control-Expose-Headers", EXPOSED))
            return start_response(status, headers, exc_info)

        return app(environ, start)

    return shared


def _preflight(settings: CorsSettings) -> list[Header]:
    return [
        ("Access-Control-Allow-Methods", ", ".join(settings.methods)),
        ("Access-Control-Allow-Headers", ", ".join(settings.headers)),
        ("Access-Control-Max-Age", str(round(settings.max_age))),
    ]


def _permission(origin: str | None, origins: Sequence[str]) -> list[Header]:
    """The headers that permit this origin; an answer that depends on it says so to caches."""
    if "*" in origins:
        return [("Access-Control-Allow-Origin", "*")]
    if origin in origins:
        return [("Access-Control-Allow-Origin", str(origin)), ("Vary", "Origin")]
    return [("Vary", "Origin")]
