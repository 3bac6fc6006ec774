"""Every error of the gateway, in one tree.

    CortexError
    ├── SettingsError               a file, an environment name or a key is wrong
    ├── ClientError            400  the caller's fault
    │   ├── InvalidRequest     400    names the field
    │   │   └── SettingsRefused  400  an operator's settings are wrong; every mistake is named
    │   ├── Unauthorized       401
    │   ├── Forbidden          403
    │   ├── NotFound           404
    │   ├── UnknownModel       404
    │   ├── UnknownProvider    404
    │   ├── MethodNotAllowed   405
    │   ├── NotAcceptable      406
    │   ├── RequestTimeout     408    the body took too long
    │   ├── Conflict           409    it cannot be done to what there is now
    │   ├── EventAhead         409    a stream has not reached the event that it shall go on after
    │   ├── EventsGone         410    events of a stream are not kept any more
    │   ├── PayloadTooLarge    413
    │   ├── RateLimited        429    carries reset_at
    │   └── StreamCancelled      -    the caller ended its stream; told inside of it
    ├── NoWorkersAvailable     503  nobody to try; Retry-After
    ├── GatewayBusy            503  too many streams; Retry-After
    ├── GatewayDraining        503  shutting down; Retry-After
    ├── EndedByOperator        503    an operator ended the stream; Retry-After
    ├── StillUnderWay          504    an actor has not done in time what an operator wants
    ├── JournalUnavailable     503  the journal of other instances cannot be read; Retry-After
    ├── InternalError          500  a bug of ours; says nothing of the inside
    ├── InstanceLost           502  the instance that ran a stream died, and nobody can go on with it
    ├── StageError                  a stage ended the stream; names the stage
    │   ├── StageFailed        500    its function raised
    │   └── ContentRejected    502    it refused what the provider said
    └── UpstreamError          502  the provider's
        ├── UpstreamConnectError 502    refused, reset or unreachable before an answer
        ├── UpstreamTimeout      504    one of the four limits; says which
        ├── UpstreamRejected     4xx    the request itself is refused; the provider's own status
        ├── ModelMissing         404    this provider has no such model
        ├── KeyRejected          502    401 or 403, or what a provider sends in their place
        ├── QuotaExhausted       503    money is needed, waiting does not help
        ├── UpstreamRateLimited  503    wait; may carry retry_after
        ├── UpstreamFailure      502    5xx
        ├── MalformedStream      502    bytes that are not the provider's format
        ├── TruncatedStream      502    the stream ended without its end marker
        ├── ContinuationMismatch 502    the rest of an answer that broke off does not fit its beginning
        └── AttemptCancelled     -      we stopped it ourselves; never shown

An error carries its own answer (`status`, `code`, `headers`); `web/responses.py` renders it and nobody
interprets it. Messages here are written for callers: no key text, no prompt, no upstream address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

#: When to come again after an answer that wants money, in seconds: somebody must pay first.
_MONEY_PAUSE = 3600.0

FailureClass = Literal[
    "caller", "model_missing", "key", "money", "rate_limit", "server", "silence", "cancelled"
]


class CortexError(Exception):
    """When anything goes wrong that we have a name for."""

    status: ClassVar[int] = 500
    #: A stable word for programs.
    code: str = "internal_error"
    #: A few words for people, the `error` field of an answer.
    title: str = "Internal server error"

    def __init__(self, details: str = "") -> None:
        super().__init__(details or self.title)
        self.details = details
        #: The story of the request that ended so, one record an attempt; safe to show.
        self.attempts: tuple[object, ...] = ()

    @property
    def http_status(self) -> int:
        """The status to answer with; a class constant, except where the provider's own is passed on."""
        return self.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Extra response headers that belong to this error."""
        return {}


class SettingsError(CortexError):
    """When the configuration is wrong; carries every mistake found, one a line."""

    code = "settings_error"
    title = "Invalid configuration"

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class InternalError(CortexError):
    """When our own code failed; the caller learns only that, and the request id to ask about."""


class InstanceLost(CortexError):
    """When the instance that ran a stream is gone, and the answer cannot be continued by another."""

    status = 502
    code = "instance_lost"
    title = "Stream interrupted"


class StageError(CortexError):
    """When a stage of the pipeline ends a stream; `stage` is its name in the settings."""

    def __init__(self, stage: str, details: str) -> None:
        super().__init__(details)
        self.stage = stage


class StageFailed(StageError):
    """When the function of a stage raised or returned nonsense; what it raised is for the log alone."""

    code = "stage_failed"
    title = "Stage failed"

    def __init__(self, stage: str, problem: str = "failed") -> None:
        super().__init__(stage, f"The stage {stage} {problem}.")


class ContentRejected(StageError):
    """When a stage refuses what the provider said, and its policy is to stop; `reason` is the stage's own."""

    status = 502
    code = "content_rejected"
    title = "Answer refused"

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(stage, f"The stage {stage} refused the answer: {reason}")
        self.reason = reason


