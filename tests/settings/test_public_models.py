"""Public models: names of one's own, and what stands behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortex_actors.chat import RequestLimits
from cortex_actors.settings import ModelSettings, Route
from tests.settings import mistakes_of, settings_of

ENVIRON = {"GROQ_API_KEYS": "k", "XAI_API_KEYS": "k"}


def test_a_public_model_may_say_everything(tmp_path: Path) -> None:
    text = """\
    [[models]]
    name = "fast"
    strategy = "weighted"
    fallbacks = ["slow", "openai/gpt-oss-20b", "xai-primary/grok-9"]
    limits = { first_token = 8, total = 90 }
    routes = [
        { provider = "groq-primary", model = "llama", weight = 3 },
        { provider = "xai-primary" },
    ]
    [[models]]
    name = "slow"
    [[models.routes]]
    provider = "xai-primary"
    """
    fast, slow = settings_of(tmp_path, text, ENVIRON).models
    assert fast == ModelSettings(
        name="fast",
        strategy="weighted",
        fallbacks=("slow", "openai/gpt-oss-20b", "xai-primary/grok-9"),
        routes=(Route("groq-primary", "llama", 3.0), Route("xai-primary", "grok-4.3", 1.0)),
        limits=RequestLimits(first_token=8.0, total=90.0),
    )
    assert (slow.fallbacks, slow.limits) == ((), RequestLimits())


def test_a_public_model_without_a_strategy_has_that_of_the_routing(tmp_path: Path) -> None:
    text = (
        "[routing]\nstrategy = 'fastest'\n[[models]]\nname = 'm'\nroutes = [{ provider = 'xai-primary' }]\n"
    )
    (model,) = settings_of(tmp_path, text, ENVIRON).models
    assert model.strategy == "fastest"


def test_every_reference_must_name_something_configured(tmp_path: Path) -> None:
    text = """\
    [[models]]
    name = "fast"
    fallbacks = ["fast", "fats", "nowhere/x"]
    routes = [
        { provider = "grok-primary" },
        { model = "x" },
    ]
    [[models]]
    name = "fast"
    routes = [{ provider = "xai-primary" }]
    """
    assert mistakes_of(tmp_path, text, ENVIRON) == [
        "cortex.toml:5: models.fast.routes.1: there is no provider grok-primary; did you mean groq-primary?",
        "cortex.toml:6: models.fast.routes.2 needs a provider",
        "cortex.toml:3: models.fast.fallbacks names the model itself",
        "cortex.toml:3: models.fast.fallbacks: there is no model fats; did you mean fast?",
        "cortex.toml:3: models.fast.fallbacks: there is no model nowhere/x",
        "cortex.toml:9: models.fast has the name of another model",
    ]


def test_a_public_model_needs_a_name_and_routes(tmp_path: Path) -> None:
    assert mistakes_of(
        tmp_path, "[[models]]\nstrategy = 'fast'\nroute = []\n[[models]]\nname = ''\nroutes = []\n"
    ) == [
        (
            "cortex.toml:2: models.1.strategy must be one of priority_first, local_first, round_robin, "
            "least_used, random, weighted, fastest, not 'fast'; did you mean fastest?"
        ),
        "cortex.toml:3: models.1.route is not a setting; did you mean routes?",
        "cortex.toml:1: models.1 needs a name",
        'cortex.toml:1: models.1 needs routes, such as [{ provider = "groq-primary" }]',
        "cortex.toml:5: models.2.name must be 1 to 256 printable characters",
        'cortex.toml:6: models.2 needs routes, such as [{ provider = "groq-primary" }]',
    ]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ("connect = 1", "models.m.limits.connect is not a setting"),
        ("total = 0", "models.m.limits.total must be above 0"),
        ("idle = 'x'", "models.m.limits.idle must be a number, not a string"),
        ("idle = 20, total = 10", "models.m.limits.idle (20 s) must be at most models.m.limits.total (10 s)"),
        (
            "total = 900",
            "models.m.limits.total is longer than that of xai-primary (600 s); a model can only tighten it",
        ),
        ("first_token = 5", "models.m.limits.connect (5 s) must be below models.m.limits.first_token (5 s)"),
    ],
)
def test_limits_of_a_model_tighten_those_of_its_providers_in_order(
    tmp_path: Path, limits: str, says: str
) -> None:
    text = f"[[models]]\nname = 'm'\nroutes = [{{ provider = 'xai-primary' }}]\nlimits = {{ {limits} }}\n"
    assert mistakes_of(tmp_path, text, ENVIRON) == [f"cortex.toml:4: {says}"]


def test_a_short_total_alone_is_enough(tmp_path: Path) -> None:
    text = "[[models]]\nname = 'm'\nroutes = [{ provider = 'xai-primary' }]\nlimits = { total = 20 }\n"
    (model,) = settings_of(tmp_path, text, ENVIRON).models
    assert model.limits == RequestLimits(total=20.0)


def test_entries_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, "models = [1, { name = 'a', routes = [2] }]\n", ENVIRON) == [
        "cortex.toml:1: models.1 must be a table",
        'cortex.toml:1: models.1 needs routes, such as [{ provider = "groq-primary" }]',
        "cortex.toml:1: models.a.routes.1 must be a table",
    ]
