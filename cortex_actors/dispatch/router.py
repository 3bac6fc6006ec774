"""The router: decides which providers a request may try, and in which order.

Runs on:   a thread of its own; never waits for anything but its mailbox.
Receives:  SelectRoutes (a call).
Sends:     nothing; it answers with Routes, or with the ClientError that says why there are none.

No chunk ever passes here. It reads the providers' published views and asks nobody, so its answer takes
microseconds; when it crashes, running streams do not notice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from random import Random

from cortex_actors.chat import RequestLimits
from cortex_actors.dispatch.directory import Current, Directory
from cortex_actors.dispatch.messages import ProviderView, Route, Routes, SelectRoutes
from cortex_actors.dispatch.models import ModelNames
from cortex_actors.dispatch.permission import Permission
from cortex_actors.dispatch.provider import Board
from cortex_actors.dispatch.selection import STRATEGIES, Candidate, Turn
from cortex_actors.errors import ClientError, Forbidden
from cortex_actors.otp.actor import Actor


class Router(Actor):
    """Orders the providers that can answer a request."""

    def __init__(
        self,
        board: Board,
        directory: Current[Directory],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        super().__init__()
        self._board = board
        self._directory = directory
        self._clock = clock
        self._turn = Turn(random or Random())

    def handle(self, message: object) -> object:
        if not isinstance(message, SelectRoutes):
            self.unexpected(message)
            return None
        try:
            return self._select(message)
        except ClientError as error:
            return error  # an answer like any other: a caller's mistake is no crash of ours

    def _select(self, asked: SelectRoutes) -> Routes:
        directory = self._directory.value
        names = directory.names
        views = {view.name: view for view in self._board.views(directory.providers.values())}
        public = names.public(asked.model)
        strategy = (public.strategy if public else None) or directory.settings.routing.strategy
        may = asked.permission
        ordered = self._order(names.permitted(asked.model, asked.provider, views, may), strategy)
        for fallback in asked.fallbacks:
            ordered += self._order(_named(names, fallback, views, may), strategy)
        for fallback in public.fallbacks if public else ():
            ordered += self._order(_if_permitted(names, fallback, views, may), strategy)
        larger: list[Candidate] = []
        if public and public.larger:
            larger = self._order(_if_permitted(names, public.larger, views, may), strategy)
        self._turn.number += 1
        return Routes(_routes(ordered), _routes(larger), public.limits if public else RequestLimits())

    def _order(self, candidates: list[Candidate], strategy: str) -> list[Candidate]:
        """The strategy's order, with those that would be refused at this moment behind all others."""
        now = self._clock()
        ordered = STRATEGIES[strategy](candidates, self._turn) if candidates else []
        return sorted(ordered, key=lambda candidate: not _ready(candidate, now))


def _named(
    names: ModelNames, name: str, views: Mapping[str, ProviderView], may: Permission
) -> list[Candidate]:
    """Who is meant by a name that may be a provider's or a model's."""
    if name in views:
        return names.permitted(None, name, views, may)
    return names.permitted(name, None, views, may)


def _if_permitted(
    names: ModelNames, name: str, views: Mapping[str, ProviderView], may: Permission
) -> list[Candidate]:
    """The same for a name that the settings chose: whoever may not have it goes without."""
    try:
        return _named(names, name, views, may)
    except Forbidden:
        return []


def _routes(candidates: list[Candidate]) -> tuple[Route, ...]:
    """Each once, in this order."""
    return tuple(dict.fromkeys(Route(candidate.view.name, candidate.model) for candidate in candidates))


def _ready(candidate: Candidate, now: float) -> bool:
    """Whether an attempt would probably be admitted; the provider's worker has the last word."""
    view = candidate.view
    free = not view.draining and view.in_flight < view.max_streams
    return free and view.keys.is_ready(now) and view.breakers.admits(candidate.model, now)