class ClientError(CortexError):
    """When the caller must change something."""

    status = 400
    code = "invalid_request"
    title = "Invalid request"


class InvalidRequest(ClientError):
    """When a field of the request is missing or wrong; `field` is its path, `title` may be more exact."""

    def __init__(self, details: str, *, field: str | None = None, title: str | None = None) -> None:
        super().__init__(details)
        self.field = field
        self.title = title or self.title


class SettingsRefused(InvalidRequest):
    """When settings that an operator wants have mistakes; the old ones stay in force."""

    code = "settings_refused"

    def __init__(self, mistakes: tuple[str, ...], *, field: str | None = None) -> None:
        super().__init__("\n".join(mistakes), field=field, title="Settings refused")
        self.mistakes = mistakes


class Unauthorized(ClientError):
    """When no credential or a wrong one was sent."""

    status = 401
    code = "invalid_api_key"
    title = "Unauthorized"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="cortex"'}


class Forbidden(ClientError):
    """When the credential is good, but not for this."""

    status = 403
    code = "forbidden"
    title = "Forbidden"


class NotFound(ClientError):
    """When there is nothing at this path."""

    status = 404
    code = "not_found"
    title = "Not found"


class UnknownModel(ClientError):
    """When no configured route has the model that was asked for."""

    status = 404
    code = "model_not_found"
    title = "Unknown model"


class UnknownProvider(ClientError):
    """When a request names a provider that is not configured."""

    status = 404
    code = "provider_not_found"
    title = "Unknown provider"


