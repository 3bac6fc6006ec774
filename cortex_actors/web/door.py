"""The door: who comes in, where to, and what those hear who do not.

401    no key, or a wrong one: a good one would help
403    the key is good, but not for this; or nobody may do this
"""

from __future__ import annotations

from urllib.parse import urlsplit
from wsgiref.types import WSGIEnvironment

from cortex_actors.errors import Forbidden, Unauthorized
from cortex_actors.settings import Settings
from cortex_actors.settings.callers import is_loopback
from cortex_actors.web.access import Access, access_to
from cortex_actors.web.identity import ANONYMOUS, LOCAL, Identity
from cortex_actors.web.keyring import Keyring, credentials_of
from cortex_actors.web.request import path_of

_NOT_FROM_HERE = (
    "Nobody has a key, so only this machine may call, by its own name. "
    "Give callers keys (`cortex keys new`), or set auth.allow_anonymous = true to serve everybody."
)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Door:
    """Lets callers in as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keyring = Keyring(settings)
        self._is_local = is_loopback(settings.server.host)

    def admit(self, environ: WSGIEnvironment) -> Identity:
        """Who this is. Raises Unauthorized and Forbidden."""
        access = access_to(path_of(environ), self._settings)
        if access is Access.OPEN:
            return ANONYMOUS
        if access is Access.ADMIN and not self._keyring.has_admin:
            raise Forbidden("Nobody may do this, as no admin token is configured: set CORTEX_ADMIN__TOKEN.")
        identity = self._identify(environ)
        if access is Access.ADMIN and identity.kind != "admin":
            raise _refusal(identity, "This needs the admin token.")
        if access is Access.OPERATOR and not identity.operator:
            raise _refusal(identity, "This needs the key of an operator, or the admin token.")
        if identity.kind == "anonymous":
            self._check_origin(environ)
        return identity

    def _identify(self, environ: WSGIEnvironment) -> Identity:
        shown = credentials_of(environ)
        for key in shown:
            if (found := self._keyring.identify(key)) is not None:
                return found
        if shown and self._keyring.has_callers:
            raise Unauthorized("This key is not known here.")
        return self._stranger(environ)

    def _stranger(self, environ: WSGIEnvironment) -> Identity:
        """A caller without a key.

        On a gateway that only this machine can reach it is this machine's user, if it says a name of this
        machine. Otherwise a proxy stands between, or a page that made its own name lead here (DNS rebinding).
        """
        open_to_all = self._settings.auth.allow_anonymous
        if self._settings.callers and not open_to_all:
            raise Unauthorized("A key is needed: send it as `Authorization: Bearer KEY` or `x-api-key: KEY`.")
        if self._is_local and not self._settings.callers and _names_this_machine(environ.get("HTTP_HOST")):
            return LOCAL
        if self._is_local and not open_to_all:
            raise Forbidden(_NOT_FROM_HERE)
        return ANONYMOUS

    def _check_origin(self, environ: WSGIEnvironment) -> None:
        """A page from elsewhere must not spend the money of whoever reads it.

        CORS alone hides the answer and lets the request through. One that carries a key is asked for leave in
        advance, so this is about gateways without keys.
        """
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or environ["REQUEST_METHOD"] in _SAFE:
            return
        allowed = self._settings.cors.origins
        if origin not in allowed and "*" not in allowed and not _same(origin, environ.get("HTTP_HOST")):
            raise Forbidden("A page of this origin may not call; [cors] origins lists those that may.")


def _refusal(identity: Identity, details: str) -> Unauthorized | Forbidden:
    return Unauthorized(details) if identity.kind == "anonymous" else Forbidden(details)


def _names_this_machine(host: str | None) -> bool:
    if host is None:  # HTTP/1.0, which no browser speaks
        return True
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name.lower())


def _same(origin: str, host: str | None) -> bool:
    return host is not None and urlsplit(origin).netloc == host
