"""Two of LiteLLM's timeouts as our four limits, each within the one around it.

Imports nothing of the package.
Imported by: providers, sections.

`timeout` is the time for a whole answer, `stream_timeout` that for its first piece.
"""

from __future__ import annotations

from cortex_actors.settings import Limits


def limits_within(total: float | None, first_token: float | None, around: Limits) -> dict[str, float]:
    """The limits that must be written so that these two hold and all four stay in order."""
    total = total if total is not None else around.total
    first_token = min(first_token if first_token is not None else around.first_token, total)
    wanted = {
        "connect": min(around.connect, first_token / 2),
        "first_token": first_token,
        "idle": min(around.idle, total),
        "total": total,
    }
    return {name: value for name, value in wanted.items() if value != getattr(around, name)}
