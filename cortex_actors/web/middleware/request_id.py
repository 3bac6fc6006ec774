"""Every request has an id: the caller's own if it is harmless, else a fresh one; every answer repeats it.

And it has the settings that are in force when it comes, from here to its end: a reload is for the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.gateway import Gateway
from cortex_actors.web.request import REQUEST_ID, SETTINGS

#: What may go into headers, logs and file names as it is.
_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """Names each request in its environ and in `X-Request-Id`."""

    def identified(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        chosen = given if _HARMLESS.fullmatch(given) else uuid4().hex
        environ[REQUEST_ID] = chosen
        environ[SETTINGS] = gateway.settings

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            headers.append(("X-Request-Id", chosen))
            return start_response(status, headers, exc_info)

        return app(environ, start)

    return identified
