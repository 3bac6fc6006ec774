"""Identity: who makes a request, as far as the gateway needs to know it.

The authentication middleware puts one into every environ; a handler finds it as `request.identity`.

    key          a caller with a key of its own, from [[callers]]
    anonymous    nobody in particular: no keys are configured, or callers without one are let in
    admin        whoever has the admin token

What belongs to a caller, such as a stream that can be resumed, is bound to `fingerprint`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from wsgiref.types import WSGIEnvironment

from cortex_actors.dispatch.permission import EVERYTHING, Permission
from cortex_actors.rate_limits import NO_QUOTA, Quota

#: Where the identity of a request is kept in its environ.
IDENTITY = "cortex.identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, and what it may do."""

    #: The caller's name in the settings, or "anonymous", or "admin".
    name: str
    kind: Literal["key", "anonymous", "admin"]
    #: Tells one credential from another and gives nothing away about it; the same for all without one.
    fingerprint: str
    permission: Permission = EVERYTHING
    #: Whether it may look inside: actors, streams, events, metrics.
    operator: bool = False
    #: How much it may ask for, where that does not depend on its address; none is no limit.
    quota: Quota = NO_QUOTA


#: A caller without a key, on a gateway that only this machine can reach: its user is its operator.
LOCAL = Identity("anonymous", "anonymous", "anonymous", operator=True)

#: A caller without a key from anywhere.
ANONYMOUS = Identity("anonymous", "anonymous", "anonymous")


def identity_of(environ: WSGIEnvironment) -> Identity:
    """The identity that authentication left behind; that of a stranger where it did not run."""
    found = environ.get(IDENTITY, ANONYMOUS)
    assert isinstance(found, Identity)
    return found
