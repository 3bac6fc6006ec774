"""What one call may say differently from its context.

    client.execute("get_user", path_params={"id": 7}, timeout=2.5)

Imports:  errors, reconnection, retry and timeouts of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, cast

from cortex_actors.client.errors import InvalidCall
from cortex_actors.client.manifest.mistakes import nearest
from cortex_actors.client.reconnection import Reconnect
from cortex_actors.client.retry import RetryPolicy
from cortex_actors.client.timeouts import Timeouts, is_limit


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


#: What each option must be, and how that is told.
_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    # Anything else would be the end of the host's name, and take the credential somewhere else.
    "path": (lambda value: isinstance(value, str) and value.startswith("/"), "a path that begins with '/'"),
    "path_params": (lambda value: isinstance(value, Mapping), "a mapping"),
    "query": (lambda value: isinstance(value, Mapping), "a mapping"),
    "headers": (
        lambda value: (
            isinstance(value, Mapping)
            and all(isinstance(name, str) and isinstance(each, str | None) for name, each in value.items())
        ),
        "a mapping of texts",
    ),
    "timeout": (
        lambda value: isinstance(value, Timeouts) or is_limit(value),
        "seconds above 0, or a Timeouts",
    ),
    "retry": (lambda value: isinstance(value, RetryPolicy), "a RetryPolicy"),
    "max_retries": (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
        "a whole number from 0 on",
    ),
    "idempotency_key": (lambda value: isinstance(value, str) and value != "", "a text"),
    "last_event_id": (lambda value: isinstance(value, str), "a text"),
    "reconnect": (lambda value: isinstance(value, bool | Reconnect), "true, false or a Reconnect"),
}


def checked(options: Mapping[str, Any], endpoint: str = "") -> CallOptions:
    """The options that say something; raises TypeError for an unknown one, InvalidCall where one is wrong.

    >>> checked({"timeout": 3, "query": None})
    {'timeout': 3}
    >>> checked({"timout": 3})
    Traceback (most recent call last):
    TypeError: a call has no option 'timout'; did you mean 'timeout'?
    """
    for name in options:
        if name not in _KINDS:
            raise TypeError(f"a call has no option {name!r}{nearest(name, _KINDS)}")
    given = {name: value for name, value in options.items() if value is not None}
    wrong = [name for name, value in given.items() if not _KINDS[name][0](value)]
    if wrong:
        mistakes = tuple(f"the option {name!r} must be {_KINDS[name][1]}" for name in wrong)
        raise InvalidCall(mistakes, endpoint=endpoint)
    return cast(CallOptions, given)
