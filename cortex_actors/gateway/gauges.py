"""Figures that the gateway keeps anyway, as metrics: read when somebody scrapes, from what is published.

Runs on:   the thread of whoever scrapes. No actor is asked.

Labels are names of the settings (providers, places in the tree) and words of our own.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import get_args

from cortex_actors import __version__
from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.gateway.parts import Parts
from cortex_actors.gateway.resumable import Resumables
from cortex_actors.metrics import Metrics
from cortex_actors.metrics.scraped import Reading
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.tree import NodeState, TreeNode
from cortex_actors.resilience.breaker_states import BreakerState
from cortex_actors.resilience.key_ring import KeyState
from cortex_actors.resilience.provider_status import ProviderStatus

#: The permanent part of the tree.
Tree = Callable[[], TreeNode]


def publish(parts: Parts, tree: Tree, draining: Callable[[], bool]) -> None:
    """Registers the figures of a gateway with its metrics."""
    _of_process(parts, draining)
    _of_providers(parts)
    _of_actors(parts, tree)


def publish_journal(metrics: Metrics, resumable: Resumables) -> None:
    """Registers the figures of resumable streams."""
    metrics.gauge(
        "cortex_journal_streams", "Streams that can be resumed here, over or not.", lambda: resumable.streams
    )
    metrics.gauge("cortex_journal_bytes", "What their journals hold.", lambda: resumable.size)
    metrics.gauge(
        "cortex_journal_redis_lost",
        "1 while other instances cannot resume them because Redis is lost.",
        lambda: resumable.lost,
    )
    metrics.counters(
        "cortex_streams_resumed",
        "How often callers came back to a stream, by where it was found.",
        ("found",),
        lambda: [((found,), number) for found, number in resumable.resumed.items()],
    )


def _of_process(parts: Parts, draining: Callable[[], bool]) -> None:
    metrics, server = parts.metrics, parts.settings.server
    metrics.gauges(
        "cortex_build_info",
        "Always 1; the version and how requests run side by side.",
        ("version", "mode"),
        lambda: [((__version__, server.mode), 1)],
    )
    metrics.gauge("cortex_streams_running", "Streams that run now.", lambda: parts.dispatchers.count)
    metrics.gauge("cortex_streams_limit", "Streams that may run at once.", lambda: server.max_streams)
    metrics.gauge("cortex_followers", "Callers that follow events now.", lambda: parts.audience.taken)
    metrics.gauge("cortex_draining", "1 while no new streams are taken.", draining)
    metrics.counters(
        "cortex_events",
        "What happened, by kind.",
        ("kind",),
        lambda: [((kind,), number) for kind, number in parts.events.counts.items()],
    )


def _of_providers(parts: Parts) -> None:
    def gauges(name: str, what: str, label: str, read: Callable[[ProviderView], Iterable[Reading]]) -> None:
        def readings() -> Iterator[Reading]:
            for view in parts.board.views():
                for labels, value in read(view):
                    yield (view.name, *labels), value

        parts.metrics.gauges(name, what, ("provider", label) if label else ("provider",), readings)

    gauges(
        "cortex_provider_streams_running", "Streams on a provider.", "", lambda view: [((), view.in_flight)]
    )
    gauges("cortex_provider_streams_limit", "Most streams on it.", "", lambda view: [((), view.max_streams)])
    gauges("cortex_provider_draining", "1 while it takes none.", "", lambda view: [((), view.draining)])
    gauges(
        "cortex_provider_status",
        "1 for the status that a provider has.",
        "status",
        lambda view: [((status,), status == view.status) for status in get_args(ProviderStatus)],
    )
    gauges(
        "cortex_breaker_state",
        "1 for the state that a provider's own breaker has.",
        "state",
        lambda view: [((state,), state is view.breakers.provider.state) for state in BreakerState],
    )
    gauges("cortex_model_breakers", "Breakers of a provider's models, by state.", "state", _model_breakers)
    gauges("cortex_keys", "Keys of a provider, by what they are good for.", "state", _keys)


def _of_actors(parts: Parts, tree: Tree) -> None:
    metrics = parts.metrics
    metrics.gauges(
        "cortex_actors", "Actors of the permanent tree, by state.", ("state",), lambda: _states(tree())
    )
    metrics.gauges(
        "cortex_mailbox_depth",
        "Messages that wait for an actor.",
        ("actor",),
        lambda: [((node.name,), node.mailbox.depth) for node in tree().walk() if node.mailbox],
    )
    metrics.counters(
        "cortex_mailbox_refused",
        "Messages that found the mailbox of an actor full.",
        ("actor",),
        lambda: [((node.name,), node.mailbox.refused) for node in tree().walk() if node.mailbox],
    )
    metrics.counters(
        "cortex_dead_letters", "Messages nobody took.", (), lambda: [((), COUNTERS.dead_letters)]
    )
    metrics.gauge("cortex_abandoned_threads", "Threads given up as hung.", lambda: COUNTERS.abandoned_now)
    metrics.gauge(
        "cortex_watchdog_beat_age_seconds",
        "Seconds since the watchdog had its turn.",
        lambda: parts.liveness.beat_age or 0.0,
    )


def _model_breakers(view: ProviderView) -> Iterable[Reading]:
    counts = Counter(breaker.state for breaker in view.breakers.models.values())
    return [((state,), counts[state]) for state in BreakerState]


def _keys(view: ProviderView) -> Iterable[Reading]:
    now = time.monotonic()
    counts = Counter(key.state(now) for key in view.keys.keys)
    return [((state,), counts[state]) for state in get_args(KeyState)]


def _states(tree: TreeNode) -> Iterable[Reading]:
    counts = Counter(node.state for node in tree.walk())
    return [((state,), counts[state]) for state in get_args(NodeState)]
