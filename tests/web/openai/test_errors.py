"""Every class of error as an OpenAI object, with a true status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cortex_actors.errors import (
    CortexError,
    Forbidden,
    GatewayBusy,
    GatewayDraining,
    InternalError,
    InvalidRequest,
    KeyRejected,
    MalformedStream,
    MethodNotAllowed,
    ModelMissing,
    NotFound,
    NoWorkersAvailable,
    PayloadTooLarge,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    TruncatedStream,
    Unauthorized,
    UnknownModel,
    UnknownProvider,
    UpstreamConnectError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from cortex_actors.web.openai.errors import error_response
from tests.web.gateway_double import ATTEMPT

Row = tuple[CortexError, int, str, str | None, str]

#: The error; its status, type, param and code.
ROWS: list[Row] = [
    (InvalidRequest("x", field="n"), 400, "invalid_request_error", "n", "invalid_request"),
    (Unauthorized("x"), 401, "invalid_request_error", None, "invalid_api_key"),
    (Forbidden("x"), 403, "permission_error", None, "forbidden"),
    (NotFound("x"), 404, "invalid_request_error", None, "not_found"),
    (UnknownModel("x"), 404, "invalid_request_error", "model", "model_not_found"),
    (ModelMissing("x"), 404, "invalid_request_error", "model", "model_not_found"),
    (UnknownProvider("x"), 404, "invalid_request_error", "provider", "provider_not_found"),
    (MethodNotAllowed(("POST",)), 405, "invalid_request_error", None, "method_not_allowed"),
    (RequestTimeout("x"), 408, "invalid_request_error", None, "request_timeout"),
    (PayloadTooLarge("x"), 413, "invalid_request_error", None, "payload_too_large"),
    (RateLimited("x", reset_at=1, retry_after=2), 429, "rate_limit_error", None, "rate_limit_exceeded"),
    (UpstreamRejected("x", upstream_status=422), 422, "invalid_request_error", None, "upstream_rejected"),
    (InternalError(), 500, "server_error", None, "internal_error"),
    (NoWorkersAvailable(), 503, "server_error", None, "no_workers_available"),
    (GatewayBusy("x"), 503, "server_error", None, "gateway_busy"),
    (GatewayDraining("x"), 503, "server_error", None, "gateway_draining"),
    (KeyRejected("x"), 502, "upstream_error", None, "upstream_key_rejected"),
    (UpstreamConnectError("x"), 502, "upstream_error", None, "upstream_connect_error"),
    (UpstreamFailure("x"), 502, "upstream_error", None, "upstream_failure"),
    (MalformedStream("x"), 502, "upstream_error", None, "malformed_stream"),
    (TruncatedStream("x"), 502, "upstream_error", None, "truncated_stream"),
    (QuotaExhausted("x"), 503, "upstream_error", None, "upstream_quota_exhausted"),
    (UpstreamRateLimited("x"), 503, "upstream_error", None, "upstream_rate_limited"),
    (UpstreamTimeout("idle", 3), 504, "upstream_error", None, "idle_timeout"),
]


def told(error: CortexError) -> tuple[int, dict[str, str], Any]:
    response = error_response(error, "r1")
    return response.status, dict(response.headers), json.loads(b"".join(response.body))["error"]


@pytest.mark.parametrize(("error", "status", "type", "param", "code"), ROWS, ids=lambda value: str(value))
def test_an_error_keeps_its_status_and_has_the_four_fields(
    error: CortexError, status: int, type: str, param: str | None, code: str
) -> None:
    assert told(error)[0] == status
    assert told(error)[2] == {
        "message": error.details or error.title,
        "type": type,
        "param": param,
        "code": code,
    }


def test_a_caller_is_told_when_to_come_back() -> None:
    waiting = [row[0] for row in ROWS if row[1] in (429, 503)]

    assert len(waiting) == 6
    for error in waiting:
        assert int(told(error)[1]["Retry-After"]) >= 1


def test_clients_are_told_not_to_repeat_what_would_fail_again() -> None:
    lasting = (KeyRejected("x"), QuotaExhausted("x"), UpstreamTimeout("first_token", 60))

    assert [told(error)[1]["X-Should-Retry"] for error in lasting] == ["false"] * 3
    assert "X-Should-Retry" not in told(UpstreamFailure("x"))[1]
    assert "X-Should-Retry" not in told(UpstreamRateLimited("x"))[1]


def test_the_providers_own_word_for_its_refusal_goes_along() -> None:
    error = UpstreamRejected("Too long.", upstream_status=400, upstream_code="context_length_exceeded")

    assert told(error)[2]["code"] == "context_length_exceeded"


def test_no_other_word_of_a_provider_does() -> None:
    assert told(UpstreamFailure("x", upstream_code="secret"))[2]["code"] == "upstream_failure"


def test_headers_tell_who_was_tried() -> None:
    error = UpstreamFailure("x", provider="groq-primary")
    error.attempts = (ATTEMPT, ATTEMPT)

    headers = told(error)[1]

    assert headers["X-Cortex-Provider"] == "groq-primary"
    assert headers["X-Cortex-Attempts"] == "2"
    assert "X-Cortex-Attempts" not in told(InvalidRequest("x"))[1]
