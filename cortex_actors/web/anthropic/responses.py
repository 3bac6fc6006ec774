"""Responses: what an answer of the Messages API carries besides its body, and what an error looks like."""

from __future__ import annotations

from cortex_actors.errors import CortexError
from cortex_actors.web.anthropic.payloads import error_payload
from cortex_actors.web.responses import Header, Response, error_headers, json_response


def error_response(error: CortexError, request_id: str) -> Response:
    """An error under /v1/messages."""
    headers = [*request_id_header(request_id), *error_headers(error)]
    return json_response(error.http_status, error_payload(error, request_id), headers)


def request_id_header(request_id: str) -> list[Header]:
    """The id under the name that Anthropic's clients look for, beside the one all answers have."""
    return [("Request-Id", request_id)]
