"""What one call may say differently from its context.

    client.execute("get_user", path_params={"id": 7}, timeout=2.5)

Imports:  context values of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from cortex_actors.client.manifest.mistakes import nearest
from cortex_actors.client.reconnection import Reconnect
from cortex_actors.client.retry import RetryPolicy
from cortex_actors.client.timeouts import Timeouts


class CallOptions(TypedDict, total=False):
    """The options of a call; none has to be given."""

    #: In place of the endpoint's path.
    path: str
    path_params: Mapping[str, object]
    #: Added to the query; a None takes a parameter away.
    query: Mapping[str, object]
    #: They win over all others; a None takes a header away.
    headers: Mapping[str, str | None]
    #: Seconds the server may say nothing, or limits one by one.
    timeout: float | Timeouts
    #: In place of the policy of manifest and context.
    retry: RetryPolicy
    #: Attempts after the first one; 0 for none.
    max_retries: int
    #: Sent on every attempt, in place of a random one.
    idempotency_key: str
    #: Where a stream goes on: the id of the last event that was seen.
    last_event_id: str
    #: Whether, and how, a stream that breaks off is opened again.
    reconnect: Reconnect | bool


def check_options(options: Mapping[str, Any]) -> None:
    """Refuses an option that does not exist, naming the nearest one.

    >>> check_options({"timout": 3})
    Traceback (most recent call last):
    TypeError: a call has no option 'timout'; did you mean 'timeout'?
    """
    for name in options:
        if name not in CallOptions.__annotations__:
            raise TypeError(f"a call has no option {name!r}{nearest(name, CallOptions.__annotations__)}")
