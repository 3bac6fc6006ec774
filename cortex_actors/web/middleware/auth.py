"""Authentication: nobody gets past here without being somebody, or being told what to show.

The identity goes into the environ. Which paths ask for what is in `web.access`, whose key a key is in
`web.keyring`. A reload that changes the settings changes who is let in with the next request.
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.errors import ClientError
from cortex_actors.gateway import Gateway
from cortex_actors.gateway.audit import Entry, Order, note
from cortex_actors.web.access import Access, access_to
from cortex_actors.web.door import Door
from cortex_actors.web.identity import IDENTITY
from cortex_actors.web.refusal import refuse
from cortex_actors.web.request import REQUEST_ID, path_of, settings_of


def auth(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """Names the caller of each request, or refuses it in the words of the API it spoke to."""
    current = (gateway.settings, Door(gateway.settings))

    def authenticated(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        nonlocal current
        settings, door = current
        if settings is not settings_of(environ):
            settings = settings_of(environ)
            door = Door(settings)
            current = (settings, door)
        try:
            environ[IDENTITY] = door.admit(environ)
        except ClientError as error:
            if access_to(path_of(environ), settings) is Access.ADMIN:
                _note(error, environ)
            return refuse(error, environ, start_response)
        return app(environ, start_response)

    return authenticated


def _note(error: ClientError, environ: WSGIEnvironment) -> None:
    """Somebody who may not give orders has tried to: a line of the audit, as for an order."""
    attempt = Entry(f"{environ['REQUEST_METHOD']} {path_of(environ)}", result=f"{error.code}: {error}")
    note(Order("nobody", environ[REQUEST_ID]), attempt, "warning")
