"""The provider worker: keeps one provider's books, and says who may make an attempt, with which key.

Runs on:   a thread of its own; does no I/O and never waits for anything but its mailbox.
Receives:  AdmitAttempt (a call); FirstToken, Outcome, ProbeResult; TermsChanged when a reload changed what it
           works by; ForceBreaker and UnblockKey from operators (calls).
Sends:     nothing; it publishes its books after each change, which everybody else reads.

Its breakers, keys and counters die with it, by design: a worker that crashed may have crashed over its
books. What outlives it (connections, running streams) is in `Provider`, and an operator's orders are in its
`Mandate`. When its provider is configured no more, it waits for the last stream, and says that all are gone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from random import Random

from cortex_actors.dispatch.ledger import Ledger
from cortex_actors.dispatch.mandate import Mandate
from cortex_actors.dispatch.messages import (
    Admission,
    AdmitAttempt,
    FirstToken,
    ForceBreaker,
    NotAdmitted,
    Outcome,
    ProbeResult,
    TermsChanged,
    UnblockKey,
)
from cortex_actors.dispatch.provider import Board
from cortex_actors.otp.actor import Actor
from cortex_actors.resilience.breaker_states import Transition

_log = logging.getLogger(__name__)

#: Between two looks at whether the last stream of a provider that leaves is over, in seconds.
_LOOK = 0.2


class LookForStreams:
    """Is the last stream over?"""


class ProviderWorker(Actor):
    """One provider's breakers, keys and counters."""

    def __init__(
        self,
        mandate: Mandate,
        board: Board,
        on_empty: Callable[[], None] = lambda: None,
        on_moves: Callable[[str, tuple[Transition, ...]], object] = lambda provider, moves: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        """`on_empty` is called again and again when a provider that leaves has no stream; it must not wait.

        `on_moves` hears of every breaker that moves, with the name of the provider.
        """
        super().__init__()
        self._mandate = mandate
        self._board = board
        self._on_empty = on_empty
        self._on_moves = on_moves
        self._ledger = Ledger(mandate, self._tell_moves, clock, random or Random())

    def init(self) -> None:
        self._publish()
        self._leave_if_told()

    def handle(self, message: object) -> object:
        answer: object = None
        match message:
            case AdmitAttempt():
                answer = self._admit(message.model, in_need=message.in_need)
            case Outcome():
                self._ledger.enter(message)
            case FirstToken():
                self._ledger.first_token(message)
            case ProbeResult():
                self._ledger.note_probe(message)
            case TermsChanged():
                self._ledger.adopt(self._mandate.terms)
            case ForceBreaker():
                answer = self._ledger.force(message)
            case UnblockKey():
                answer = self._ledger.unblock(message.key_id)
            case LookForStreams():
                pass
            case _:
                self.unexpected(message)
        self._publish()
        if isinstance(message, TermsChanged | LookForStreams):
            self._leave_if_told()
        return answer

    def _admit(self, model: str, *, in_need: bool) -> Admission | NotAdmitted:
        return self._ledger.admit(model, in_need=in_need)

    def _publish(self) -> None:
        self._board.publish(self._mandate.terms.provider.name, self._ledger.books())

    def _leave_if_told(self) -> None:
        terms = self._mandate.terms
        if not terms.leaving:
            return
        self.send_after(_LOOK, LookForStreams())
        if not terms.provider.streams.count:
            self._on_empty()

    def _tell_moves(self, moves: tuple[Transition, ...]) -> None:
        for move in moves:
            _log.warning("breaker %s: %s -> %s (%s)", move.breaker, move.before, move.after, move.event)
        if moves:
            self._on_moves(self._mandate.terms.provider.name, moves)
