"""What a call can end with instead of its answer.

    APIError
    ├── InvalidCall            the call itself is wrong, nothing was sent; carries every mistake
    ├── MissingCredential      the environment lacks what the manifest wants to sign in with
    ├── HeldBack               our own side did not let it pass, nothing was sent
    │   ├── CircuitOpen            the server failed too often just now
    │   └── LimitReached           no place within the time the caller allows
    ├── ConnectionFailed       no answer began: unreachable, refused, hung up
    ├── TimedOut               one of the four limits passed; says which
    ├── StatusError            the server said no; carries status, headers and body
    │   ├── Redirected    3xx      carries the address
    │   ├── BadRequest    400      ├── AuthenticationFailed 401   ├── PermissionDenied 403
    │   ├── NotFound      404      ├── Conflict             409   ├── Unprocessable    422
    │   ├── RateLimited   429      └── ServerError          5xx
    ├── UnexpectedAnswer       a success that is not what the manifest promises
    ├── StreamInterrupted      a stream broke off; carries the last event id
    ├── Cancelled              somebody called `cancel`
    └── PollFailed             the server gave up on a job
        └── PollExpired            and does not remember it

`retriable` says whether the same call may well succeed a moment later. No message repeats a credential, and
none repeats what was sent.

Imports:  headers of this package.
"""

from __future__ import annotations

from typing import Any, ClassVar

from cortex_actors.client.headers import Headers


class APIError(Exception):
    """When a call does not give its answer; `endpoint` is the id of what was called."""

    #: Whether the same call may well succeed a moment later.
    retriable: bool = False
    #: Seconds the server asked us to wait.
    retry_after: float | None = None

    def __init__(self, message: str, *, endpoint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.endpoint = endpoint

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.message}" if self.endpoint else self.message


class InvalidCall(APIError):
    """When a call cannot be made as it was asked for; `mistakes` are all there are, one a line."""

    def __init__(self, mistakes: tuple[str, ...], *, endpoint: str = "") -> None:
        super().__init__("; ".join(mistakes), endpoint=endpoint)
        self.mistakes = mistakes


class MissingCredential(APIError):
    """When the environment lacks the variable that the manifest names."""


class HeldBack(APIError):
    """When our own side does not let a call pass; nothing was sent."""


class CircuitOpen(HeldBack):
    """When a server failed too often; `retry_after` is how long it is left alone."""

    def __init__(self, name: str, retry_after: float | None, *, endpoint: str = "") -> None:
        super().__init__(f"the circuit {name!r} is open", endpoint=endpoint)
        self.retry_after = retry_after


class LimitReached(HeldBack):
    """When there is no place for a call within the time it may wait."""


class ConnectionFailed(APIError):
    """When no answer began: unreachable, or it hung up; `sent` says that it may have seen the request."""

    retriable = True

    def __init__(self, message: str, *, sent: bool = False, endpoint: str = "") -> None:
        super().__init__(message, endpoint=endpoint)
        self.sent = sent


class TimedOut(APIError):
    """When a limit passed: connect, first_byte, idle or total."""

    retriable = True

    def __init__(self, limit: str, seconds: float, *, endpoint: str = "") -> None:
        super().__init__(f"the {limit} limit of {seconds:g} s passed", endpoint=endpoint)
        self.limit = limit
        self.seconds = seconds


class StatusError(APIError):
    """When a server answers with anything but a 2xx."""

    #: What is said of a body that says nothing itself.
    default_message: ClassVar[str] = "the server refused"

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        headers: Headers | None = None,
        body: bytes = b"",
        data: Any = None,
        endpoint: str = "",
    ) -> None:
        super().__init__(f"{status} {message or self.default_message}", endpoint=endpoint)
        self.status = status
        self.headers = headers or Headers(())
        #: The body as it came, cut at 64 KiB, and what it says as JSON, else None.
        self.body = body
        self.data = data
        #: The manifest's name for this failure, if it has one.
        self.error_type: str | None = None

    @property
    def request_id(self) -> str | None:
        """What the server calls this request, for whoever reports it."""
        return self.headers.get("x-request-id") or self.headers.get("request-id")


class Redirected(StatusError):
    """When the answer is elsewhere; we do not follow, as a credential would go along."""

    default_message = "the answer is elsewhere"

    @property
    def url(self) -> str | None:
        """Where it is."""
        return self.headers.get("location")

    @property
    def expires(self) -> str | None:
        """Until when it is there, as the server wrote it."""
        return self.headers.get("expires")


class BadRequest(StatusError):
    """When the server does not understand the request."""

    default_message = "bad request"


class AuthenticationFailed(StatusError):
    """When the server does not know the credential."""

    default_message = "authentication failed"


class PermissionDenied(StatusError):
    """When the credential is good, but not for this."""

    default_message = "permission denied"


class NotFound(StatusError):
    """When there is nothing at this path."""

    default_message = "not found"


class Conflict(StatusError):
    """When the request does not fit the state that the server is in."""

    default_message = "conflict"


class Unprocessable(StatusError):
    """When the server understands the request and cannot do it."""

    default_message = "unprocessable"


class RateLimited(StatusError):
    """When the server asks us to slow down."""

    default_message = "rate limited"
    retriable = True


class ServerError(StatusError):
    """When the server failed."""

    default_message = "the server failed"
    retriable = True


class UnexpectedAnswer(APIError):
    """When a success is not what the manifest promises: another content type, no JSON, other fields."""


class StreamInterrupted(APIError):
    """When a stream breaks off; the events before it are whole, `last_event_id` is that of the last."""

    retriable = True

    def __init__(self, message: str, *, last_event_id: str = "", endpoint: str = "") -> None:
        super().__init__(message, endpoint=endpoint)
        self.last_event_id = last_event_id


class Cancelled(APIError):
    """When somebody called `cancel`; iterating a stream ends quietly instead."""


class PollFailed(APIError):
    """When the server says that a job failed; `answer` is how it said so."""

    def __init__(self, message: str, answer: Any = None, *, endpoint: str = "") -> None:
        super().__init__(message, endpoint=endpoint)
        self.answer = answer


class PollExpired(PollFailed):
    """When the server no longer remembers a job."""


_BY_STATUS: dict[int, type[StatusError]] = {
    400: BadRequest,
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    422: Unprocessable,
    429: RateLimited,
}


def class_of(status: int) -> type[StatusError]:
    """The error for a status.

    >>> class_of(404).__name__, class_of(418).__name__, class_of(599).__name__, class_of(307).__name__
    ('NotFound', 'StatusError', 'ServerError', 'Redirected')
    """
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return Redirected
    return ServerError if status >= 500 else StatusError
