"""From an error to the one name a stream ends under."""

from __future__ import annotations

import pytest

from cortex_actors.dispatch.ends import end_name
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import (
    CortexError,
    GatewayBusy,
    GatewayDraining,
    InternalError,
    MalformedStream,
    NoWorkersAvailable,
    TruncatedStream,
    UnknownModel,
    UpstreamConnectError,
    UpstreamFailure,
    UpstreamTimeout,
)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (UpstreamFailure(), EndName.UPSTREAM_ERROR),
        (UpstreamConnectError(), EndName.UPSTREAM_ERROR),
        (MalformedStream(), EndName.UPSTREAM_ERROR),
        (InternalError(), EndName.UPSTREAM_ERROR),
        (TruncatedStream(), EndName.TRUNCATED),
        (UpstreamTimeout("connect", 1), EndName.UPSTREAM_ERROR),
        (UpstreamTimeout("first_token", 1), EndName.FIRST_TOKEN_TIMEOUT),
        (UpstreamTimeout("idle", 1), EndName.IDLE_TIMEOUT),
        (UpstreamTimeout("total", 1), EndName.TOTAL_TIMEOUT),
        (GatewayBusy(), EndName.SHED),
        (NoWorkersAvailable(), EndName.SHED),
        (UnknownModel(), EndName.SHED),
        (GatewayDraining(), EndName.SHUTDOWN),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_each_error_ends_a_stream_under_its_own_name(error: CortexError, name: EndName) -> None:
    assert end_name(error) is name
