"""The four limits of a stream, from all who have a say: settings, provider, public model, caller.

The configured limits bound what anybody else may say: a public model or a caller tightens them, never
loosens them, so that no request can hold a thread for longer than the operator allows.
"""

from __future__ import annotations

from dataclasses import dataclass

from cortex_actors.chat import RequestLimits
from cortex_actors.settings import Limits


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Seconds to connect, to the first content, between contents, and over all attempts."""

    connect: float
    first_token: float
    idle: float
    total: float


def stream_limits(configured: Limits, *tighter: RequestLimits) -> StreamLimits:
    """The strictest of each."""
    first_token, idle, total = configured.first_token, configured.idle, configured.total
    for said in tighter:
        first_token = first_token if said.first_token is None else min(first_token, said.first_token)
        idle = idle if said.idle is None else min(idle, said.idle)
        total = total if said.total is None else min(total, said.total)
    return StreamLimits(configured.connect, first_token, idle, total)
