"""CORS: which web pages may call from a browser, as `[cors] origins` lists them.

A page from elsewhere gets no permission headers, and its browser keeps the answer from it; the request itself
is served, since CORS protects users of browsers and nothing else. Credentials are never allowed: callers
authenticate with a header, not with a cookie.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.settings import Settings

_PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"),
    # The star is every header but the one that carries credentials: SDKs send a dozen of their own.
    ("Access-Control-Allow-Headers", "*, Authorization, Content-Type"),
    ("Access-Control-Max-Age", "600"),
]
_EXPOSED = "*"  # every header of ours, those of a provider's rate limits among them


def cors(app: WSGIApplication, settings: Settings) -> WSGIApplication:
    """Answers preflights, and tells browsers whose pages may read the answers."""
    origins = frozenset(settings.cors.origins)
    if not origins:
        return app

    def shared(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        permission = _permission(environ.get("HTTP_ORIGIN"), origins)
        if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            allowed = any(name == "Access-Control-Allow-Origin" for name, _ in permission)
            start_response("204 No Content", [*permission, *(_PREFLIGHT if allowed else ())])
            return []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            headers.extend(permission)
            if permission and permission[0][0] != "Vary":
                headers.append(("Access-Control-Expose-Headers", _EXPOSED))
            return start_response(status, headers, exc_info)

        return app(environ, start)

    return shared


def _permission(origin: str | None, origins: frozenset[str]) -> list[tuple[str, str]]:
    """The headers that permit this origin; an answer that depends on it says so to caches."""
    if "*" in origins:
        return [("Access-Control-Allow-Origin", "*")]
    if origin in origins:
        return [("Access-Control-Allow-Origin", str(origin)), ("Vary", "Origin")]
    return [("Vary", "Origin")]
