"""From an error to the name a stream ends under: one table, for the dispatcher alone."""

from __future__ import annotations

from collections.abc import Mapping

from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import (
    ClientError,
    CortexError,
    GatewayBusy,
    GatewayDraining,
    NoWorkersAvailable,
    TruncatedStream,
    UpstreamTimeout,
)

_BY_LIMIT: Mapping[str, EndName] = {
    "connect": EndName.UPSTREAM_ERROR,
    "first_token": EndName.FIRST_TOKEN_TIMEOUT,
    "idle": EndName.IDLE_TIMEOUT,
    "total": EndName.TOTAL_TIMEOUT,
}

#: Most specific first; everything else that goes wrong is told as the provider's error.
_BY_CLASS: tuple[tuple[type[CortexError], EndName], ...] = (
    (TruncatedStream, EndName.TRUNCATED),
    (GatewayBusy, EndName.SHED),
    (GatewayDraining, EndName.SHUTDOWN),
    (NoWorkersAvailable, EndName.SHED),
    (ClientError, EndName.SHED),
)


def end_name(error: CortexError) -> EndName:
    """The one name of a stream that ended with this error."""
    if isinstance(error, UpstreamTimeout):
        return _BY_LIMIT[error.limit]
    for kind, name in _BY_CLASS:
        if isinstance(error, kind):
            return name
    return EndName.UPSTREAM_ERROR
