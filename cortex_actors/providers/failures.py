"""From a refusal to the error it stands for, for every dialect: the class table of upstream outcomes.

    1. a word that names the cause         at any status, except that a 400 is never "slow down"
    2. a sentence, at one status           only where a provider sends no word for it
    3. the status
    4. a word that names a kind            inside a stream, where the status was 200 long ago

A refusal of our credential is told in our own words: a provider may quote the key.

Imports:     errors; refusal, reason_text and retry_after of this package.
Imported by: every dialect.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cortex_actors.errors import (
    KeyRejected,
    ModelMissing,
    QuotaExhausted,
    UpstreamError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
)
from cortex_actors.providers import refusal
from cortex_actors.providers.reason_text import for_callers
from cortex_actors.providers.refusal import Refusal
from cortex_actors.providers.retry_after import retry_after

#: The code of a request that is too long for its model, whatever the provider calls it.
CONTEXT_LENGTH = "context_length_exceeded"

_Kind = type[UpstreamError]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A fragment that decides at one status, in lower case; `code` is the word the provider did not send."""

    status: int
    fragment: str
    kind: _Kind
    code: str | None = None


_CAUSES: tuple[tuple[_Kind, frozenset[str]], ...] = (
    (
        QuotaExhausted,
        frozenset(
            {
                "insufficient_quota",
                "credit_balance_exhausted",
                "organization_spend_limit_exceeded",
                "project_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
                "enforced_spend_limit_reached",
                "billing_hard_limit_reached",
                "billing_not_active",
                "billing_error",
                "payment_required",
                "quota_exceeded",
                "insufficient_balance",
                "insufficient_credits",
            }
        ),
    ),
    (
        KeyRejected,
        frozenset(
            {
                "invalid_api_key",
                "api_key_invalid",
                "incorrect_api_key",
                "expired_api_key",
                "authentication_error",
                "invalid_authentication",
                "unauthenticated",
                "account_deactivated",
            }
        ),
    ),
    (
        ModelMissing,
        frozenset(
            {
                "model_not_found",
                "model_not_active",
                "model_not_available",
                "model_decommissioned",
                "model_terms_required",
                "model_permission_blocked_org",
                "model_permission_blocked_project",
                "deploymentnotfound",
            }
        ),
    ),
    (
        UpstreamRejected,
        frozenset({CONTEXT_LENGTH, "content_policy_violation", "content_filter", "request_too_large"}),
    ),
    (
        UpstreamRateLimited,
        frozenset(
            {
                "rate_limit_exceeded",
                "rate_limit_error",
                "rate_limited",
                "slow_down",
                "too_many_requests",
                "capacity_exceeded",
                "overloaded_error",
                "engine_overloaded",
                "resource_exhausted",
            }
        ),
    ),
)

_SENTENCES = (
    _Sentence(400, "incorrect api key", KeyRejected, "invalid_api_key"),
    _Sentence(400, "invalid api key", KeyRejected, "invalid_api_key"),
    _Sentence(400, "api key not valid", KeyRejected, "invalid_api_key"),
    _Sentence(400, "credit balance is too low", QuotaExhausted, "insufficient_quota"),
    _Sentence(403, "run out of credits", QuotaExhausted, "insufficient_quota"),
    _Sentence(403, "doesn't have any credits", QuotaExhausted, "insufficient_quota"),
    _Sentence(413, "tokens per minute", UpstreamRejected, CONTEXT_LENGTH),
    *(
        _Sentence(status, fragment, UpstreamRejected, CONTEXT_LENGTH)
        for status in (400, 413, 422)
        for fragment in (
            "maximum context length",
            "maximum prompt length",
            "context length exceeded",
            "exceeds the context",
            "exceeds the maximum number of tokens",
            "exceed context limit",
            "prompt is too long",
            "too many tokens",
            "reduce the length of the messages",
        )
    ),
)

_BY_STATUS: Mapping[int, _Kind] = {
    400: UpstreamRejected,
    401: KeyRejected,
    402: QuotaExhausted,
    403: KeyRejected,
    404: ModelMissing,  # the path is ours, so what is not there is the model
    410: ModelMissing,
    413: UpstreamRejected,
    422: UpstreamRejected,
    429: UpstreamRateLimited,
    498: UpstreamRateLimited,  # Groq: the flexible tier has no capacity
    529: UpstreamRateLimited,  # Anthropic: overloaded
}

#: Words that only repeat a status, for errors that come without one.
_KINDS: Mapping[str, _Kind] = {
    "invalid_request_error": UpstreamRejected,
    "invalid_argument": UpstreamRejected,
    "permission_error": KeyRejected,
    "permission_denied": KeyRejected,
    "not_found_error": ModelMissing,
    "not_found": ModelMissing,
}

_OUR_WORDS: Mapping[_Kind, str] = {KeyRejected: "The provider refused our credential."}

#: A wait means nothing for the others: asking again would be answered the same way.
_WAITING_MAY_HELP = (UpstreamRateLimited, QuotaExhausted, UpstreamFailure)


def from_response(
    status: int, headers: Mapping[str, str], body: bytes, *, provider: str, now: float | None = None
) -> UpstreamError:
    """The error that a non-2xx answer stands for; `now` is epoch seconds, for a Retry-After date."""
    said = refusal.from_body(body)
    return _error(said, status, headers, provider, time.time() if now is None else now)


def from_stream(payload: Any, *, provider: str) -> UpstreamError:
    """The error that a payload inside a stream stands for, or the JSON body of a 200."""
    said = refusal.from_payload(payload)
    return _error(said, said.status, {}, provider, now=0.0)


def _error(
    said: Refusal, status: int | None, headers: Mapping[str, str], provider: str, now: float
) -> UpstreamError:
    kind, code = _classify(said, status)
    wait = retry_after(headers, delay=said.delay, message=said.message, now=now)
    return kind(
        _OUR_WORDS.get(kind) or for_callers(said.message) or _nothing_said(status),
        provider=provider,
        upstream_status=status,
        upstream_code=code,
        retry_after=wait if issubclass(kind, _WAITING_MAY_HELP) else None,
    )


def _classify(said: Refusal, status: int | None) -> tuple[_Kind, str | None]:
    of_caller = _BY_STATUS.get(status or 0) is UpstreamRejected
    for kind, words in _CAUSES:
        cause = next((word for word in said.words if word in words), None)
        if cause and not (of_caller and kind is UpstreamRateLimited):
            return kind, cause
    message = said.message.lower()
    for sentence in _SENTENCES:
        if sentence.status == status and sentence.fragment in message:
            return sentence.kind, sentence.code
    if status is not None:
        return _BY_STATUS.get(status, UpstreamFailure), said.code
    kinds = (_KINDS[word] for word in said.words if word in _KINDS)
    return next(kinds, UpstreamFailure), said.code


def _nothing_said(status: int | None) -> str:
    return f"The provider answered {status}." if status else "The provider reported an error."
