"""The audit: one line and one event for every order of an operator, whatever became of it.

    with audit.entry(order, "restart", "providers/groq/worker") as entry:
        ...
        entry.result = "restarted"

    ... INFO cortex_actors.audit [who=admin request_id=7f action=restart target=router result=restarted]
        admin: restart router: restarted

Runs on:   the thread of whoever gives the order.

Its lines are written whatever `logs.level` says. A target is what an operator wrote, and no secret: what may
be one is checked before it becomes a target.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cortex_actors.errors import CortexError
from cortex_actors.events import EventKind, EventRing, Level

_log = logging.getLogger("cortex_actors.audit")
_log.setLevel(logging.INFO)

#: Characters of a target, and of what became of it.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants something done."""

    #: The name of an identity, or of a signal.
    who: str
    request_id: str = ""


@dataclass(slots=True)
class Entry:
    """What an order is about, and what became of it."""

    action: str
    target: str = ""
    result: str = "done"


class Audit:
    """Writes down what operators do to one gateway."""

    def __init__(self, events: EventRing) -> None:
        self._events = events

    @contextmanager
    def entry(self, order: Order, action: str, target: str = "") -> Iterator[Entry]:
        """Writes down what the block does, and an error that it ends with."""
        entry = Entry(action, target)
        level: Level = "info"
        try:
            yield entry
        except CortexError as error:
            entry.result, level = _told(error), "warning"
            raise
        except BaseException as error:
            entry.result, level = f"failed: {type(error).__name__}", "error"
            raise
        finally:
            self._write(order, entry, level)

    def refused(self, order: Order, action: str, error: CortexError) -> None:
        """Writes down an order that was not understood."""
        self._write(order, Entry(action, result=_told(error)), "warning")

    def _write(self, order: Order, entry: Entry, level: Level) -> None:
        note(order, entry, level)
        self._events.add(
            EventKind.ADMIN,
            _sentence(order, entry),
            subject=entry.target,
            level=level,
            who=order.who,
            action=entry.action,
            result=entry.result[:_LONGEST],
        )


def note(order: Order, entry: Entry, level: Level = "info") -> None:
    """Writes the line alone, for what did not get as far as the gateway."""
    ids = {"request_id": order.request_id} if order.request_id else {}
    fields = {
        "who": order.who,
        **ids,
        "action": entry.action,
        "target": entry.target[:_LONGEST] or "-",
        "result": entry.result[:_LONGEST],
    }
    _log.log(logging.getLevelNamesMapping()[level.upper()], "%s", _sentence(order, entry), extra=fields)


def _told(error: CortexError) -> str:
    return f"{error.code}: {error}"


def _sentence(order: Order, entry: Entry) -> str:
    what = f"{entry.action} {entry.target[:_LONGEST]}".strip()
    return f"{order.who}: {what}: {entry.result[:_LONGEST]}"
