"""The plain sections of the configuration: a frozen dataclass each, fields with default, unit and meaning.

Imports:  keys, texts.
Imported by: model, and through `cortex_actors.settings` by every layer above.

Durations are seconds as floats, sizes are bytes as ints. `config/cortex.toml` is written from these lines.
"""

# ruff: noqa: RUF009  (`setting` declares a dataclass field, it does not share a value)

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cortex_actors.settings import texts
from cortex_actors.settings.keys import seconds, setting

Strategy = Literal[
    "priority_first", "local_first", "round_robin", "least_used", "random", "weighted", "fastest"
]
KeyStrategy = Literal["round_robin", "least_used", "random"]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where callers reach the gateway, and how long anything may wait for them."""

    host: str = setting(
        "127.0.0.1", 'Address to listen on; "0.0.0.0" is every interface.', complaint=texts.host
    )
    port: int = setting(4000, "Port to listen on; 0 takes any free one.", least=0, most=65535)
    own_port: int = setting(
        0, "A second port, on loopback, for this instance alone; 0 for none.", least=0, most=65535
    )
    reuse_port: bool = setting(
        False, "Whether other instances may listen on the same port; the kernel shares connections out."
    )
    peers: tuple[str, ...] = setting(
        (),
        "Addresses at which each instance can be asked alone, for views of all of them.",
        complaint=texts.base_url,
    )
    mode: Literal["threads", "gevent"] = setting(
        "threads", 'How requests run side by side: "threads" or "gevent".'
    )
    max_streams: int = setting(
        1000, "Streams that run at once; one more is answered 503.", least=1, most=100_000
    )
    spare_threads: int = setting(
        16, "Threads beyond the streams, for health answers and refusals.", least=1, most=10_000
    )
    max_followers: int = setting(
        8,
        "Callers that follow events or the dashboard at once, each on a thread beyond those.",
        least=0,
        most=1000,
    )
    max_body_bytes: int = setting(10 * 2**20, "Largest request body.", unit="bytes", least=1, most=2**31 - 1)
    head_timeout: float = seconds(
        10.0, "Time for a request head to arrive, from its first byte; in gevent mode it has keep_alive."
    )
    body_timeout: float = seconds(30.0, "Time for a request body to arrive.")
    write_timeout: float = seconds(30.0, "Time after which a caller that takes nothing is dropped.")
    keep_alive: float = seconds(75.0, "Time an idle connection is kept; 0 closes it at once.", zero=True)
    drain_timeout: float = seconds(30.0, "Time running streams have to finish at shutdown.", zero=True)
    window_bytes: int = setting(
        262_144, "Most that may wait in memory for one slow caller.", unit="bytes", least=1, most=2**31 - 1
    )
    heartbeat: float = seconds(15.0, "Time without a piece of the answer after which a sign of life is sent.")
    caller_check: float = seconds(0.25, "Time between two looks at whether the caller is still there.")
    trusted_proxies: int = setting(
        0,
        "Reverse proxies in front, each of which adds to X-Forwarded-For; 0 believes nobody.",
        least=0,
        most=16,
    )
    pid_file: str = setting("", "File for the process id; empty for none.")


@dataclass(frozen=True, slots=True)
class Limits:
    """The four limits of an attempt, from the inside out; an inner one must stay below an outer one."""

    connect: float = seconds(5.0, "Time to open a connection to the provider.")
    first_token: float = seconds(60.0, "Time from the request to the first piece of the answer.")
    idle: float = seconds(60.0, "Time between two pieces of the answer.")
    total: float = seconds(600.0, "Time from the request to the end of the answer, all attempts together.")


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """In which order providers are tried."""

    strategy: Strategy = setting(
        "priority_first",
        "One of priority_first, local_first, round_robin, least_used, random, weighted, fastest.",
    )


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """The free health probe of each provider; a paid call is never made."""

    interval: float = seconds(30.0, "Time between two probes of one provider; 0 for no probes.", zero=True)
    timeout: float = seconds(5.0, "Time for one probe; an answer after that is a failure.")


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a provider is left alone for a while, and for how long."""

    window: float = seconds(60.0, "Time after which a call is forgotten.")
    minimum_calls: int = setting(5, "Calls in the window below which it never opens.", least=1, most=100_000)
    failure_rate: float = setting(0.5, "Failed calls that open it.", unit="share", above=0, most=1)
    slow_first_token: float = seconds(30.0, "Time to the first token from which a call counts as slow.")
    slow_rate: float = setting(0.8, "Slow calls that open it.", unit="share", above=0, most=1)
    open_for: float = seconds(10.0, "Time it stays open at first; doubles each time a trial call fails.")
    open_max: float = seconds(
        15.0, "Longest time it stays open: a provider that is back must not wait for long."
    )


