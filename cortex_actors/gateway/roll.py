"""The roll of providers: whose actors there are, how one joins, and how one leaves when its streams are over.

    joins       on the roll, then its actors start; nobody is sent there before both is done
    changes     other terms in the same mandate: its actors, its streams and what is known of it stay
    leaves      out of the directory at once, and off the roll when its last stream is over
    comes back  while it is still leaving: as one that changes

Runs on:   any thread, under one short lock; nobody waits for an actor under it.
Sends:     TerminateChild and DeleteChild to the supervisor of the providers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

from cortex_actors.dispatch.mandate import Mandate, Terms
from cortex_actors.dispatch.messages import TermsChanged
from cortex_actors.dispatch.provider import Board
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.otp.messages import DeleteChild, TerminateChild
from cortex_actors.otp.registry import NameTable, cast

#: The supervisor of the providers, by its name in the tree.
PROVIDERS = "providers"

#: Who works by a mandate.
_WORKERS = ("worker", "prober")


class Roll:
    """The mandates of all providers that have actors."""

    def __init__(
        self, mandates: Iterable[Mandate], switchboard: Switchboard, board: Board, names: NameTable
    ) -> None:
        #: By the name of the provider; replaced by assignment.
        self.mandates: Mapping[str, Mandate] = {mandate.name: mandate for mandate in mandates}
        self._switchboard = switchboard
        self._board = board
        self._names = names
        self._lock = threading.Lock()

    def join(self, mandate: Mandate) -> None:
        """Enters a new provider, whose actors are about to start."""
        with self._lock:
            self._write({**self.mandates, mandate.name: mandate})

    def hold(self, name: str) -> Mandate | None:
        """The mandate of this name, kept from being dismissed until it is changed or its `held` is lifted."""
        with self._lock:
            mandate = self.mandates.get(name)
            if mandate is not None:
                mandate.held = True
            return mandate

    def change(self, mandate: Mandate, terms: Terms) -> None:
        """Gives a mandate other terms, or the same ones, and tells its actors of others."""
        before, mandate.terms, mandate.held = mandate.terms, terms, False
        with self._lock:
            self._write(self.mandates)
        terms.provider.streams.max_children = terms.provider.settings.max_streams
        if before.leaving:
            terms.provider.streams.resume()
        if before != terms:
            self._tell(mandate)

    def leave(self, mandate: Mandate) -> None:
        """Lets a provider finish its streams, and take no more."""
        mandate.terms.provider.streams.drain()
        mandate.terms = replace(mandate.terms, leaving=True)
        self._tell(mandate)

    def dismiss(self, mandate: Mandate) -> None:
        """When the last stream of a provider that leaves is over. Does not wait: its worker is who calls."""
        with self._lock:
            stays = mandate.held or not mandate.terms.leaving
            if not stays and self.mandates.get(mandate.name) is mandate:
                self._strike(mandate.name)

    def strike(self, name: str) -> None:
        """Takes a provider off whose actors did not all start."""
        with self._lock:
            self._strike(name)

    def _strike(self, name: str) -> None:
        self._write({other: mandate for other, mandate in self.mandates.items() if other != name})
        self._board.forget(name)
        # In this order, and before whoever joins under the same name next: a mailbox keeps it.
        for order in (TerminateChild(name), DeleteChild(name)):
            cast(self._names, PROVIDERS, order)

    def _write(self, mandates: Mapping[str, Mandate]) -> None:
        self.mandates = mandates
        self._switchboard.replace({name: mandate.terms.provider for name, mandate in mandates.items()})

    def _tell(self, mandate: Mandate) -> None:
        for worker in _WORKERS:
            cast(self._names, f"{PROVIDERS}/{mandate.name}/{worker}", TermsChanged())
