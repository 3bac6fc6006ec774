"""How a stream ends: the exception that says so, and the end's name for each error; for dispatchers alone."""

from __future__ import annotations

from collections.abc import Mapping

from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import (
    ClientError,
    CortexError,
    GatewayBusy,
    GatewayDraining,
    InternalError,
    NoWorkersAvailable,
    TruncatedStream,
    UpstreamTimeout,
)
from cortex_actors.otp.reasons import ExitKind, ExitReason

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


class Over(Exception):
    """Unwinds to where a request is concluded: it is over, under this name; without an error, all is said.

    `from_outside` says that no provider is to blame: the caller left, or somebody wanted the stream to end.
    """

    def __init__(
        self, name: EndName, error: CortexError | None = None, *, from_outside: bool = False
    ) -> None:
        super().__init__(name)
        self.name = name
        self.error = error
        self.from_outside = from_outside


def end_name(error: CortexError) -> EndName:
    """The one name of a stream that ended with this error."""
    if isinstance(error, UpstreamTimeout):
        return _BY_LIMIT[error.limit]
    for kind, name in _BY_CLASS:
        if isinstance(error, kind):
            return name
    return EndName.UPSTREAM_ERROR


def ended_from_outside(reason: ExitReason) -> Over:
    """The end of a stream whose dispatcher was stopped or killed by somebody else."""
    if reason.kind is ExitKind.SHUTDOWN:
        shutdown = GatewayDraining("The gateway shut down before the answer was over.")
        return Over(EndName.SHUTDOWN, shutdown, from_outside=True)
    fell = InternalError("The part of the gateway that led this stream failed.")
    return Over(EndName.UPSTREAM_ERROR, fell, from_outside=True)
