"""The router: which providers a request may try, in which order, from what is published alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from cortex_actors.chat import RequestLimits
from cortex_actors.dispatch.directory import Current, Directory
from cortex_actors.dispatch.messages import Routes, SelectRoutes
from cortex_actors.dispatch.permission import EVERYTHING
from cortex_actors.dispatch.provider import Board, Provider
from cortex_actors.dispatch.router import Router
from cortex_actors.errors import UnknownModel, UnknownProvider
from cortex_actors.otp.actor import Actor, ActorRef, call, spawn
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor
from cortex_actors.resilience.key_ring import KeyRing
from cortex_actors.settings import ModelSettings, Route, RoutingSettings, Settings, Strategy
from tests.dispatch.factories import books, provider, tripped
from tests.dispatch.plant import LIMIT

#: Three providers in the order of their priority, each with a model of its own and a shared one.
TRIO = (
    provider("a", priority=1, model="model-a", models=("model-a", "shared")),
    provider("b", priority=2, model="model-b", models=("model-b", "shared"), local=True),
    provider("c", priority=3, model="model-c", models=("model-c", "shared")),
)

SMART = ModelSettings(
    name="smart",
    strategy="priority_first",
    routes=(Route("c", "shared"), Route("b", "model-b")),
    fallbacks=("model-a", "shared"),
    limits=RequestLimits(idle=3.0),
    larger="roomy",
)
ROOMY = ModelSettings(name="roomy", routes=(Route("a", "model-a"),))


class Desk:
    """A router, and the board it reads."""

    def __init__(self, providers: tuple[Provider, ...], strategy: Strategy) -> None:
        self.now = 0.0
        #: What whoever asks may have.
        self.may = EVERYTHING
        self.board = Board(providers, clock=lambda: self.now)
        settings = Settings(models=(SMART, ROOMY), routing=RoutingSettings(strategy))
        directory = Current(Directory.of(settings, providers))
        self.router: ActorRef[Router] = spawn(
            Router, self.board, directory, clock=lambda: self.now, random=Random(1)
        )

    def answer(self, model: str | None = None, provider: str | None = None, *fallbacks: str) -> object:
        """What the router answers, whatever it is."""
        return call(self.router, SelectRoutes(model, provider, self.may, fallbacks), LIMIT)

    def routes(self, model: str | None = None, provider: str | None = None, *fallbacks: str) -> list[str]:
        """The routes as `provider/model`."""
        answer = self.answer(model, provider, *fallbacks)
        assert isinstance(answer, Routes), answer
        return [f"{route.provider}/{route.model}" for route in answer.routes]


Open = Callable[..., Desk]


@pytest.fixture
def open_desk() -> Iterator[Open]:
    desks: list[Desk] = []

    def open_desk(providers: tuple[Provider, ...] = TRIO, strategy: str = "priority_first") -> Desk:
        desks.append(Desk(providers, strategy))
        return desks[-1]

    yield open_desk
    for desk in desks:
        desk.router.stop()


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    return open_desk()


# -- strategies


def test_the_strategy_of_the_settings_orders_the_providers(open_desk: Open) -> None:
    assert open_desk().routes() == ["a/model-a", "b/model-b", "c/model-c"]
    assert open_desk(strategy="local_first").routes() == ["b/model-b", "a/model-a", "c/model-c"]


def test_round_robin_moves_on_with_every_request(open_desk: Open) -> None:
    desk = open_desk(strategy="round_robin")
    assert [desk.routes()[0] for _ in range(4)] == ["a/model-a", "b/model-b", "c/model-c", "a/model-a"]


def test_least_used_sees_the_streams_that_run_now(open_desk: Open) -> None:
    busy, idle = provider("busy", priority=1), provider("idle", priority=2)
    supervisor = spawn(DynamicSupervisor, busy.streams)
    desk = open_desk((busy, idle), "least_used")
    assert desk.routes()[0] == "busy/m"
    busy.streams.start_child(Actor)
    assert desk.routes()[0] == "idle/m"
    supervisor.stop()
    busy.streams.stop()


def test_a_public_model_has_its_own_strategy(open_desk: Open) -> None:
    desk = open_desk(strategy="round_robin")
    assert {tuple(desk.routes("smart"))[:2] for _ in range(4)} == {("b/model-b", "c/shared")}


def test_every_order_has_every_provider(open_desk: Open) -> None:
    for strategy in ("random", "weighted", "fastest"):
        desk = open_desk(strategy=strategy)
        for _ in range(10):
            assert sorted(desk.routes()) == ["a/model-a", "b/model-b", "c/model-c"]


# -- who would be refused comes last


def test_a_provider_whose_breaker_is_open_is_tried_last_until_its_time_is_over(desk: Desk) -> None:
    desk.board.publish("a", books("a", breakers=tripped("a", "model-a").snapshot(0.0)))
    assert desk.routes() == ["b/model-b", "c/model-c", "a/model-a"]
    desk.now = 10.0
    assert desk.routes() == ["a/model-a", "b/model-b", "c/model-c"]


def test_a_breaker_counts_for_its_own_model_alone(desk: Desk) -> None:
    desk.board.publish("a", books("a", breakers=tripped("a", "model-a").snapshot(0.0)))
    assert desk.routes("shared") == ["a/shared", "b/shared", "c/shared"]


def test_a_provider_whose_keys_all_rest_is_tried_last(desk: Desk) -> None:
    ring = KeyRing(["key"], Random(1))
    ring.rest(ring.snapshot().keys[0].id, 5.0)
    desk.board.publish("a", books("a", keys=ring.snapshot()))
    assert desk.routes() == ["b/model-b", "c/model-c", "a/model-a"]
    desk.now = 5.0
    assert desk.routes()[0] == "a/model-a"


def test_a_provider_that_is_full_is_tried_last(open_desk: Open) -> None:
    full, free = provider("full", priority=1, max_streams=1), provider("free", priority=2)
    supervisor = spawn(DynamicSupervisor, full.streams)
    stream = full.streams.start_child(Actor)
    desk = open_desk((full, free))
    assert desk.routes() == ["free/m", "full/m"]
    stream.stop()
    assert desk.routes() == ["full/m", "free/m"]
    supervisor.stop()


def test_when_nobody_is_well_everybody_is_tried_all_the_same(desk: Desk) -> None:
    for name in "abc":
        desk.board.publish(name, books(name, breakers=tripped(name, f"model-{name}").snapshot(0.0)))
    assert desk.routes() == ["a/model-a", "b/model-b", "c/model-c"]


# -- names


def test_a_public_model_brings_its_limits_its_fallbacks_and_its_larger_model(desk: Desk) -> None:
    answer = desk.answer("smart")
    assert isinstance(answer, Routes)
    assert answer.limits == RequestLimits(idle=3.0)
    assert [route.provider for route in answer.larger] == ["a"]
    assert desk.routes("smart") == ["b/model-b", "c/shared", "a/model-a", "a/shared", "b/shared"]


def test_another_name_has_neither(desk: Desk) -> None:
    answer = desk.answer("shared")
    assert isinstance(answer, Routes)
    assert (answer.limits, answer.larger) == (RequestLimits(), ())


def test_fallbacks_of_the_caller_come_behind_each_once(desk: Desk) -> None:
    routes = desk.routes("model-b", None, "shared", "c", "model-b", "shared")
    assert routes == ["b/model-b", "a/shared", "b/shared", "c/shared", "c/model-c"]


def test_fallbacks_stay_behind_even_when_the_first_choice_is_blocked(desk: Desk) -> None:
    desk.board.publish("b", books("b", breakers=tripped("b", "model-b").snapshot(0.0)))
    assert desk.routes("model-b", None, "model-a") == ["b/model-b", "a/model-a"]


def test_a_pinned_provider_is_the_only_one(desk: Desk) -> None:
    assert desk.routes(None, "c") == ["c/model-c"]
    assert desk.routes("shared", "c") == ["c/shared"]


@pytest.mark.parametrize(
    ("model", "provider", "fallbacks", "error"),
    [
        ("model-x", None, (), UnknownModel),
        ("shared", "nobody", (), UnknownProvider),
        ("shared", None, ("model-x",), UnknownModel),
    ],
)
def test_an_unknown_name_is_an_answer_and_no_crash(
    desk: Desk, model: str, provider: str | None, fallbacks: tuple[str, ...], error: type[Exception]
) -> None:
    assert isinstance(desk.answer(model, provider, *fallbacks), error)
    assert desk.routes()[0] == "a/model-a"
    assert desk.router.is_alive()


def test_without_providers_there_are_no_routes(open_desk: Open) -> None:
    assert open_desk(()).routes() == []


def test_a_stray_message_changes_nothing(desk: Desk) -> None:
    assert call(desk.router, "a message for somebody else", LIMIT) is None
    assert desk.routes()[0] == "a/model-a"
