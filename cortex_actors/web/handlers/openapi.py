"""The API, described: for programs and for people.

GET /openapi.json    OpenAPI 3.1
GET /docs            the same as a page
"""

from __future__ import annotations

from cortex_actors.web.framing import to_json, utf8
from cortex_actors.web.openapi.document import DOCUMENT
from cortex_actors.web.openapi.page import page
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, bytes_response

_DOCUMENT = utf8(to_json(DOCUMENT))
_PAGE = utf8(page(DOCUMENT))

#: Its styles are its own files; there is nothing else for it to load.
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def openapi(request: Request) -> Response:
    """GET /openapi.json"""
    return bytes_response(200, _DOCUMENT, "application/json")


def docs(request: Request) -> Response:
    """GET /docs"""
    return bytes_response(200, _PAGE, "text/html; charset=utf-8", [("Content-Security-Policy", _POLICY)])
