"""What holds for the middleware as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from werkzeug.test import EnvironBuilder

from cortex_actors.gateway import Gateway
from cortex_actors.web.middleware import MIDDLEWARE, Middleware, wrapped
from cortex_actors.web.middleware.request_id import request_id
from tests.web.gateway_double import GatewayDouble


class Body:
    """A body that knows how far it was read, and whether it was closed."""

    def __init__(self) -> None:
        self.given = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.given += 1
        return b"%d" % self.given

    def close(self) -> None:
        self.closed += 1


def started(status: str, headers: list[tuple[str, str]], exc_info: object = None, /) -> object:
    return lambda data: None


def served(body: Body, *middleware: Middleware) -> Iterable[bytes]:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return body

    outermost: WSGIApplication = app
    for each in (*middleware, request_id):
        outermost = each(outermost, cast(Gateway, GatewayDouble()))
    return outermost(EnvironBuilder().get_environ(), started)  # type: ignore[arg-type]


@pytest.mark.parametrize("middleware", MIDDLEWARE, ids=lambda each: each.__name__)
def test_each_passes_on_every_piece_at_once_and_the_close(middleware: Middleware) -> None:
    body = Body()
    pieces = served(body, middleware)
    iterator = iter(pieces)

    assert (next(iterator), body.given) == (b"1", 1)
    assert (next(iterator), body.given) == (b"2", 2)
    pieces.close()  # type: ignore[attr-defined]
    assert body.closed == 1


def test_the_whole_list_does_the_same() -> None:
    body = Body()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return body

    pieces = wrapped(app, cast(Gateway, GatewayDouble()))(EnvironBuilder().get_environ(), started)  # type: ignore[arg-type]
    next(iter(pieces))
    pieces.close()  # type: ignore[attr-defined]

    assert (body.given, body.closed) == (1, 1)


def test_the_first_of_the_list_is_the_outermost() -> None:
    assert MIDDLEWARE[0] is request_id
