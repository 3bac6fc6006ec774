"""Administration over HTTP: orders in, what became of them out; who may give them, authentication has said.

POST   /api/admin/reload                        reads file and environment again; all of it or nothing
POST   /api/admin/workers/reload                the same
POST   /api/admin/actors/{name}/restart         another incarnation, now; a name has slashes in it
POST   /api/admin/actors/{name}/terminate       none, until somebody restarts it
POST   /api/admin/providers                     adds one: a [[providers]] table, until the next reload
DELETE /api/admin/providers/{name}              removes one; its streams may finish
DELETE /api/admin/workers/{name}                the same
POST   /api/admin/providers/{name}/drain        takes no new streams; with /undrain it takes them again
POST   /api/admin/providers/{name}/breaker      {"mode": "open" | "closed" | "auto", "model"?}
POST   /api/admin/providers/{name}/unblock      {"key": "the id of a key"}
POST   /api/admin/streams/{id}/cancel           ends a stream that runs here
POST   /api/admin/stacks                        where everything stands
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import cast, get_args

from cortex_actors.errors import CortexError, InvalidRequest, MethodNotAllowed, NotFound
from cortex_actors.gateway.audit import Order
from cortex_actors.gateway.operators import Obeyed
from cortex_actors.gateway.provider_orders import Drained
from cortex_actors.resilience.breaker_states import Mode
from cortex_actors.web.fields import Fields
from cortex_actors.web.operator.actors import rounded, stack_payload
from cortex_actors.web.payloads import Payload, provider_payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response

#: Where all orders are.
ADMIN = "/api/admin/"

_MODES = cast(tuple[Mode, ...], get_args(Mode))

#: An order that was understood, and is still to be given.
Understood = Callable[[Order], Response]


def admin(request: Request) -> Response:
    """Any order. One that is not understood is written down too."""
    order = Order(request.identity.name, request.request_id)
    try:
        give = _understood(request)
    except CortexError as error:
        request.gateway.administration.audit.refused(order, f"{request.method} {request.path}", error)
        raise
    return give(order)


def _understood(request: Request) -> Understood:
    path = request.path.removeprefix(ADMIN)
    found = [(method, read, match) for method, pattern, read in _ORDERS if (match := pattern.fullmatch(path))]
    if not found:
        raise NotFound("There is no such order.")
    for method, read, match in found:
        if method == request.method:
            return read(request, match[1] if match.re.groups else "")
    raise MethodNotAllowed(tuple(method for method, _, _ in found))


# -- orders: each reads what it needs, and gives back what is left to do


def _reload(request: Request, target: str) -> Understood:
    _fields(request, ())

    def give(order: Order) -> Response:
        done = request.gateway.administration.reload(order)
        return json_response(
            200,
            {
                "result": "applied" if done.any else "unchanged",
                "added": list(done.added),
                "removed": list(done.removed),
                "changed": list(done.changed),
                "settings": list(done.settings),
                "next_start": list(done.next_start),
            },
        )

    return give


def _restart(request: Request, target: str) -> Understood:
    _fields(request, ())
    return lambda order: _obeyed(request.gateway.administration.restart(order, target))


def _terminate(request: Request, target: str) -> Understood:
    _fields(request, ())
    return lambda order: _obeyed(request.gateway.administration.terminate(order, target))


def _add(request: Request, target: str) -> Understood:
    table = request.json()

    def give(order: Order) -> Response:
        provider = request.gateway.administration.add_provider(order, table)
        (view,) = (view for view in request.gateway.providers() if view.name == provider.name)
        return json_response(201, {"result": "added", "provider": provider_payload(view)})

    return give


def _remove(request: Request, target: str) -> Understood:
    _fields(request, ())
    return lambda order: _drained("removed", request.gateway.administration.remove_provider(order, target))


def _drain(request: Request, target: str) -> Understood:
    _fields(request, ())
    return lambda order: _drained("draining", request.gateway.administration.drain(order, target))


def _undrain(request: Request, target: str) -> Understood:
    _fields(request, ())
    return lambda order: _drained("accepting", request.gateway.administration.undrain(order, target))


def _breaker(request: Request, target: str) -> Understood:
    fields = _fields(request, ("mode", "model"))
    mode, model = cast(Mode, fields.word("mode", _MODES)), fields.name("model")

    def give(order: Order) -> Response:
        state = request.gateway.administration.force_breaker(order, target, mode, model)
        return json_response(200, {"result": mode, "provider": target, "model": model, "state": state})

    return give


def _unblock(request: Request, target: str) -> Understood:
    key = _fields(request, ("key",)).needed_text("key")

    def give(order: Order) -> Response:
        found = request.gateway.administration.unblock(order, target, key)
        return json_response(200, {"result": "unblocked", "provider": target, "key": found})

    return give


def _cancel(request: Request, target: str) -> Understood:
    _fields(request, ())

    def give(order: Order) -> Response:
        request.gateway.administration.cancel(order, target)
        return json_response(200, {"result": "cancelled", "stream": target})

    return give


def _stacks(request: Request, target: str) -> Understood:
    _fields(request, ())

    def give(order: Order) -> Response:
        stacks = request.gateway.administration.stacks(order)
        return json_response(200, {"result": "dumped", "stacks": [stack_payload(each) for each in stacks]})

    return give


_NAME = "([a-z0-9_.-]+)"

#: Every order: its method, its path, and how it is read. The first of a path that fits.
_ORDERS: Sequence[tuple[str, re.Pattern[str], Callable[[Request, str], Understood]]] = tuple(
    (method, re.compile(path), read)
    for method, path, read in (
        ("POST", "reload", _reload),
        ("POST", "workers/reload", _reload),
        ("POST", "actors/(.+)/restart", _restart),
        ("POST", "actors/(.+)/terminate", _terminate),
        ("POST", "providers", _add),
        ("DELETE", f"providers/{_NAME}", _remove),
        ("DELETE", f"workers/{_NAME}", _remove),
        ("POST", f"providers/{_NAME}/drain", _drain),
        ("POST", f"providers/{_NAME}/undrain", _undrain),
        ("POST", f"providers/{_NAME}/breaker", _breaker),
        ("POST", f"providers/{_NAME}/unblock", _unblock),
        ("POST", "streams/([0-9a-zA-Z_-]+)/cancel", _cancel),
        ("POST", "stacks", _stacks),
    )
)


# -- bodies and answers


def _fields(request: Request, known: Sequence[str]) -> Fields:
    """The body; without one, an empty object. A field that means nothing here is refused."""
    fields = Fields(request.optional_json())
    if unknown := fields.unknown(known):
        told = f"known are {', '.join(known)}" if known else "this order takes none"
        raise InvalidRequest(f"{unknown[0][:64]} is no field of it; {told}.", field=unknown[0][:64])
    return fields


def _obeyed(done: Obeyed) -> Response:
    payload: Payload = {"result": done.result, "actor": None}
    if done.actor is not None:
        payload["actor"] = {
            "name": done.actor.name,
            "state": done.actor.state,
            "generation": done.actor.generation,
            "busy_with": done.actor.busy_with,
            "busy_for": rounded(done.actor.busy_for),
        }
    return json_response(202 if done.result == "under_way" else 200, payload)


def _drained(result: str, done: Drained) -> Response:
    return json_response(200, {"result": result, "provider": done.provider, "streams": done.streams})
