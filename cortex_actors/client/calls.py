"""The way of a call: retry around rate limit around breaker around one attempt.

    run        until an attempt succeeds, or its policy gives up
    _admitted  a turn under the rate limit, a permit of the breaker
    _attempt   one exchange; anything but a 2xx is raised

Runs on:   the caller's thread, which waits in the pauses as well.
Imports:   most of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from cortex_actors.client.attempt import Attempt
from cortex_actors.client.breakers import Breakers, Permit
from cortex_actors.client.call_options import CallOptions
from cortex_actors.client.context import Context
from cortex_actors.client.errors import APIError, Cancelled, RateLimited
from cortex_actors.client.limiter import Limiter
from cortex_actors.client.manifest.codec import Codec
from cortex_actors.client.manifest.model import Endpoint
from cortex_actors.client.refusals import refusal
from cortex_actors.client.request import Request
from cortex_actors.client.request_builder import RequestBuilder
from cortex_actors.client.retry import RetryPolicy
from cortex_actors.client.telemetry import Telemetry
from cortex_actors.client.timeouts import Limits
from cortex_actors.transport import Transport

Result = TypeVar("Result")

#: How long a rate limit is held after a 429 that names no time, in seconds.
_HOLD = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, ready to be made."""

    endpoint: Endpoint
    request: Request
    options: CallOptions
    limits: Limits
    policy: RetryPolicy
    #: What its telemetry is called.
    topic: str
    #: When it began, and when it must be over.
    began: float
    due: float | None
    #: Told of every attempt before it is opened, so that somebody can cancel it.
    begun: Callable[[Attempt], None] = lambda attempt: None

    def behind(self, last_event_id: str) -> Call:
        """The same call, to go on behind an event."""
        if not last_event_id:
            return self
        # Header values are bytes; an id may hold any character (HTML 9.2.3).
        value = last_event_id.encode().decode("latin-1")
        return replace(self, request=self.request.with_headers({"Last-Event-ID": value}))


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt whose answer has begun, and what it passed with."""

    attempt: Attempt
    permit: Permit | None
    #: Attempts before this one.
    retries: int

    def ended(self, error: APIError | None) -> None:
        """When the answer is over."""
        if self.permit is not None:
            self.permit.ended(error)


class CallRunner:
    """Makes the calls of one client."""

    def __init__(
        self,
        *,
        context: Context,
        transport: Transport,
        builder: RequestBuilder,
        codec: Codec,
        telemetry: Telemetry,
        limiter: Limiter,
        breakers: Breakers | None,
    ) -> None:
        self._context = context
        self._transport = transport
        self._builder = builder
        self._codec = codec
        self._telemetry = telemetry
        self._limiter = limiter
        self._breakers = breakers

    def run(self, call: Call, use: Callable[[Opened], Result]) -> Result:
        """What `use` makes of the first attempt that succeeds; raises the error of the last one."""
        number = 1
        while True:
            try:
                return self._attempt(call, number, use)
            except APIError as error:
                pause = self._pause(call, number, error)
                if pause is None:
                    raise
                self._telemetry.emit(
                    f"{call.topic}.retry",
                    {"attempt": number, "pause": pause},
                    endpoint_id=call.endpoint.id,
                    reason=error.message,
                )
            self._context.sleep(pause)
            number += 1

    def _pause(self, call: Call, number: int, error: APIError) -> float | None:
        now = self._context.clock()
        pause = call.policy.pause(
            error,
            attempt=number,
            elapsed=now - call.began,
            harmless=call.request.harmless,
            random=self._context.random,
        )
        if pause is not None and call.due is not None and now + pause >= call.due:
            return None
        return pause

    def _attempt(self, call: Call, number: int, use: Callable[[Opened], Result]) -> Result:
        permit = self._admitted(call.endpoint)
        attempt: Attempt | None = None
        try:
            attempt = Attempt(
                self._transport, self._signed(call, number), call.limits, call.due, self._context.clock
            )
            call.begun(attempt)
            attempt.open()
            if not 200 <= attempt.status < 300:
                raise refusal(attempt, call.endpoint, self._codec)
            if permit is not None:
                permit.connected()
            self._telemetry.emit(
                f"{call.topic}.connected",
                {"duration": self._context.clock() - call.began},
                endpoint_id=call.endpoint.id,
                status=attempt.status,
            )
            return use(Opened(attempt, permit, number - 1))
        except BaseException as error:
            if attempt is not None:
                attempt.close()
            if permit is not None:
                permit.ended(error if isinstance(error, APIError) else Cancelled("interrupted"))
            self._hold(call.endpoint, error)
            raise

    def _admitted(self, endpoint: Endpoint) -> Permit | None:
        if endpoint.rate_limit is not None:
            self._limiter.acquire(endpoint.rate_limit, self._context.longest_wait)
        if endpoint.circuit_breaker is not None and self._breakers is not None:
            return self._breakers.enter(endpoint.circuit_breaker)
        return None

    def _signed(self, call: Call, number: int) -> Request:
        return self._builder.sign(
            call.request,
            call.endpoint,
            call.options,
            retries=number - 1,
            silence=max(call.limits.first_byte, call.limits.idle),
        )

    def _hold(self, endpoint: Endpoint, error: BaseException) -> None:
        """A server that asks us to slow down is obeyed by all calls under that limit."""
        if isinstance(error, RateLimited) and endpoint.rate_limit is not None:
            self._limiter.hold(endpoint.rate_limit, error.retry_after or _HOLD)