@dataclass(frozen=True, slots=True)
class KeySettings:
    """How several keys of one provider take turns, and how long a refused one rests."""

    strategy: KeyStrategy = setting("round_robin", "One of round_robin, least_used, random.")
    rest: float = seconds(900.0, "Rest of a key after a rate limit that names no time.", zero=True)
    money_rest: float = seconds(3600.0, "Rest of a key after an answer that wants money.", zero=True)


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Second attempts on the same provider, and attempts altogether."""

    backoff: float = seconds(
        0.25, "Wait before a second attempt on the same provider; doubles, with jitter.", zero=True
    )
    backoff_max: float = seconds(2.0, "Longest wait between two attempts.", zero=True)
    max_retry_after: float = seconds(5.0, "Longest Retry-After that is waited for.", zero=True)
    max_attempts: int = setting(6, "Attempts for one request, all providers together.", least=1, most=100)


@dataclass(frozen=True, slots=True)
class SupervisionSettings:
    """When a crashed actor is started again, when its supervisor gives up, and what counts as hung."""

    max_restarts: int = setting(
        3, "Restarts a supervisor makes within max_seconds before it gives up.", least=0, most=10_000
    )
    max_seconds: float = seconds(5.0, "Period in which max_restarts are counted.")
    backoff_min: float = seconds(1.0, "Wait before the first restart of a provider; doubles.", zero=True)
    backoff_max: float = seconds(60.0, "Longest wait before a restart.", zero=True)
    reset_after: float = seconds(60.0, "Time without a crash after which the earlier ones are forgotten.")
    hang_timeout: float = seconds(
        30.0, "Time with one message after which an actor counts as hung and is replaced."
    )
    max_abandoned: int = setting(
        16, "Threads given up as hung before the process reports itself ill.", least=1, most=10_000
    )
    stall_limit: float = seconds(
        30.0,
        "Time without a beat after which the process ends, all stacks written; 0 for never.",
        zero=True,
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written to standard error, one line a record."""

    level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "One of debug, info, warning, error."
    )
    format: Literal["text", "json"] = setting("text", 'Shape of a line: "text" or "json".')
    access: bool = setting(True, "Whether every request gets a line.")


@dataclass(frozen=True, slots=True)
class CorsSettings:
    """Which web pages may call the gateway from a browser."""

    origins: tuple[str, ...] = setting(
        ("http://localhost:3000", "http://localhost:5173"),
        'Origins that may call; "*" is everyone, an empty list is nobody.',
        complaint=texts.origin,
    )
    methods: tuple[str, ...] = setting(
        ("GET", "HEAD", "POST", "DELETE", "OPTIONS"),
        "Methods that their pages may use.",
        complaint=texts.method,
    )
    headers: tuple[str, ...] = setting(
        ("*", "Authorization", "Content-Type"),
        'Headers that their pages may send; "*" is every one but Authorization.',
        complaint=texts.header_name,
    )
    max_age: float = seconds(600.0, "Time for which a browser may remember this.", zero=True)
