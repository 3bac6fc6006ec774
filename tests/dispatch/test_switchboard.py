"""The switchboard: actors by their names, while they live, while they restart, and when they do not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cortex_actors.dispatch.messages import (
    Admission,
    FirstToken,
    NotAdmitted,
    Outcome,
    ProbeResult,
    Route,
    Routes,
    SelectRoutes,
)
from cortex_actors.dispatch.permission import EVERYTHING
from cortex_actors.dispatch.switchboard import ROUTER, Switchboard
from cortex_actors.errors import InternalError, NoWorkersAvailable, UnknownModel
from cortex_actors.otp.actor import Actor, ActorRef, spawn
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.name_table import NameTable
from tests.dispatch.factories import admission, provider
from tests.dispatch.plant import LIMIT

ROUTES = Routes((Route("one", "m"),))
ASKED = SelectRoutes(None, None, EVERYTHING)


class Answers(Actor):
    """Gives the answer it was made with, or does what it was made with."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer

    def handle(self, message: object) -> object:
        return self._answer(message) if callable(self._answer) else self._answer


class Exchange:
    """A switchboard, its table of names, and a clock that only waiting moves."""

    def __init__(self) -> None:
        self.names = NameTable()
        self.one = provider("one")
        self.now = 0.0
        self.waits = 0
        #: What happens during the next wait.
        self.meanwhile: Callable[[], object] = lambda: None
        self.switchboard = Switchboard(
            self.names, {"one": self.one}, clock=lambda: self.now, pause=self._pause
        )
        self._spawned: list[ActorRef[Any]] = []

    def has(self, name: str, answer: Any) -> ActorRef[Any]:
        """Somebody of this name who answers so."""
        ref = spawn(Answers, answer, name=name)
        self.names.register(name, ref)
        self._spawned.append(ref)
        return ref

    def close(self) -> None:
        for ref in self._spawned:
            ref.stop()

    def _pause(self, seconds: float) -> None:
        assert seconds > 0
        self.waits += 1
        self.now += seconds
        happens, self.meanwhile = self.meanwhile, lambda: None
        happens()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    exchange = Exchange()
    yield exchange
    exchange.close()


def test_the_routers_answer_is_passed_on(exchange: Exchange) -> None:
    exchange.has(ROUTER, ROUTES)
    assert exchange.switchboard.select(ASKED) is ROUTES
    assert exchange.waits == 0


def test_a_callers_mistake_is_raised_where_the_caller_is(exchange: Exchange) -> None:
    router = exchange.has(ROUTER, UnknownModel("no such model"))
    with pytest.raises(UnknownModel, match="no such model"):
        exchange.switchboard.select(ASKED)
    assert router.is_alive()


@pytest.mark.parametrize("answer", [admission(), NotAdmitted("no_key")], ids=["yes", "no"])
def test_a_workers_answer_is_passed_on(exchange: Exchange, answer: Admission | NotAdmitted) -> None:
    exchange.has("providers/one/worker", answer)
    assert exchange.switchboard.admit(exchange.one, "m") is answer


def test_an_actor_that_is_being_restarted_is_waited_for(exchange: Exchange) -> None:
    exchange.meanwhile = lambda: exchange.has(ROUTER, ROUTES)
    assert exchange.switchboard.select(ASKED) is ROUTES
    assert exchange.waits == 1


def test_an_actor_that_leaves_while_it_is_asked_is_asked_again_in_its_next_life(exchange: Exchange) -> None:
    def leave(message: object) -> object:
        incarnation_of(first).mailbox.close()
        return None

    first = exchange.has(ROUTER, leave)
    exchange.meanwhile = lambda: exchange.has(ROUTER, ROUTES)
    assert exchange.switchboard.select(ASKED) is ROUTES


def test_an_actor_that_does_not_come_back_is_waited_for_no_longer_than_a_moment(exchange: Exchange) -> None:
    with pytest.raises(NoWorkersAvailable) as raised:
        exchange.switchboard.select(ASKED)
    assert raised.value.headers == {"Retry-After": "1"}
    assert 1.0 < exchange.now < 2.0


def test_an_actor_that_does_not_answer_is_nobody_to_wait_for(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cortex_actors.dispatch.switchboard._ANSWER", 0.05)
    gate = threading.Event()
    exchange.has(ROUTER, lambda message: gate.wait(LIMIT))
    with pytest.raises(NoWorkersAvailable):
        exchange.switchboard.select(ASKED)
    gate.set()


def test_an_actor_that_falls_over_the_message_is_not_asked_twice(exchange: Exchange) -> None:
    asked: list[object] = []

    def fall(message: object) -> object:
        asked.append(message)
        raise KeyError("a bug")

    exchange.has("providers/one/worker", fall)
    with pytest.raises(InternalError):
        exchange.switchboard.admit(exchange.one, "m")
    assert len(asked) == 1


@pytest.mark.parametrize(
    "message",
    [FirstToken(admission()), Outcome(admission(), None, 0.1, 1.0), ProbeResult()],
    ids=lambda message: type(message).__name__,
)
def test_what_a_worker_is_told_arrives(exchange: Exchange, message: Any) -> None:
    heard, arrived = [], threading.Event()

    def hear(message: object) -> None:
        heard.append(message)
        arrived.set()

    exchange.has("providers/one/worker", hear)
    exchange.switchboard.tell(exchange.one, message)
    assert arrived.wait(LIMIT)
    assert heard == [message]


def test_what_a_worker_is_told_while_it_is_down_is_lost_and_no_error(exchange: Exchange) -> None:
    before = COUNTERS.dead_letters
    exchange.switchboard.tell(exchange.one, Outcome(admission(), None, 0.1, 1.0))
    assert COUNTERS.dead_letters == before + 1
    assert exchange.waits == 0


def test_a_provider_that_has_just_gone_is_nobody_to_wait_for(exchange: Exchange) -> None:
    assert exchange.switchboard.provider("one") is exchange.one
    exchange.switchboard.replace({"two": provider("two")})
    with pytest.raises(NoWorkersAvailable, match="one is not configured any more"):
        exchange.switchboard.provider("one")
    assert exchange.switchboard.provider("two").name == "two"
