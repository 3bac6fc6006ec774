"""This process as JSON: its figures, its rates, and the state that a dashboard shows, made once a second.

Runs on:   the thread of whoever asks. `Snapshots` makes one state for all who ask within a second.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import get_args
from weakref import WeakKeyDictionary, ref

from cortex_actors.gateway import Gateway
from cortex_actors.gateway.process import ProcessView
from cortex_actors.gateway.rates import RateMeter, Rates
from cortex_actors.otp.tree import NodeState, TreeNode
from cortex_actors.web.framing import to_json
from cortex_actors.web.operator.actors import node_payload
from cortex_actors.web.operator.providers import provider_detail_payload
from cortex_actors.web.operator.streams import stream_payload
from cortex_actors.web.payloads import Payload
from cortex_actors.web.responses import timestamp

#: Streams that a dashboard lists.
_MOST_STREAMS = 100

#: How old a state may be that is shown once more, in seconds.
_FRESH = 0.9


def process_payload(view: ProcessView) -> Payload:
    """One process; durations in seconds."""
    return {
        "version": view.version,
        "mode": view.mode,
        "pid": view.pid,
        "uptime": round(view.uptime, 3),
        "threads": view.threads,
        "resident_bytes": view.resident_bytes,
        "beat_age": None if view.beat_age is None else round(view.beat_age, 3),
        "abandoned_threads": view.abandoned_threads,
        "dead_letters": view.dead_letters,
        "draining": view.draining,
        "restarts": view.restarts,
        "followers": view.followers,
    }


def providers_payload(gateway: Gateway) -> list[Payload]:
    """Every provider with its breakers and keys, best first."""
    since = gateway.health().since
    views = sorted(gateway.providers(), key=lambda view: (view.priority, view.name))
    return [provider_detail_payload(view, since.get(view.name)) for view in views]


def rates_payload(meter: RateMeter) -> Payload:
    """The last seconds together, and the last minute second by second."""
    last = meter.last()
    return {
        "window": last.window,
        "requests_per_second": round(last.requests / last.window, 3),
        "errors_per_second": round(last.errors / last.window, 3),
        "tokens_per_second": round(last.tokens / last.window, 3),
        "ttft_p50_ms": _milliseconds(last.ttft_p50),
        "ttft_p95_ms": _milliseconds(last.ttft_p95),
        "ends": dict(last.ends),
        "per_second": [_second_payload(second) for second in meter.per_second()],
    }


def actors_summary(tree: TreeNode) -> Payload:
    """How many actors of the permanent tree there are, by state."""
    counts = Counter(node.state for node in tree.walk())
    return {"total": counts.total()} | {state: counts[state] for state in get_args(NodeState)}


def state_payload(gateway: Gateway) -> Payload:
    """All that a dashboard shows, at this moment."""
    process, live, ready = gateway.process(), gateway.live(), gateway.ready()
    streams = sorted(gateway.running.views(), key=lambda view: (not view.slow, view.started_at))
    return {
        "timestamp": timestamp(),
        "process": process_payload(process),
        "status": gateway.health().status,
        "live": live.ok,
        "ready": ready.ok,
        "problems": list(dict.fromkeys((*live.reasons, *ready.reasons))),
        "warnings": list(ready.notes),
        "tree": node_payload(gateway.tree(temporary=False)),
        "restarts": process.restarts,
        "providers": providers_payload(gateway),
        "streams": {
            "running": len(streams),
            "max": gateway.settings.server.max_streams,
            "listed": [stream_payload(view) for view in streams[:_MOST_STREAMS]],
        },
        "rates": rates_payload(gateway.rates),
        "followers": {"running": gateway.audience.taken, "max": gateway.audience.seats},
    }


class Snapshots:
    """The state of a gateway as text, made at most once a second however many look at it."""

    def __init__(self, make: Callable[[], str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._made_at: float | None = None
        self._text = ""

    def text(self) -> str:
        """The state, no older than a second."""
        with self._lock:
            if self._made_at is None or self._clock() - self._made_at >= _FRESH:
                self._text = self._make()
                self._made_at = self._clock()
            return self._text


_snapshots: WeakKeyDictionary[Gateway, Snapshots] = WeakKeyDictionary()


def snapshots(gateway: Gateway) -> Snapshots:
    """The one of this gateway."""
    return _snapshots.setdefault(gateway, Snapshots(_maker(ref(gateway))))


def _maker(gateway: ref[Gateway]) -> Callable[[], str]:
    def make() -> str:
        alive = gateway()
        return to_json(state_payload(alive)) if alive is not None else "{}"

    return make


def _second_payload(second: Rates) -> Payload:
    return {
        "at": second.at,
        "requests": second.requests,
        "errors": second.errors,
        "tokens": second.tokens,
        "ttft_p50_ms": _milliseconds(second.ttft_p50),
        "ttft_p95_ms": _milliseconds(second.ttft_p95),
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
