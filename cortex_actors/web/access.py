"""Access: what each path asks of whoever calls it, as one table.

OPEN        nobody needs a key: probes, and pages that hold no data
CALLER      a key, where callers have keys
OPERATOR    the key of an operator, or the admin token, where callers have keys
ADMIN       the admin token; nobody where none is configured
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from cortex_actors.settings import Settings
from cortex_actors.web.surfaces import is_under


class Access(Enum):
    """Who may call."""

    OPEN = auto()
    CALLER = auto()
    OPERATOR = auto()
    ADMIN = auto()


METRICS = "/metrics"

#: A path, and what lies below it; the first that fits. All else is for callers, also what is not there.
RULES: Sequence[tuple[str, Access]] = (
    ("/livez", Access.OPEN),
    ("/readyz", Access.OPEN),
    ("/startupz", Access.OPEN),
    ("/dashboard", Access.OPEN),
    ("/dev/dashboard", Access.OPEN),
    ("/docs", Access.OPEN),
    ("/openapi.json", Access.OPEN),
    ("/api/admin", Access.ADMIN),
    ("/api/actors", Access.OPERATOR),
    ("/api/streams", Access.OPERATOR),
    ("/api/events", Access.OPERATOR),
    ("/api/dashboard", Access.OPERATOR),
    (METRICS, Access.OPERATOR),
)


def access_to(path: str, settings: Settings) -> Access:
    """What this path asks for."""
    if path == "/" or (settings.auth.public_metrics and path == METRICS):
        return Access.OPEN
    return next((access for place, access in RULES if is_under(path, place)), Access.CALLER)
