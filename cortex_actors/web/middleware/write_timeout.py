"""A caller that reads nothing is dropped: nothing on its socket may wait longer than `write_timeout`.

Without this a stalled reader holds its stream, and the provider behind it, for as long as it likes: servers
write with no limit of their own. The limit is lifted at the end, since the connection may serve again.
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wsgi import ClosingIterator

from cortex_actors.gateway import Gateway
from cortex_actors.web.caller import client_socket, limit_waiting
from cortex_actors.web.request import settings_of


def write_timeout(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """Limits the socket of each request, where the server shows it."""

    def limited(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        sock = client_socket(environ)
        if sock is None:
            return app(environ, start_response)
        lift = limit_waiting(sock, settings_of(environ).server.write_timeout)
        return ClosingIterator(app(environ, start_response), lift)

    return limited