class MethodNotAllowed(ClientError):
    """When the path exists, but not for this method; carries the methods that do."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"Use {' or '.join(allowed)}.")
        self.allowed = allowed

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class NotAcceptable(ClientError):
    """When the caller rules out every form an answer can take."""

    status = 406
    code = "not_acceptable"
    title = "Not acceptable"


class RequestTimeout(ClientError):
    """When a request does not arrive in time."""

    status = 408
    code = "request_timeout"
    title = "Request timeout"


class EventAhead(ClientError):
    """When a stream shall go on after an event that it has not reached."""

    status = 409
    code = "event_ahead"
    title = "The stream is not that far"


class EventsGone(ClientError):
    """When a stream cannot go on where it is asked to, as events are not kept; says which ones still are.

    `first` and `last` are the ids of the oldest and the newest event that are there, "" where none is.
    """

    status = 410
    code = "events_gone"
    title = "Events are gone"

    def __init__(self, details: str, *, first: str = "", last: str = "") -> None:
        super().__init__(details)
        self.first = first
        self.last = last

    @property
    def headers(self) -> Mapping[str, str]:
        return {"X-Cortex-First-Event": self.first, "X-Cortex-Last-Event": self.last} if self.first else {}


class Conflict(ClientError):
    """When an order cannot be obeyed as things are; says why."""

    status = 409
    code = "conflict"
    title = "Refused"


class StreamCancelled(ClientError):
    """When a caller ended its stream itself; whoever reads along is told inside of the stream."""

    code = "stream_cancelled"
    title = "Stream cancelled"


class PayloadTooLarge(ClientError):
    """When a body is over the configured limit."""

    status = 413
    code = "payload_too_large"
    title = "Payload too large"


class RateLimited(ClientError):
    """When a caller sent more than its share; `reset_at` is epoch seconds, `retry_after` is seconds."""

    status = 429
    code = "rate_limit_exceeded"
    title = "Rate limit exceeded"

    def __init__(self, details: str = "", *, reset_at: float, retry_after: float) -> None:
        super().__init__(details)
        self.reset_at = reset_at
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": _whole_seconds(self.retry_after)}


class _Unavailable(CortexError):
    """Shared by the answers that invite the caller to come back."""

    status = 503

    def __init__(self, details: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(details)
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": _whole_seconds(self.retry_after)}


class NoWorkersAvailable(_Unavailable):
    """When no provider can be tried at all."""

    code = "no_workers_available"
    title = "No workers available"

    def __init__(self, details: str = "", *, retry_after: float = 5.0) -> None:
        super().__init__(
            details or "All AI providers are currently unavailable. Please try again later.",
            retry_after=retry_after,
        )


class GatewayBusy(_Unavailable):
    """When as many streams run as may run at once."""

    code = "gateway_busy"
    title = "Too many streams"


class GatewayDraining(_Unavailable):
    """When the gateway is shutting down and takes no new streams."""

    code = "gateway_draining"
    title = "Shutting down"


class JournalUnavailable(_Unavailable):
    """When the journal that instances share does not answer, and so nobody knows the stream asked for."""

    code = "journal_unavailable"
    title = "Journal unavailable"


class EndedByOperator(_Unavailable):
    """When an operator ended the stream."""

    code = "ended_by_operator"
    title = "Ended by an operator"


class StillUnderWay(CortexError):
    """When an actor did not do in time what an operator wants; it may still."""

    status = 504
    code = "admin_timeout"
    title = "No answer from the actor"


class UpstreamError(CortexError):
    """When a provider did not do its part; carries who, its status, and the class that decides what follows.

    The class table (retry, next key, failover, breaker) is keyed by `failure_class`.
    """

    status = 502
    code = "upstream_error"
    title = "Upstream error"
    failure_class: ClassVar[FailureClass] = "server"

    def __init__(
        self,
        details: str = "",
        *,
        provider: str | None = None,
        upstream_status: int | None = None,
        upstream_code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(details)
        self.provider = provider
        self.upstream_status = upstream_status
        self.upstream_code = upstream_code
        self.retry_after = retry_after


class UpstreamConnectError(UpstreamError):
    """When a provider could not be reached, or hung up before its answer began."""

    code = "upstream_connect_error"
    title = "Upstream unreachable"
    #: Whether the provider may have seen the request: it hung up after the connection was made.
    sent: bool = False


class UpstreamTimeout(UpstreamError):
    """When one of the four limits passed; `limit` says which."""

    status = 504
    title = "Upstream timeout"
    failure_class = "silence"

    def __init__(
        self,
        limit: Literal["connect", "first_token", "idle", "total"],
        seconds: float,
        *,
        provider: str | None = None,
    ) -> None:
        super().__init__(f"The {limit} limit of {seconds:g} s passed.", provider=provider)
        self.limit = limit
        self.seconds = seconds
        self.code = f"{limit}_timeout"


class UpstreamRejected(UpstreamError):
    """When a provider refuses the request itself: another provider would refuse it too."""

    status = 400
    code = "upstream_rejected"
    title = "Request refused by the provider"
    failure_class = "caller"

    @property
    def http_status(self) -> int:
        return self.upstream_status if self.upstream_status in (400, 413, 422) else 400


class ModelMissing(UpstreamError):
    """When a provider does not have the model that its route names."""

    status = 404
    code = "model_not_found"
    title = "Unknown model"
    failure_class = "model_missing"


class KeyRejected(UpstreamError):
    """When a provider refuses our credential; its own text is never passed on."""

    code = "upstream_key_rejected"
    title = "Upstream refused our credential"
    failure_class = "key"


class QuotaExhausted(UpstreamError):
    """When a provider wants money: retrying does not help."""

    status = 503
    code = "upstream_quota_exhausted"
    title = "Upstream quota exhausted"
    failure_class = "money"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": _whole_seconds(self.retry_after or _MONEY_PAUSE)}


class UpstreamRateLimited(UpstreamError):
    """When a provider asks us to slow down, or is overloaded."""

    status = 503
    code = "upstream_rate_limited"
    title = "Upstream rate limit"
    failure_class = "rate_limit"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": _whole_seconds(self.retry_after or 1.0)}


class UpstreamFailure(UpstreamError):
    """When a provider answers with a server error, or reports one inside its stream."""

    code = "upstream_failure"


class MalformedStream(UpstreamError):
    """When a provider sends bytes that are not its own format."""

    code = "malformed_stream"
    title = "Malformed upstream stream"


class TruncatedStream(UpstreamError):
    """When a stream ends without the provider's end marker."""

    code = "truncated_stream"
    title = "Upstream stream cut short"


class ContinuationMismatch(UpstreamError):
    """When a provider that was asked for the rest of an answer tells another one.

    Of the caller's class, as nobody is to blame but our question: no breaker counts it.
    """

    code = "continuation_mismatch"
    title = "Continuation does not fit"
    failure_class = "caller"


class AttemptCancelled(UpstreamError):
    """When we ended an attempt ourselves; it never reaches a caller."""

    code = "cancelled"
    title = "Cancelled"
    failure_class = "cancelled"


def _whole_seconds(seconds: float) -> str:
    """Seconds as an HTTP delay: whole, rounded up, at least 1 (RFC 9110, 10.2.3)."""
    return str(max(1, -int(-seconds // 1)))
