"""Errors under /v1, wherever they come from: an OpenAI object, a true status, and what to do next."""

from __future__ import annotations

from cortex_actors.errors import CortexError
from cortex_actors.web.openai.payloads import error_payload
from cortex_actors.web.responses import Response, error_headers, json_response


def error_response(error: CortexError, request_id: str) -> Response:
    """What an error looks like to a client of OpenAI's; the request id is in a header, as it is there."""
    return json_response(error.http_status, error_payload(error), error_headers(error))
