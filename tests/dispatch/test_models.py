"""What a model name means."""

from __future__ import annotations

import pytest

from cortex_actors.dispatch.models import KnownModel, ModelNames
from cortex_actors.dispatch.permission import EVERYTHING
from cortex_actors.errors import UnknownModel, UnknownProvider
from cortex_actors.settings import ModelSettings, Route
from tests.dispatch.factories import view

VIEWS = {
    "groq-primary": view("groq-primary", models=("llama-3.1-8b-instant", "shared")),
    "mistral-primary": view("mistral-primary", models=("mistral-small", "shared")),
}
DEFAULTS = {"groq-primary": "llama-3.1-8b-instant", "mistral-primary": "mistral-small"}
SMART = ModelSettings(
    name="smart",
    routes=(Route("groq-primary", "shared", 2.0), Route("mistral-primary", "mistral-small", 1.0)),
)


def _who(name: str | None, provider: str | None = None) -> list[tuple[str, str]]:
    names = ModelNames((SMART,), DEFAULTS)
    return [(c.view.name, c.model) for c in names.candidates(name, provider, VIEWS)]


@pytest.mark.parametrize("name", [None, "auto"])
def test_no_name_means_every_provider_with_its_default_model(name: str | None) -> None:
    assert _who(name) == [("groq-primary", "llama-3.1-8b-instant"), ("mistral-primary", "mistral-small")]


def test_a_public_model_means_its_routes_each_with_its_own_name_for_the_model() -> None:
    assert _who("smart") == [("groq-primary", "shared"), ("mistral-primary", "mistral-small")]


def test_provider_slash_model_means_that_model_at_that_provider() -> None:
    assert _who("groq-primary/some/new-model") == [("groq-primary", "some/new-model")]


def test_a_bare_name_means_every_provider_that_lists_it() -> None:
    assert _who("mistral-small") == [("mistral-primary", "mistral-small")]
    assert _who("shared") == [("groq-primary", "shared"), ("mistral-primary", "shared")]


def test_a_provider_whose_list_nobody_knows_takes_any_name() -> None:
    names = ModelNames((), {"open": ""})
    found = names.candidates("whatever", None, {"open": view("open", models=())})
    assert [(c.view.name, c.model) for c in found] == [("open", "whatever")]


def test_an_unknown_model_is_refused_with_near_names() -> None:
    with pytest.raises(UnknownModel, match=r"mistral-smal'.*mistral-small"):
        _who("mistral-smal")


def test_a_pinned_provider_is_matched_by_its_exact_name_alone() -> None:
    assert _who(None, "groq-primary") == [("groq-primary", "llama-3.1-8b-instant")]
    with pytest.raises(UnknownProvider, match="groq-primary"):
        _who(None, "groq")


def test_a_pinned_provider_gets_its_own_name_for_a_public_model() -> None:
    assert _who("smart", "groq-primary") == [("groq-primary", "shared")]


def test_a_server_of_ones_own_is_asked_for_what_it_has_loaded() -> None:
    loaded = view("ollama-local", type="ollama", models=("qwen3", "gemma3"))
    names = ModelNames((), {"ollama-local": "gemma3:4b"})
    assert [c.model for c in names.candidates(None, None, {"ollama-local": loaded})] == ["qwen3"]


def test_a_default_model_that_is_loaded_is_kept() -> None:
    loaded = view("ollama-local", type="ollama", models=("qwen3", "gemma3:4b"))
    names = ModelNames((), {"ollama-local": "gemma3:4b"})
    assert [c.model for c in names.candidates(None, None, {"ollama-local": loaded})] == ["gemma3:4b"]


def test_a_name_with_a_provider_in_it_is_told_near_names_of_that_kind() -> None:
    with pytest.raises(UnknownModel, match="Near names: mistral-primary/mistral-small"):
        _who("mistral-primry/mistral-small")


def test_every_name_is_listed_once_ours_before_those_of_preferred_providers() -> None:
    views = {
        "last": view("last", priority=9, models=("shared", "own")),
        "first": view("first", type="groq", priority=1, models=("shared",)),
        "silent": view("silent", priority=5, models=()),
    }
    names = ModelNames((SMART,), {"last": "own", "first": "unlisted", "silent": ""})

    assert names.listed(views, EVERYTHING) == (
        KnownModel("auto", "cortex"),
        KnownModel("smart", "cortex"),
        KnownModel("shared", "first"),
        KnownModel("unlisted", "first"),
        KnownModel("own", "last"),
    )


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("auto", "cortex"),
        ("smart", "cortex"),
        ("shared", "groq-primary"),
        ("mistral-primary/shared", "mistral-primary"),
        ("mistral-primary/some/new-model", "mistral-primary"),
    ],
)
def test_a_name_that_may_be_asked_for_is_known(name: str, owner: str) -> None:
    assert ModelNames((SMART,), DEFAULTS).known(name, VIEWS, EVERYTHING) == KnownModel(name, owner)


def test_a_name_that_may_not_is_not() -> None:
    with pytest.raises(UnknownModel):
        ModelNames((SMART,), DEFAULTS).known("nobody", VIEWS, EVERYTHING)
