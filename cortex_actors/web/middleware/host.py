"""A request of HTTP/1.1 names one host, or it is none (RFC 9112, 3.2); no server below insists on it.

What it names is believed by nobody: no link, no redirect and no authority is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.errors import InvalidRequest
from cortex_actors.gateway import Gateway
from cortex_actors.web.refusal import refuse

_HOST = re.compile(r"([A-Za-z0-9._~%-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{0,5})?")


def host(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """Refuses a request without a host, and one whose host is none."""

    def named(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        said = environ.get("HTTP_HOST")
        if said is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
            return refuse(InvalidRequest("Is missing.", field="Host"), environ, start_response)
        if said is not None and not _HOST.fullmatch(said):
            return refuse(
                InvalidRequest("Must be one name or address.", field="Host"), environ, start_response
            )
        return app(environ, start_response)

    return named
