"""The context: all that a client brings to an API besides its manifest.

Imports:  auth, headers, limiter, reconnection, retry, semaphores, telemetry, timeouts, url of this package;
resilience; transport.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from cortex_actors.client.auth import Auth, is_auth
from cortex_actors.client.headers import Redactor
from cortex_actors.client.limiter import Limiter
from cortex_actors.client.reconnection import Reconnect
from cortex_actors.client.request import Request
from cortex_actors.client.retry import RetryPolicy
from cortex_actors.client.semaphores import BytesSemaphore, CountingSemaphore
from cortex_actors.client.telemetry import Listener
from cortex_actors.client.timeouts import Timeouts, in_force
from cortex_actors.client.url import is_base
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.transport import Transport

#: The header that tells a server that it has seen a request before.
IDEMPOTENCY_HEADER = "X-Idempotency-Key"

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where, as whom, how patiently, and who watches. An unknown option is a TypeError.

    >>> Context(base_url="https://api.test", timeouts=Timeouts(idle=300)).base_url
    'https://api.test'
    """

    #: In place of the manifest's address.
    base_url: str | None = None
    #: One of the manifest's servers, by name.
    server: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, object] = field(default_factory=dict, repr=False)
    #: Called with each request before it is signed; returns headers to add.
    extra_headers: Callable[[Request], Mapping[str, str]] | None = None
    #: One way to sign in for all endpoints, or one for each name the manifest uses.
    auth: Auth | Mapping[str, Auth] | None = field(default=None, repr=False)
    #: Where credentials are that the manifest names.
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    #: They win over those of the manifest, and those of a call over these.
    timeouts: Timeouts | float | None = None
    #: In place of every policy of the manifest.
    retry: RetryPolicy | None = None
    #: Policies by name, in place of the manifest's of the same name.
    retry_policies: Mapping[str, RetryPolicy] = field(default_factory=dict)
    #: Whether streams that break off are opened again, unless a call says otherwise.
    reconnect: Reconnect | bool = False
    #: In place of the one that keeps the manifest's rate limits.
    limiter: Limiter | None = None
    #: The longest wait for a turn or a place, in seconds.
    longest_wait: float = 60.0
    #: When breakers open; None for no breaker at all, though the manifest names one.
    breaker: BreakerLimits | None = field(default_factory=BreakerLimits)
    #: Places for calls, streams that run among them.
    semaphore: CountingSemaphore | None = None
    #: Bytes of request bodies under way.
    bytes_semaphore: BytesSemaphore | None = None
    telemetry: Sequence[Listener] = ()
    telemetry_metadata: Mapping[str, Any] = field(default_factory=dict)
    #: Whether `start` events carry the request's headers, redacted.
    dump_headers: bool = False
    #: Headers to hide besides those that are always hidden.
    redact_headers: Collection[str] = ()
    #: The last word on what a dump shows.
    redactor: Redactor | None = None
    #: Whether servers are told what machine this is.
    platform_headers: bool = False
    idempotency_header: str = IDEMPOTENCY_HEADER
    #: What `middleware` of the manifest names: each gets the request and returns one, maybe another.
    middleware: Mapping[str, Callable[[Request], Request]] = field(default_factory=dict)
    #: What `transform` of an endpoint names: each gets a payload and returns one.
    transforms: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    #: Whether an answer that does not fit its type is an error.
    strict_answers: bool = False
    #: Whether an event that the manifest does not know is an error.
    strict_events: bool = False
    #: The largest answer that is read whole, and the largest event.
    max_body_bytes: int = 64 * _MEBIBYTE
    max_event_bytes: int = 16 * _MEBIBYTE
    #: The road; None for one that the client makes and closes itself.
    transport: Transport | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        if self.base_url is not None and not is_base(self.base_url):
            raise ValueError("base_url must begin with http:// or https:// and name a host")
        in_force(self.timeouts)  # raises where one of them is no time
        auths = self.auth.values() if isinstance(self.auth, Mapping) else [self.auth]
        if not all(each is None or is_auth(each) for each in auths):
            raise TypeError("auth must be an Auth such as Bearer(token), or a mapping of names to them")

    def having(self, **changes: Any) -> Context:
        """The same context with other options.

        >>> Context(base_url="https://a.test").having(base_url="https://b.test").base_url
        'https://b.test'
        """
        return replace(self, **changes)
