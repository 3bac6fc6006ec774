"""Permission: whoever may have one provider or model never gets another, whichever way a name leads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cortex_actors.chat import RequestLimits
from cortex_actors.dispatch.models import KnownModel, ModelNames
from cortex_actors.dispatch.permission import EVERYTHING, Permission
from cortex_actors.errors import CortexError, Forbidden, UnknownModel, UnknownProvider
from cortex_actors.settings import ModelSettings, Route
from tests.dispatch.factories import view
from tests.dispatch.plant import Client, Plant, ask, read
from tests.dispatch.plant import provider as plant_provider
from tests.dispatch.test_router import TRIO, Desk
from tests.upstream import ScriptedUpstream, json_answer, openai_stream


def may(providers: str = "", models: str = "") -> Permission:
    return Permission(frozenset(providers.split()), frozenset(models.split()))


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(TRIO, "priority_first")
    yield desk
    desk.router.stop()


# -- what it admits


@pytest.mark.parametrize(
    ("permission", "asked", "provider", "model", "admitted"),
    [
        (may(), "x", "p", "m", True),
        (may(providers="p"), "x", "p", "m", True),
        (may(providers="q"), "x", "p", "m", False),
        (may(models="m"), "x", "p", "m", True),
        (may(models="x"), "x", "p", "m", True),
        (may(models="p/m"), "x", "p", "m", True),
        (may(models="q/m"), "x", "p", "m", False),
        (may(models="other"), "x", "p", "m", False),
        (may(providers="q", models="x"), "x", "p", "m", False),
    ],
)
def test_a_permission_admits_by_provider_and_by_any_name_of_the_model(
    permission: Permission, asked: str, provider: str, model: str, admitted: bool
) -> None:
    assert permission.admits(asked, provider, model) is admitted


# -- where names lead


@pytest.mark.parametrize(
    ("model", "provider", "fallbacks", "routes"),
    [
        (None, None, (), ["b/model-b"]),
        ("auto", None, (), ["b/model-b"]),
        ("shared", None, (), ["b/shared"]),
        ("smart", None, (), ["b/model-b", "b/shared"]),
        ("b/anything", None, (), ["b/anything"]),
        ("model-b", None, ("b",), ["b/model-b"]),
        ("shared", "b", ("shared",), ["b/shared"]),
    ],
)
def test_every_name_leads_to_the_providers_of_the_key_alone(
    desk: Desk, model: str | None, provider: str | None, fallbacks: tuple[str, ...], routes: list[str]
) -> None:
    desk.may = may(providers="b")
    assert desk.routes(model, provider, *fallbacks) == routes


@pytest.mark.parametrize(
    ("model", "provider", "fallbacks"),
    [
        ("model-a", None, ()),
        ("a/model-a", None, ()),
        ("a/shared", None, ()),
        (None, "a", ()),
        ("shared", "a", ()),
        ("roomy", None, ()),
        ("shared", None, ("a",)),
        ("shared", None, ("model-a",)),
        ("shared", None, ("a/shared",)),
    ],
)
def test_a_name_that_leads_to_others_only_is_forbidden(
    desk: Desk, model: str | None, provider: str | None, fallbacks: tuple[str, ...]
) -> None:
    desk.may = may(providers="b")
    assert isinstance(desk.answer(model, provider, *fallbacks), Forbidden)


@pytest.mark.parametrize(
    ("models", "asked", "routes"),
    [
        ("smart", "smart", ["b/model-b", "c/shared"]),  # its own routes, and none of its fallbacks
        ("smart model-a", "smart", ["b/model-b", "c/shared", "a/model-a"]),
        ("shared", "smart", ["c/shared", "a/shared", "b/shared"]),
        ("auto", None, ["a/model-a", "b/model-b", "c/model-c"]),
        ("model-c", None, ["c/model-c"]),
        ("a/shared", "shared", ["a/shared"]),
    ],
)
def test_models_are_judged_by_what_was_asked_for_and_by_what_it_is(
    desk: Desk, models: str, asked: str | None, routes: list[str]
) -> None:
    desk.may = may(models=models)
    assert desk.routes(asked) == routes


@pytest.mark.parametrize("asked", ["model-a", "auto", "smart", "a/model-a"])
def test_a_model_that_is_not_listed_is_forbidden(desk: Desk, asked: str) -> None:
    desk.may = may(models="model-c")
    answer = desk.answer(asked)
    if asked == "auto":
        assert desk.routes(asked) == ["c/model-c"]
    else:
        assert isinstance(answer, Forbidden)


def test_the_larger_model_is_kept_from_whoever_may_not_have_it(desk: Desk) -> None:
    desk.may = may(providers="b c")
    answer = desk.answer("smart")
    assert answer.larger == ()  # type: ignore[attr-defined]
    desk.may = EVERYTHING
    assert desk.answer("smart").larger != ()  # type: ignore[attr-defined]
    assert desk.answer("smart").limits == RequestLimits(idle=3.0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("model", "provider", "kind"), [("modle-a", None, UnknownModel), (None, "aa", UnknownProvider)]
)
def test_near_names_that_are_for_others_are_not_told(
    desk: Desk, model: str | None, provider: str | None, kind: type[CortexError]
) -> None:
    desk.may = may(providers="b", models="shared")
    answer = desk.answer(model, provider)
    assert type(answer) is kind
    assert "Near names" not in str(answer)
    assert "model-a" not in str(answer)


# -- what is listed

VIEWS = {name: view(name, models=(f"model-{name}", "shared")) for name in "abc"}
NAMES = ModelNames(
    (ModelSettings(name="smart", routes=(Route("a", "model-a"),)),), {name: f"model-{name}" for name in VIEWS}
)


@pytest.mark.parametrize(
    ("permission", "names"),
    [
        (EVERYTHING, "auto smart model-a shared model-b model-c"),
        (may(providers="b"), "auto model-b shared"),
        (may(providers="a"), "auto smart model-a shared"),
        (may(models="smart"), "smart"),
        (may(models="model-a"), "auto smart model-a"),
        (may(models="b/shared"), "shared"),
        (may(models="nothing"), ""),
    ],
)
def test_a_caller_is_told_of_the_models_it_may_have(permission: Permission, names: str) -> None:
    assert [model.name for model in NAMES.listed(VIEWS, permission)] == names.split()


def test_a_shared_name_belongs_to_the_first_provider_that_is_for_the_caller() -> None:
    assert KnownModel("shared", "b") in NAMES.listed(VIEWS, may(providers="b c"))


def test_a_single_model_is_told_or_forbidden() -> None:
    assert NAMES.known("shared", VIEWS, may(providers="c")) == KnownModel("shared", "c")
    with pytest.raises(Forbidden):
        NAMES.known("model-a", VIEWS, may(providers="c"))


# -- all the way


def test_a_failure_leads_to_nobody_whom_the_key_may_not_have() -> None:
    public = ModelSettings(
        name="smart", routes=(Route("broken", "m"), Route("other", "m")), fallbacks=("other/m", "auto")
    )
    with ScriptedUpstream() as upstream, ScriptedUpstream() as forbidden:
        upstream.default = json_answer(500)
        forbidden.default = openai_stream(["stolen"])
        with Plant(
            plant_provider("broken", upstream.url), plant_provider("other", forbidden.url), models=[public]
        ) as plant:
            caller = Client()
            caller.permission = may(providers="broken")
            for asked in (
                ask(model="smart"),
                ask(),
                ask(model="m"),
                ask(model="broken/m", fallbacks=("auto",)),
            ):
                with pytest.raises(CortexError):
                    plant.open(asked, caller)
            assert forbidden.requests == []
            assert read(plant.open(ask(model="smart"))) == "stolen"  # whoever may have everything
