"""From refusals to errors: the class table, row by row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cortex_actors.errors import (
    KeyRejected,
    ModelMissing,
    QuotaExhausted,
    UpstreamError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
)
from cortex_actors.providers import failures

CANARY = "sk-proj-canary1234567890"


def classify(status: int, body: Any = None, headers: dict[str, str] | None = None) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failures.from_response(status, headers or {}, raw, provider="p", now=0.0)


def openai_error(code: str | None, type: str = "invalid_request_error", message: str = "No.") -> Any:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UpstreamRejected),
        (413, UpstreamRejected),
        (422, UpstreamRejected),
        (401, KeyRejected),
        (403, KeyRejected),
        (402, QuotaExhausted),
        (404, ModelMissing),
        (410, ModelMissing),
        (429, UpstreamRateLimited),
        (498, UpstreamRateLimited),
        (529, UpstreamRateLimited),
        (301, UpstreamFailure),
        (408, UpstreamFailure),
        (409, UpstreamFailure),
        (424, UpstreamFailure),
        (499, UpstreamFailure),
        (500, UpstreamFailure),
        (502, UpstreamFailure),
        (503, UpstreamFailure),
        (504, UpstreamFailure),
    ],
)
def test_a_status_alone_has_its_class(status: int, kind: type[UpstreamError]) -> None:
    error = classify(status, b"")
    assert type(error) is kind
    assert (error.provider, error.upstream_status) == ("p", status)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (429, openai_error("rate_limit_exceeded", "tokens"), UpstreamRateLimited, "rate_limit_exceeded"),
        (429, openai_error("slow_down"), UpstreamRateLimited, "slow_down"),
        (503, openai_error("slow_down"), UpstreamRateLimited, "slow_down"),
        (429, openai_error("insufficient_quota", "insufficient_quota"), QuotaExhausted, "insufficient_quota"),
        (429, openai_error(None, "insufficient_quota"), QuotaExhausted, "insufficient_quota"),
        (429, openai_error("credit_balance_exhausted"), QuotaExhausted, "credit_balance_exhausted"),
        (
            429,
            openai_error("organization_spend_limit_exceeded"),
            QuotaExhausted,
            "organization_spend_limit_exceeded",
        ),
        (429, openai_error("project_spend_limit_exceeded"), QuotaExhausted, "project_spend_limit_exceeded"),
        (
            429,
            openai_error("organization_usage_limit_exceeded"),
            QuotaExhausted,
            "organization_usage_limit_exceeded",
        ),
        (
            429,
            {"error": {"type": "enforced_spend_limit_reached"}},
            QuotaExhausted,
            "enforced_spend_limit_reached",
        ),
        (403, openai_error("quota_exceeded"), QuotaExhausted, "quota_exceeded"),
        (401, openai_error("invalid_api_key"), KeyRejected, "invalid_api_key"),
        (401, openai_error(None), KeyRejected, "invalid_request_error"),
        (404, openai_error("model_not_found"), ModelMissing, "model_not_found"),
        (403, openai_error("model_not_found"), ModelMissing, "model_not_found"),
        (400, openai_error("model_decommissioned"), ModelMissing, "model_decommissioned"),
        (400, openai_error("context_length_exceeded"), UpstreamRejected, "context_length_exceeded"),
        (400, openai_error("content_policy_violation"), UpstreamRejected, "content_policy_violation"),
        (403, openai_error("content_filter"), UpstreamRejected, "content_filter"),
        (400, openai_error("rate_limit_exceeded"), UpstreamRejected, "rate_limit_exceeded"),
        (
            413,
            openai_error(
                "rate_limit_exceeded", "tokens", "Request too large on tokens per minute (TPM): 6000"
            ),
            UpstreamRejected,
            "context_length_exceeded",
        ),
        (498, openai_error(None, "capacity_exceeded"), UpstreamRateLimited, "capacity_exceeded"),
        (
            400,
            {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: sk***YA."},
            KeyRejected,
            "invalid_api_key",
        ),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "API key not valid.",
                    "status": "INVALID_ARGUMENT",
                    "details": [{"reason": "API_KEY_INVALID"}],
                }
            },
            KeyRejected,
            "api_key_invalid",
        ),
        (
            400,
            {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "Your credit balance is too low"},
            },
            QuotaExhausted,
            "insufficient_quota",
        ),
        (
            529,
            {"type": "error", "error": {"type": "overloaded_error"}},
            UpstreamRateLimited,
            "overloaded_error",
        ),
        (
            429,
            {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"},
            UpstreamRateLimited,
            "rate_limited",
        ),
        (
            429,
            [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}],
            UpstreamRateLimited,
            "resource_exhausted",
        ),
        (401, {"detail": "Unauthorized"}, KeyRejected, None),
        (404, {"error": "model 'x' not found"}, ModelMissing, None),
    ],
)
def test_a_word_is_more_exact_than_a_status(
    status: int, body: Any, kind: type[UpstreamError], code: str | None
) -> None:
    error = classify(status, body)
    assert type(error) is kind
    assert error.upstream_code == code


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "too many tokens: total number of tokens in the prompt exceeds the limit",
        "The input token count (9) exceeds the maximum number of tokens allowed (8).",
        "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        "Please reduce the length of the messages or completion.",
    ],
)
def test_a_request_that_is_too_long_has_one_code_whatever_a_provider_calls_it(message: str) -> None:
    error = classify(400, {"error": {"message": message, "type": "BadRequestError", "code": 400}})
    assert isinstance(error, UpstreamRejected)
    assert error.upstream_code == failures.CONTEXT_LENGTH


@pytest.mark.parametrize("status", [400, 413, 422])
def test_the_callers_mistake_keeps_its_status_and_its_reason(status: int) -> None:
    error = classify(status, openai_error("bad_field", message="`temperature` is too high."))
    assert error.http_status == status
    assert error.details == "`temperature` is too high."


def test_a_refused_key_is_told_in_our_own_words() -> None:
    for status, body in (
        (401, openai_error(None, message=f"Bad key {CANARY}")),
        (403, f"No {CANARY}".encode()),
    ):
        error = classify(status, body)
        assert error.details == "The provider refused our credential."
        assert "canary" not in repr(vars(error))


def test_a_key_in_any_other_reason_is_hidden() -> None:
    assert "canary" not in str(classify(500, openai_error(None, message=f"Cannot bill {CANARY}")))


def test_what_a_caller_sent_is_not_repeated_to_it() -> None:
    detail = [{"loc": ["body", "messages", 0], "msg": "Bad role", "type": "enum", "input": "my prompt"}]
    assert classify(422, {"detail": detail}).details == "body.messages.0: Bad role"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b'{"error": {}}',
        b'{"error": {"message": null}}',
        b'{"cut": "off',
        b"[" * 9999,
    ],
)
def test_without_a_reason_the_status_is_the_reason(body: bytes) -> None:
    assert classify(500, body).details == "The provider answered 500."


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html><head><title>502 Bad Gateway</title></head><hr>nginx</html>", "502 Bad Gateway nginx"),
        (b"upstream connect error", "upstream connect error"),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
        (b'"Not here"', "Not here"),
        ({"message": "invalid api token"}, "invalid api token"),
        ({"detail": "Overworked"}, "Overworked"),
        ({"error": {"message": "Line\none\x00"}}, "Line one"),
        ({"error": {"message": ["odd"], "detail": 7}, "message": "outer"}, "outer"),
    ],
)
def test_reasons_are_found_in_their_usual_places(body: Any, reason: str) -> None:
    assert classify(500, body).details == reason


def test_a_code_that_is_a_sentence_is_no_code() -> None:
    assert classify(500, {"error": {"code": "Client said a thing", "message": "x"}}).upstream_code is None


@pytest.mark.parametrize(
    ("status", "wait"), [(429, 2.0), (503, 2.0), (402, 2.0), (400, None), (401, None), (404, None)]
)
def test_a_wait_is_kept_only_where_waiting_may_help(status: int, wait: float | None) -> None:
    assert classify(status, b"", {"Retry-After": "2"}).retry_after == wait


def test_a_wait_is_found_in_the_body_too() -> None:
    quota = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
    assert classify(429, {"error": {"details": [{"@type": "QuotaFailure"}, quota]}}).retry_after == 34.0
    assert classify(429, openai_error(None, message="Please try again in 5.289s.")).retry_after == 5.289


def test_a_date_to_wait_for_is_measured_against_the_clock() -> None:
    date = {"Retry-After": "Thu, 01 Jan 1970 00:01:00 GMT"}
    assert failures.from_response(429, date, b"", provider="p", now=50.0).retry_after == 10.0
    assert failures.from_response(429, date, b"", provider="p").retry_after == 0.0


@pytest.mark.parametrize(
    ("payload", "kind", "status"),
    [
        ({"error": {"message": "x", "type": "server_error"}}, UpstreamFailure, None),
        ({"error": "x"}, UpstreamFailure, None),
        ("x", UpstreamFailure, None),
        (None, UpstreamFailure, None),
        ({"error": {"code": 429}}, UpstreamRateLimited, 429),
        ({"error": {"code": "429"}}, UpstreamRateLimited, 429),
        ({"error": {"status_code": 400, "code": "tool_use_failed"}}, UpstreamRejected, 400),
        ({"object": "error", "message": "x", "code": 404}, ModelMissing, 404),
        ({"error": {"code": 7}}, UpstreamFailure, None),
        ({"type": "error", "error": {"type": "overloaded_error"}}, UpstreamRateLimited, None),
        ({"error": {"type": "invalid_request_error"}}, UpstreamRejected, None),
        ({"error": {"type": "permission_error"}}, KeyRejected, None),
        ({"error": {"type": "not_found_error"}}, ModelMissing, None),
        ({"error": {"code": "context_length_exceeded"}}, UpstreamRejected, None),
        ({"error": {"code": "insufficient_quota"}}, QuotaExhausted, None),
    ],
)
def test_an_error_inside_a_stream_has_its_class_without_a_status(
    payload: Any, kind: type[UpstreamError], status: int | None
) -> None:
    error = failures.from_stream(payload, provider="p")
    assert type(error) is kind
    assert (error.provider, error.upstream_status) == ("p", status)
