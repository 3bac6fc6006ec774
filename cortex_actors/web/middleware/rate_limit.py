"""Rate limits: a caller that asks for more than its share hears when to come again.

Counted is every request that asks for something; GET and HEAD only show where the caller stands. A key has
its own quota, anybody else that of [rate_limits] for its address; the admin has none.

    X-RateLimit-Limit, -Remaining, -Reset            requests a minute, those left, when there is one more
    X-RateLimit-Limit-Tokens, -Remaining-, -Reset-   the same of tokens, where they are limited
    Retry-After                                      with a 429

Resets are epoch seconds. The limiter is asked when a request begins and told when it is over; an answer that
runs is only wrapped where tokens or streams are limited, and never waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from math import ceil
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.errors import RateLimited
from cortex_actors.gateway import Gateway
from cortex_actors.rate_limits import NO_QUOTA, Kind, Quota, Standing, Window
from cortex_actors.settings import Settings
from cortex_actors.web.access import Access, access_to
from cortex_actors.web.address import bucket, client_address, is_this_machine
from cortex_actors.web.identity import identity_of
from cortex_actors.web.refusal import refuse
from cortex_actors.web.request import path_of, settings_of
from cortex_actors.web.till import BYTES_PER_TOKEN, MeteredBody, Till

Header = tuple[str, str]

_UNCOUNTED = frozenset({"GET", "HEAD", "OPTIONS"})

#: When a caller with too many requests at once should try again, in seconds: nobody knows when one ends.
_SOON = 1.0

_TOO_MANY: dict[Kind, str] = {
    "requests": "More than {} requests in a minute.",
    "tokens": "More than {} tokens in a minute.",
    "streams": "More than {} requests at once.",
}


def rate_limit(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """Lets each caller in as often as it may, and says where it stands."""
    limiter = gateway.limiter
    till = Till(limiter)

    def limited(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        settings = settings_of(environ)
        quota = _quota(environ, settings)
        if not quota or access_to(path_of(environ), settings) is not Access.CALLER:
            return app(environ, start_response)
        till.settle()
        who = _who(environ, settings)
        if environ["REQUEST_METHOD"] in _UNCOUNTED:
            return app(environ, _telling(start_response, limiter.look(who, quota)))
        size = _size(environ)
        entry = limiter.enter(who, quota, size // BYTES_PER_TOKEN)
        tell = _telling(start_response, entry.standing)
        if entry.standing.refused:
            return refuse(_refusal(entry.standing, quota), environ, tell)
        if not (quota.tokens or quota.streams):
            return app(environ, tell)
        try:
            return MeteredBody(app(environ, tell), entry, till, environ, size)
        except BaseException:
            limiter.leave(entry, 0)
            raise

    return limited


def _quota(environ: WSGIEnvironment, settings: Settings) -> Quota:
    identity = identity_of(environ)
    if identity.kind != "anonymous":
        return identity.quota
    if not settings.rate_limits.local and is_this_machine(environ):
        return NO_QUOTA
    said = settings.rate_limits
    return Quota(said.requests_per_minute, said.tokens_per_minute, said.streams)


def _who(environ: WSGIEnvironment, settings: Settings) -> str:
    identity = identity_of(environ)
    if identity.kind != "anonymous":
        return f"key:{identity.fingerprint}"
    return f"address:{bucket(client_address(environ, settings.server.trusted_proxies))}"


def _size(environ: WSGIEnvironment) -> int:
    text = environ.get("CONTENT_LENGTH") or ""
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _telling(start_response: StartResponse, standing: Standing) -> StartResponse:
    """Adds where the caller stands to whatever is answered."""
    told = [*_window_headers("", standing.requests), *_window_headers("-Tokens", standing.tokens)]

    def start(status: str, headers: list[Header], exc_info: Any = None, /) -> Any:
        headers.extend(told)
        return start_response(status, headers, exc_info)

    return start


def _window_headers(of: str, window: Window | None) -> list[Header]:
    if window is None:
        return []
    return [
        (f"X-RateLimit-Limit{of}", str(window.limit)),
        (f"X-RateLimit-Remaining{of}", str(max(0, window.remaining))),
        (f"X-RateLimit-Reset{of}", str(ceil(window.reset_at))),
    ]


def _refusal(standing: Standing, quota: Quota) -> RateLimited:
    assert standing.refused is not None
    now = time.time()
    window = {"requests": standing.requests, "tokens": standing.tokens, "streams": None}[standing.refused]
    reset_at = window.reset_at if window else now + _SOON
    details = _TOO_MANY[standing.refused].format(getattr(quota, standing.refused))
    return RateLimited(details, reset_at=round(reset_at, 3), retry_after=max(0.0, reset_at - now))
