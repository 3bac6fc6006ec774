"""A refusal by middleware: before there is a handler, in the shape of the API that was spoken to."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from cortex_actors.errors import CortexError
from cortex_actors.web.request import REQUEST_ID, TRACE, Trace, path_of
from cortex_actors.web.surfaces import error_response


def refuse(error: CortexError, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answers with the error, and leaves it behind for the access log."""
    environ[TRACE] = Trace(error=error)
    response = error_response(path_of(environ), error, environ[REQUEST_ID])
    start_response(response.status_line, response.headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else response.body
