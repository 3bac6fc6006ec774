"""`[[stages]]`, and the lists that name them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cortex_actors.settings import Settings, StageSettings, load, render, texts
from cortex_actors.settings.keys import keys_of
from tests.settings import mistakes_of, settings_of
from tests.settings.test_reference import with_examples

STAGES = """\
    [streaming]
    stages = ["clean"]

    [[providers]]
    name = "vllm"
    type = "openai_compatible"
    base_url = "http://10.0.0.5:8000/v1"
    stages = ["no-keys", "loud"]

    [[stages]]
    name = "clean"
    use = "drop_empty"

    [[stages]]
    name = "no-keys"
    use = "deny_patterns"
    policy = "replace"
    replacement = "[key]"
    options = { patterns = ["sk-[a-z0-9]{20}"] }

    [[stages]]
    name = "loud"
    use = "my_package.stages:loud"
    kind = "validate"
"""


def test_without_any_there_is_none(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "")
    assert (settings.stages, settings.streaming.stages) == ((), ())
    assert settings.providers[0].stages == ()


def test_stages_are_read_with_all_they_say(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, STAGES)
    assert settings.streaming.stages == ("clean",)
    assert settings.providers[0].stages == ("no-keys", "loud")
    assert settings.stages == (
        StageSettings("clean", "drop_empty"),
        StageSettings(
            "no-keys",
            "deny_patterns",
            policy="replace",
            replacement="[key]",
            options={"patterns": ["sk-[a-z0-9]{20}"]},
        ),
        StageSettings("loud", "my_package.stages:loud", kind="validate"),
    )


def test_those_of_every_answer_may_come_from_the_environment(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, STAGES, {"CORTEX_STREAMING__STAGES": "loud, clean"})
    assert settings.streaming.stages == ("loud", "clean")


def test_what_is_in_effect_can_be_read_back(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, STAGES)
    path = tmp_path / "again.toml"
    path.write_text(render(settings), encoding="utf-8")
    again: Settings = load(path, {})
    assert (again.stages, again.streaming) == (settings.stages, settings.streaming)
    assert again.providers[0].stages == settings.providers[0].stages


def test_the_example_of_a_stage_names_every_key() -> None:
    (example,) = tomllib.loads(with_examples())["stages"]
    assert set(example) == set(keys_of(StageSettings))


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("stages = 5", ["cortex.toml:1: stages is a list of tables: write [[stages]]"]),
        ("[[stages]]\nname = 'a'", ["cortex.toml:1: stages.a needs a use"]),
        ("[[stages]]\nuse = 'buffer'", ["cortex.toml:1: stages.1 needs a name"]),
        (
            "[[stages]]\nname = 'A'\nuse = 'buffer'",
            [f"cortex.toml:2: stages.1.name {texts.provider_name('A')}"],
        ),
        (
            "[[stages]]\nname = 'a'\nuse = 'os;rm'",
            [f"cortex.toml:3: stages.a.use {texts.stage_use('os;rm')}"],
        ),
        (
            "[[stages]]\nname = 'a'\nuse = 'buffer'\nkind = 'buffer'",
            ["cortex.toml:4: stages.a.kind must be one of transform, validate, measure, not 'buffer'"],
        ),
        (
            "[[stages]]\nname = 'a'\nuse = 'x:y'\npolicy = 'skip'",
            ["cortex.toml:4: stages.a.policy must be one of stop, drop, replace, not 'skip'"],
        ),
        (
            "[[stages]]\nname = 'a'\nuse = 'x:y'\nopions = {}",
            ["cortex.toml:4: stages.a.opions is not a setting; did you mean options?"],
        ),
        (
            "[[stages]]\nname = 'a'\nuse = 'buffer'\n[[stages]]\nname = 'a'\nuse = 'buffer'",
            ["cortex.toml:5: stages.a has the name of another stage"],
        ),
        (
            "[streaming]\nstages = ['clear']\n[[stages]]\nname = 'clean'\nuse = 'buffer'",
            ["cortex.toml:2: streaming.stages: there is no stage clear; did you mean clean?"],
        ),
        (
            "[[providers]]\nname = 'v'\ntype = 'mock'\nstages = ['a']",
            ["cortex.toml:1: providers.v.stages: there is no stage a"],
        ),
    ],
)
def test_a_mistake_names_its_place_and_its_key(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    assert mistakes_of(tmp_path, text) == mistakes
