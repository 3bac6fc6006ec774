"""Middleware: what every request passes on its way in and out, as one visible list.

Belongs here: plain WSGI wrappers `(app, settings) -> app`, one a file. A wrapper never holds back a piece of
a body, and passes `close()` on. May import: `web.request`, `web.caller`, and what lies below `web`.
Imported by: `web.app`.
"""

from __future__ import annotations

from collections.abc import Callable
from wsgiref.types import WSGIApplication

from cortex_actors.settings import Settings
from cortex_actors.web.middleware.access_log import access_log
from cortex_actors.web.middleware.cors import cors
from cortex_actors.web.middleware.request_id import request_id
from cortex_actors.web.middleware.security_headers import security_headers
from cortex_actors.web.middleware.write_timeout import write_timeout

Middleware = Callable[[WSGIApplication, Settings], WSGIApplication]

#: Outermost first.
MIDDLEWARE: tuple[Middleware, ...] = (
    request_id,  # everything after it can name the request
    access_log,  # sees every answer, also those of the middleware below
    write_timeout,  # holds from the first byte to the last
    security_headers,
    cors,  # answers preflights itself: authentication comes after it
)


def wrapped(app: WSGIApplication, settings: Settings) -> WSGIApplication:
    """The application inside all its middleware."""
    for middleware in reversed(MIDDLEWARE):
        app = middleware(app, settings)
    return app
