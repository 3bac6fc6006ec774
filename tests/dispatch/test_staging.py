"""Which stages an answer passes: everybody's, then the provider's, then those that the request names."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import ChatRequest, EmbeddingsRequest
from cortex_actors.dispatch.staging import Staging
from cortex_actors.errors import InvalidRequest, SettingsError
from cortex_actors.settings import ProviderSettings, Settings, StageSettings, StreamingSettings

CLEAN = StageSettings("clean", "drop_empty")
STAMP = StageSettings("stamp", "timestamp")
FIVE = StageSettings("five", "buffer", options={"chunks": 5})
NO_KEYS = StageSettings("no-keys", "deny_patterns", policy="drop", options={"patterns": ["sk-"]})


def _settings(**changes: Any) -> Settings:
    plain: dict[str, Any] = {
        "stages": (CLEAN, STAMP, FIVE, NO_KEYS),
        "streaming": StreamingSettings(("clean",)),
        "providers": (ProviderSettings("one", stages=("no-keys", "clean")), ProviderSettings("two")),
    }
    return Settings(**(plain | changes))


def _names(request: ChatRequest, provider: str, **changes: Any) -> list[str]:
    asked = Staging.of(_settings(**changes)).asked(request)
    return [] if asked is None else [stage.name for stage in asked.of(provider)]


def test_an_answer_passes_everybodys_then_the_providers_then_the_requests_each_once() -> None:
    request = ChatRequest((), stages=("five", "no-keys", "five"))
    assert _names(request, "one") == ["clean", "no-keys", "five"]
    assert _names(request, "two") == ["clean", "five", "no-keys"]


def test_a_request_takes_nothing_away() -> None:
    assert _names(ChatRequest((), stages=()), "one") == ["clean", "no-keys"]
    assert _names(ChatRequest((), stages=("stamp",)), "one") == ["clean", "no-keys", "stamp"]


def test_where_nothing_is_passed_there_is_nothing() -> None:
    plain = _settings(streaming=StreamingSettings(), providers=(ProviderSettings("one"),))
    assert Staging.of(plain).asked(ChatRequest(())) is None
    assert Staging().asked(ChatRequest(())) is None
    assert Staging.of(_settings()).asked(EmbeddingsRequest(("a",), "m")) is None, "vectors pass no stage"


def test_a_request_names_what_is_configured_and_nothing_else() -> None:
    staging = Staging.of(_settings())
    with pytest.raises(InvalidRequest, match="There is no stage clear; did you mean clean") as raised:
        staging.asked(ChatRequest((), stages=("clean", "clear")))
    assert raised.value.field == "stages"
    for name in ("os:getcwd", "drop_empty"):
        with pytest.raises(InvalidRequest, match="There is no stage"):
            staging.asked(ChatRequest((), stages=(name,)))


def test_every_mistake_in_the_stages_is_told_at_once() -> None:
    bad = (StageSettings("a", "drop_emty"), StageSettings("b", "max_chars"), CLEAN)
    with pytest.raises(SettingsError) as raised:
        Staging.of(_settings(stages=bad))
    first, second = raised.value.mistakes
    assert first.startswith("stages.a.use must be one of")
    assert second == "stages.b.options.limit is missing"


def test_what_the_settings_say_of_a_stage_reaches_it() -> None:
    stages = Staging.of(_settings()).stages
    assert {name: stage.kind for name, stage in stages.items()} == {
        "clean": "transform",
        "stamp": "transform",
        "five": "buffer",
        "no-keys": "validate",
    }
