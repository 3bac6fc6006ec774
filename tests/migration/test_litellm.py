"""LiteLLM's files as settings: what each part becomes, and what is said of the parts that become nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.migration import FILES, Imported, imported, imported_file


def deployment(model: str, name: str = "m", **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, **params}}


@pytest.fixture
def team(tmp_path: Path) -> Imported:
    return imported_file("team.yaml", tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Imported:
    return imported_file("home.yaml", tmp_path)


@pytest.fixture
def everything(tmp_path: Path) -> Imported:
    return imported_file("open.yaml", tmp_path)


# -- providers


def test_deployments_that_go_to_one_place_share_a_provider(team: Imported) -> None:
    assert {each.name: each.models for each in team.settings.providers} == {
        "openai-primary": ("gpt-4o",),
        "openai": ("gpt-4o",),
        "anthropic-primary": ("claude-sonnet-4-6",),
        "groq-primary": ("llama-3.3-70b-versatile",),
        "openai-primary-2": ("text-embedding-3-small",),
    }


def test_a_usual_name_of_a_key_stays_usual(team: Imported) -> None:
    assert (
        team.provider("openai-primary").keys_env == "OPENAI_API_KEYS"
    )  # which OPENAI_API_KEY stands for, too
    assert team.provider("groq-primary").keys_env == "GROQ_API_KEYS"


def test_a_reference_to_the_environment_stays_a_reference(team: Imported) -> None:
    assert team.provider("openai").keys_env == "OPENAI_KEY_SPARE"


def test_what_is_said_for_every_request_becomes_options_of_the_dialect(
    team: Imported, home: Imported
) -> None:
    assert team.provider("anthropic-primary").options == {"max_tokens": 8192, "body": {"temperature": 0.3}}
    assert team.provider("openai").options == {"organization": "org-spare"}
    assert home.provider("ollama-local").options == {"keep_alive": "30m", "model_options": {"num_ctx": 16384}}
    assert home.provider("hosted-vllm").headers == {"X-Source": "home"}


def test_openais_client_at_another_address_is_an_openai_compatible_provider(home: Imported) -> None:
    studio = home.provider("openai-like")

    assert (studio.type, studio.base_url) == ("openai_compatible", "http://localhost:1234")
    assert studio.options["chat_path"] == "/chat/completions"  # to a bare host, LiteLLM adds no /v1
    assert studio.options["body"] == {"repetition_penalty": 1.1}


def test_a_provider_with_openais_api_is_known_by_its_name(home: Imported) -> None:
    openrouter = home.provider("openrouter")

    assert (openrouter.type, openrouter.base_url) == ("openai_compatible", "https://openrouter.ai/api/v1")
    assert openrouter.models == ("meta-llama/llama-3.3-70b-instruct",)


def test_a_credential_is_looked_up_by_its_name(home: Imported) -> None:
    assert home.provider("openrouter").keys_env == "OPENROUTER_API_KEY"


def test_streams_at_once_are_bounded(home: Imported) -> None:
    assert home.provider("hosted-vllm").max_streams == 16


def test_a_word_that_is_no_key_is_none(home: Imported) -> None:
    assert home.provider("hosted-vllm").keys == ()


def test_an_order_becomes_a_priority_and_what_has_none_is_last(home: Imported) -> None:
    chat = home.model("chat")

    assert chat.strategy == "priority_first"
    assert [home.provider(route.provider).priority for route in chat.routes] == [1, 2, 3]


def test_a_model_without_a_provider_is_known_by_its_family(team: Imported) -> None:
    assert team.model("embed").routes[0].model == "text-embedding-3-small"


def test_an_address_in_the_environment_is_looked_up(tmp_path: Path) -> None:
    document = {
        "model_list": [deployment("openai/x", api_base="os.environ/BASE"), deployment("hosted_vllm/y")]
    }
    environ = {"BASE": "http://one.lan/v1/", "HOSTED_VLLM_API_BASE": "http://two.lan/v1"}

    found = imported(document, tmp_path, environ)

    assert [each.base_url for each in found.settings.providers] == ["http://one.lan/v1", "http://two.lan/v1"]


@pytest.mark.parametrize("base", ["os.environ/BASE", "ftp://x", "https://user:CANARY@host/v1", "", 7])
def test_a_deployment_whose_address_is_unknown_is_left_out_as_a_whole(tmp_path: Path, base: object) -> None:
    kept = deployment("groq/a", name="kept")

    found = imported({"model_list": [deployment("openai/x", api_base=base), kept]}, tmp_path)

    assert [each.name for each in found.settings.models] == ["kept"]
    assert [each.type for each in found.settings.providers] == ["groq"]
    assert found.noted("model_list[0] of m")


# -- keys


def test_a_key_that_stands_in_the_file_gets_a_name_in_the_environment(home: Imported) -> None:
    assert home.provider("openrouter-2").keys_env == "OPENROUTER_2_API_KEYS"
    assert home.noted("set OPENROUTER_2_API_KEYS to the key of backup")


def test_a_name_that_settings_do_not_take_gets_another(everything: Imported) -> None:
    (mistral,) = (each for each in everything.settings.providers if each.type == "mistral")

    assert everything.noted(f"set {mistral.keys_env} to the key of mistral-*")


def test_a_provider_with_keys_of_its_own_is_not_the_one_that_the_environment_makes(tmp_path: Path) -> None:
    models = [
        deployment("openai/a", api_key="os.environ/OPENAI_KEY_EU"),
        deployment("groq/b", api_key="sk-CANARY"),
    ]

    found = imported({"model_list": models}, tmp_path, {"OPENAI_API_KEY": "k", "GROQ_API_KEYS": "k"})

    assert {each.name for each in found.settings.providers} == {
        "openai",
        "groq",
        "openai-primary",
        "groq-primary",
    }


def test_equal_keys_are_one_provider_and_different_ones_two(tmp_path: Path) -> None:
    keys = ["sk-CANARY-a", "sk-CANARY-b", "sk-CANARY-a"]
    models = [deployment(f"openai/{number}", api_key=key) for number, key in enumerate(keys)]

    found = imported({"model_list": models}, tmp_path)

    assert [each.models for each in found.settings.providers] == [("0", "2"), ("1",)]


def test_a_name_for_a_key_is_nobody_elses(tmp_path: Path) -> None:
    models = [
        deployment("deepseek/a", api_key="os.environ/DEEPSEEK_API_KEY"),
        deployment("deepseek/b", api_key="sk-CANARY", name="deepseek-2"),
        deployment("openai/*", name="deepseek-2/*", api_key="sk-CANARY"),
        deployment("openai/d", api_key="os.environ/DEEPSEEK_2_API_KEY"),
    ]

    found = imported({"model_list": models}, tmp_path)

    names = [each.keys_env for each in found.settings.providers]
    assert len({name.removesuffix("S") for name in names}) == len(names) == 4


@pytest.mark.parametrize("name", ["team.yaml", "home.yaml", "open.yaml"])
def test_no_key_of_the_file_is_ever_written_or_told(name: str, tmp_path: Path) -> None:
    found = imported_file(name, tmp_path)

    assert "CANARY" not in found.text
    assert "CANARY" not in "".join(found.notes)


def test_credentials_among_headers_and_body_are_told_by_name(home: Imported) -> None:
    assert home.noted("extra_headers.X-Api-Key of chat", "credentials")
    assert home.noted("extra_body.api_key of studio", "credentials")


# -- public models


def test_rates_become_weights(team: Imported) -> None:
    gpt = team.model("gpt-4o")

    assert gpt.strategy == "weighted"
    assert [(route.provider, route.weight) for route in gpt.routes] == [
        ("openai-primary", 600.0),
        ("openai", 1200.0),
    ]
    assert team.noted("litellm_params.rpm of gpt-4o")


def test_a_weight_counts_more_than_a_rate(tmp_path: Path) -> None:
    models = [deployment("openai/a", weight=3, rpm=1), deployment("groq/b", weight=1, rpm=9)]

    found = imported({"model_list": models}, tmp_path)

    assert [route.weight for route in found.model("m").routes] == [3.0, 1.0]


def test_fallbacks_and_the_larger_model_step_in(team: Imported) -> None:
    assert team.model("gpt-4o").fallbacks == ("claude", "cheap")
    assert team.model("claude").fallbacks == ("gpt-4o",)
    assert team.model("cheap").larger == "gpt-4o"


def test_a_second_name_has_all_that_the_first_has(team: Imported) -> None:
    first, second = team.model("gpt-4o"), team.model("gpt-4")

    assert (second.routes, second.fallbacks, second.strategy) == (
        first.routes,
        first.fallbacks,
        first.strategy,
    )


def test_default_fallbacks_are_those_of_every_other_model(home: Imported) -> None:
    assert home.model("chat").fallbacks == ("backup",)
    assert home.model("studio").fallbacks == ("backup",)
    assert home.model("backup").fallbacks == ()


def test_a_wildcard_opens_all_models_of_its_provider_under_the_name_before_it(everything: Imported) -> None:
    assert everything.provider("openai").models == ()
    assert everything.provider("anthropic").models == ()
    assert [each.name for each in everything.settings.models] == ["best"]
    assert everything.model("best").routes[0].provider == "openai"


def test_a_fallback_may_be_a_model_of_a_wildcard(everything: Imported) -> None:
    assert everything.model("best").fallbacks == ("anthropic/claude-sonnet-4-6",)
    assert everything.noted("fallbacks of best", "no models of the list")


# -- sections


def test_the_strategy_is_the_nearest_there_is(tmp_path: Path) -> None:
    model = [deployment("groq/a")]
    nearest = {
        "simple-shuffle": "random",
        "least-busy": "least_used",
        "latency-based-routing": "fastest",
        "usage-based-routing-v2": "least_used",
        "cost-based-routing": "random",
    }

    for name, ours in nearest.items():
        found = imported({"model_list": model, "router_settings": {"routing_strategy": name}}, tmp_path)
        assert found.settings.routing.strategy == ours
        assert found.noted("routing_strategy") == (name.startswith(("usage", "cost")))


def test_timeouts_become_limits_that_stay_in_order(team: Imported, everything: Imported) -> None:
    assert team.settings.limits.total == 300.0
    assert team.provider("openai-primary").limits.total == 120.0
    limits = everything.settings.limits
    assert (limits.connect, limits.first_token, limits.idle, limits.total) == (5.0, 30.0, 30.0, 30.0)


def test_a_short_time_to_the_first_piece_shortens_the_connect(home: Imported) -> None:
    limits = home.provider("hosted-vllm").limits

    assert (limits.connect, limits.first_token, limits.total) == (2.0, 4.0, 600.0)


def test_a_deployment_may_take_less_time_than_all_and_more_to_begin(tmp_path: Path) -> None:
    document = {
        "model_list": [deployment("groq/a", timeout=80), deployment("xai/b", timeout=500)],
        "router_settings": {"timeout": 200, "stream_timeout": 100},
    }

    found = imported(document, tmp_path)

    assert found.provider("groq-primary").limits.first_token == 80.0
    assert found.provider("xai-primary").limits.first_token == 100.0


def test_retries_of_each_model_become_attempts_of_the_request(team: Imported, everything: Imported) -> None:
    assert team.settings.retry.max_attempts == 3 * 3  # two fallbacks, each tried three times as well
    assert everything.settings.retry.max_attempts == 2  # no retry, but the fallback is still asked


def test_a_cooldown_is_the_time_a_breaker_stays_open(team: Imported) -> None:
    assert (team.settings.breaker.open_for, team.settings.breaker.open_max) == (30.0, 30.0)


def test_logs_in_json_stay_so(team: Imported) -> None:
    assert team.settings.logs.format == "json"


# -- the rest


@pytest.mark.parametrize(
    "words",
    [
        ("model_list[1] of gpt-4o", "Azure"),
        ("model_list[6] of picture", "only chats and embeddings"),
        ("model_info of gpt-4o", "prices"),
        ("router_settings.allowed_fails", "breaker"),
        ("router_settings.redis_host",),
        ("litellm_settings.success_callback",),
        ("general_settings.master_key", "callers"),
        ("general_settings.database_url",),
        ("set what environment_variables of the file sets: LANGFUSE_SECRET_KEY",),
    ],
    ids=lambda words: words[0],
)
def test_what_has_no_counterpart_is_told_by_name(team: Imported, words: tuple[str, ...]) -> None:
    assert team.noted(*words), team.notes


def test_a_provider_that_nobody_here_speaks_to_is_told_by_name(everything: Imported) -> None:
    assert everything.noted("model_list[4] of bedrock", "bedrock")


def test_what_is_the_gateways_way_anyway_costs_no_word(team: Imported) -> None:
    assert not team.noted("drop_params")


def test_the_same_said_of_several_models_is_one_note(tmp_path: Path) -> None:
    models = [deployment(f"groq/{name}", name=name, tags=["x"]) for name in "abc"]

    found = imported({"model_list": models}, tmp_path)

    assert found.notes == ("not carried over: litellm_params.tags of a, b, c: there is no such thing here",)


@pytest.mark.parametrize("name", ["auto", " ", "a\nb", "x" * 300, None, 7])
def test_a_name_that_nobody_could_ask_for_is_left_out(tmp_path: Path, name: Any) -> None:
    models = [{**deployment("groq/a"), "model_name": name}, deployment("groq/b", name="kept")]

    found = imported({"model_list": models}, tmp_path)

    assert [each.name for each in found.settings.models] == ["kept"]


def test_a_file_reads_as_people_write_settings(team: Imported) -> None:
    assert team.text == (FILES / "team.toml").read_text(encoding="utf-8")
