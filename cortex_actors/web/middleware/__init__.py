"""Middleware: what every request passes on its way in and out, as one visible list.

Belongs here: plain WSGI wrappers `(app, gateway) -> app`, one a file. A wrapper never holds back a piece of a
body, passes `close()` on, and reads `gateway.settings` anew for each request where a reload may change them.
May import: the rest of `web` except `app`, `handlers` and `server`, and what lies below `web`.
Imported by: `web.app`.
"""

from __future__ import annotations

from collections.abc import Callable
from wsgiref.types import WSGIApplication

from cortex_actors.gateway import Gateway
from cortex_actors.web.middleware.access_log import access_log
from cortex_actors.web.middleware.auth import auth
from cortex_actors.web.middleware.cors import cors
from cortex_actors.web.middleware.host import host
from cortex_actors.web.middleware.rate_limit import rate_limit
from cortex_actors.web.middleware.request_id import request_id
from cortex_actors.web.middleware.security_headers import security_headers
from cortex_actors.web.middleware.write_timeout import write_timeout

Middleware = Callable[[WSGIApplication, Gateway], WSGIApplication]

#: Outermost first.
MIDDLEWARE: tuple[Middleware, ...] = (
    request_id,  # everything after it can name the request
    access_log,  # sees every answer, also those of the middleware below
    write_timeout,  # holds from the first byte to the last
    security_headers,
    cors,  # answers preflights itself, which carry no key; what is refused below may be read by a page too
    host,
    auth,  # everything after it knows who asks
    rate_limit,  # counts what is let in, and nothing that is not
)


def wrapped(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """The application inside all its middleware."""
    for middleware in reversed(MIDDLEWARE):
        app = middleware(app, gateway)
    return app
