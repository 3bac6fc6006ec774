"""The seam where exceptions of urllib3, http.client and the sockets become errors of ours.

Messages are for callers: they name neither host nor URL nor header.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Literal

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)

from cortex_actors.errors import (
    MalformedStream,
    TruncatedStream,
    UpstreamConnectError,
    UpstreamError,
    UpstreamTimeout,
)

#: What an exchange can fail with on its way; anything else is a bug. A ValueError is a URL or a header that
#: cannot be sent.
FOREIGN = (HTTPError, HTTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one exchange, in seconds."""

    connect: float
    read: float


_Make = Callable[[Limits], UpstreamError]


def _out_of_reach(message: str) -> _Make:
    return lambda limits: UpstreamConnectError(message)


def _connect_timeout(limits: Limits) -> UpstreamError:
    return UpstreamTimeout("connect", limits.connect)


def _idle_timeout(limits: Limits) -> UpstreamError:
    return UpstreamTimeout("idle", limits.read)


def _malformed(limits: Limits) -> UpstreamError:
    return MalformedStream("The provider's answer is not valid HTTP.")


def _truncated(limits: Limits) -> UpstreamError:
    return TruncatedStream("The provider's answer broke off.")


def _hung_up(limits: Limits) -> UpstreamError:
    error = UpstreamConnectError("The provider hung up before its answer began.")
    error.sent = True
    return error


#: Foreign exception -> ours (before the answer's head is there, inside its body). Most specific first.
_TRANSLATIONS: tuple[tuple[type[Exception], _Make, _Make], ...] = (
    (NameResolutionError, _out_of_reach("The provider's host name could not be resolved."), _truncated),
    (NewConnectionError, _out_of_reach("The provider could not be reached."), _truncated),
    (ConnectTimeoutError, _connect_timeout, _truncated),
    (ReadTimeoutError, _idle_timeout, _idle_timeout),
    (TimeoutError, _idle_timeout, _idle_timeout),
    (ProxyError, _out_of_reach("The proxy to the provider could not be used."), _truncated),
    (ssl.SSLError, _out_of_reach("The TLS handshake with the provider failed."), _truncated),
    (RemoteDisconnected, _hung_up, _truncated),
    (ValueError, _out_of_reach("The request to the provider could not be sent."), _malformed),
    # http.client says IncompleteRead for a missing and for an unreadable chunk size alike.
    (IncompleteRead, _malformed, _truncated),
    (HTTPException, _malformed, _malformed),
    (OSError, _hung_up, _truncated),
    (HTTPError, _malformed, _malformed),
)


def translate(error: Exception, limits: Limits, *, phase: Literal["head", "body"]) -> UpstreamError:
    """Our error for one of `FOREIGN`."""
    cause = _cause(error)
    for foreign, in_head, in_body in _TRANSLATIONS:
        if isinstance(cause, foreign):
            return (in_head if phase == "head" else in_body)(limits)
    raise TypeError(f"{type(cause).__name__} is not a foreign failure") from error


def _cause(error: Exception) -> Exception:
    """What a ProtocolError was wrapped around: its second argument, if it has one."""
    while isinstance(error, ProtocolError) and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    return error
