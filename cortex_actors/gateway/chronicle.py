"""The chronicle: what becomes of actors, providers and settings, as events to follow and figures to count.

Runs on:   whatever thread it happens on; it waits for nothing but one short lock.
Receives:  life events of the tree; moves of breakers; changes of status and of keys.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from cortex_actors.events import EventKind, EventRing, Level
from cortex_actors.metrics import Metrics
from cortex_actors.otp.life import LifeEvent, LifeKind
from cortex_actors.otp.reasons import ExitReason
from cortex_actors.resilience.breaker_states import BreakerState, Transition

_log = logging.getLogger(__name__)

_LIVES: Mapping[LifeKind, tuple[EventKind, Level, str]] = {
    "ended": (EventKind.ACTOR_ENDED, "warning", "{name} ended: {reason}"),
    "restarted": (EventKind.ACTOR_RESTARTED, "info", "{name} is there again, generation {generation}"),
    "not_restarted": (EventKind.ACTOR_ENDED, "error", "{name} could not be restarted: {reason}"),
    "hung": (EventKind.ACTOR_HUNG, "error", "{name} hangs: {reason}"),
    "abandoned": (EventKind.ACTOR_ABANDONED, "error", "{name} is left behind with its thread: {reason}"),
    "gave_up": (EventKind.ACTOR_GAVE_UP, "error", "{name} gives up: {reason}"),
}


class Chronicle:
    """Writes down what happens to the parts of one gateway."""

    def __init__(self, events: EventRing, metrics: Metrics) -> None:
        self._events = events
        self._metrics = metrics

    def lived(self, event: LifeEvent) -> None:
        """What became of an actor; the observer of the tree."""
        kind, level, text = _LIVES[event.kind]
        if event.kind == "restarted":
            self._metrics.actor_restarted(event.name)
            _log.info("%s is running again, generation %d", event.name, event.generation)
        elif event.kind == "ended" and event.reason is not None:
            self._metrics.actor_ended(event.reason.kind)
            level = "warning" if event.reason.abnormal else "info"
        reason = _told(event)
        told = {"reason": reason} if reason else {}
        self._events.add(
            kind,
            text.format(name=event.name, generation=event.generation, reason=reason),
            subject=event.name,
            level=level,
            generation=event.generation,
            **told,
        )

    def breakers_moved(self, provider: str, moves: Iterable[Transition]) -> None:
        """When breakers of a provider moved."""
        for move in moves:
            self._metrics.breaker_moved(provider, move.after)
            self._events.add(
                EventKind.BREAKER,
                f"breaker {move.breaker}: {move.before} -> {move.after} ({move.event})",
                subject=provider,
                level="info" if move.after is BreakerState.CLOSED else "warning",
                breaker=move.breaker,
                before=move.before,
                after=move.after,
                event=move.event,
            )

    def status_changed(self, provider: str, before: str, after: str, *, well: bool) -> None:
        """When a provider is doing better or worse than before."""
        self._events.add(
            EventKind.PROVIDER_STATUS,
            f"provider {provider}: {before} -> {after}",
            subject=provider,
            level="info" if well else "warning",
            before=before,
            after=after,
        )

    def key_changed(self, provider: str, key: str, state: str, *, well: bool) -> None:
        """When a key of a provider rests, is refused, or is good again; `key` is its id."""
        self._events.add(
            EventKind.KEY,
            f"key {key} of {provider} is {state}",
            subject=provider,
            level="info" if well else "warning",
            key=key,
            state=state,
        )


def _told(event: LifeEvent) -> str:
    """The reason in words. What a temporary actor crashed of may quote its caller: only its type is told."""
    reason: ExitReason | None = event.reason
    if reason is None:
        return ""
    if event.permanent or reason.error is None:
        return str(reason)
    return f"{reason.kind}: {type(reason.error).__name__}"
