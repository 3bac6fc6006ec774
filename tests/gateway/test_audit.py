"""The audit: whatever becomes of an order, one line and one event."""

from __future__ import annotations

import logging

import pytest

from cortex_actors.errors import Conflict
from cortex_actors.events import EventKind, EventRing
from cortex_actors.gateway.audit import Audit, Order, note
from cortex_actors.gateway.audit import Entry as AuditEntry

ORDER = Order("alice", "request-7")


@pytest.fixture
def ring() -> EventRing:
    return EventRing()


def fields(record: logging.LogRecord) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in ("who", "request_id", "action", "target", "result"))


def test_an_order_that_is_obeyed_is_a_line_and_an_event(
    ring: EventRing, caplog: pytest.LogCaptureFixture
) -> None:
    with Audit(ring).entry(ORDER, "restart", "router") as entry:
        entry.result = "restarted"

    (record,) = caplog.records
    assert (record.name, record.levelname) == ("cortex_actors.audit", "INFO")
    assert fields(record) == ("alice", "request-7", "restart", "router", "restarted")
    assert record.getMessage() == "alice: restart router: restarted"
    (event,) = ring.since(0).events
    assert (event.kind, event.subject, event.level) == (EventKind.ADMIN, "router", "info")
    assert dict(event.fields) == {"who": "alice", "action": "restart", "result": "restarted"}


@pytest.mark.parametrize(
    ("error", "level", "result"),
    [(Conflict("no"), "WARNING", "conflict: no"), (KeyError("a bug"), "ERROR", "failed: KeyError")],
)
def test_an_order_that_is_not_obeyed_is_one_too(
    ring: EventRing,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    level: str,
    result: str,
) -> None:
    with pytest.raises(type(error)), Audit(ring).entry(ORDER, "drain", "one"):
        raise error

    (record,) = caplog.records
    assert (record.levelname, record.result) == (level, result)  # type: ignore[attr-defined]
    assert ring.since(0).events[0].level == level.lower()


def test_an_order_that_was_not_understood_is_one_too(
    ring: EventRing, caplog: pytest.LogCaptureFixture
) -> None:
    Audit(ring).refused(ORDER, "POST /api/admin/x", Conflict("no"))

    assert fields(caplog.records[0])[2:] == ("POST /api/admin/x", "-", "conflict: no")
    assert ring.since(0).latest == 1


def test_its_lines_are_written_where_others_are_not(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("cortex_actors").setLevel(logging.ERROR)
    try:
        note(ORDER, AuditEntry("reload"))
    finally:
        logging.getLogger("cortex_actors").setLevel(logging.NOTSET)
    assert len(caplog.records) == 1


def test_what_somebody_wrote_does_not_make_a_line_without_end(caplog: pytest.LogCaptureFixture) -> None:
    note(ORDER, AuditEntry("restart", "x" * 100_000))
    assert len(caplog.records[0].getMessage()) < 1000
