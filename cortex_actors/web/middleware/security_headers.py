"""Headers that make a browser do less with our answers: no sniffing, no framing, no scripts, no referrer.

A handler that serves a page sets its own policy; what it set is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.gateway import Gateway

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def security_headers(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """Adds what an answer does not bring itself."""

    def secured(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            own = {name for name, _ in headers}
            headers.extend(header for header in _HEADERS.items() if header[0] not in own)
            return start_response(status, headers, exc_info)

        return app(environ, start)

    return secured
