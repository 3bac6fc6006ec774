"""config/cortex.toml: the reference promises what the code keeps, key by key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from cortex_actors.settings import Limits, ModelSettings, ProviderSettings, Route, load
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.reference import reference
from cortex_actors.settings.section_reader import SECTIONS

FILE = Path(__file__).parents[2] / "config" / "cortex.toml"
TEXT = FILE.read_text(encoding="utf-8")


def with_examples() -> str:
    """The reference with its example tables switched on: a comment without a blank is a setting."""
    return re.sub(r"^#(?=[\[a-z])", "", TEXT, flags=re.MULTILINE)


def test_the_file_is_what_the_declarations_say() -> None:
    assert reference() == TEXT, (
        "write it again: python -m cortex_actors.settings.reference > config/cortex.toml"
    )


def test_the_file_as_it_stands_changes_nothing() -> None:
    assert load(FILE, {}) == load(None, {})


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_a_section_is_in_the_file_at_its_default(section: str) -> None:
    content = tomllib.loads(TEXT)[section]
    defaults = {name: key.default for name, key in keys_of(SECTIONS[section]).items()}
    assert {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    } == defaults


def test_every_key_has_one_line_of_comment_with_its_unit() -> None:
    lines = TEXT.splitlines()
    for section, cls in SECTIONS.items():
        start = lines.index(f"[{section}]")
        for name, key in keys_of(cls).items():
            at = next(n for n in range(start, len(lines)) if lines[n].startswith(f"{name} = "))
            assert lines[at - 1].startswith(f"# {key.rule.about}")
            assert not lines[at - 2].startswith("# "), f"{name} has more than one line"
            assert not key.rule.unit or lines[at - 1].endswith(f"[{key.rule.unit}]")


def test_durations_and_sizes_say_their_unit() -> None:
    for cls in (*SECTIONS.values(), ProviderSettings):
        for key in keys_of(cls).values():
            if isinstance(key.default, float) and key.name != "weight":
                assert key.rule.unit, f"{key.name} has no unit"


def test_the_example_of_a_provider_names_every_key_and_is_the_provider_the_environment_makes(
    tmp_path: Path,
) -> None:
    (example,) = tomllib.loads(with_examples())["providers"]
    assert set(example) == {*keys_of(ProviderSettings), "limits"}
    assert set(example["limits"]) == set(keys_of(Limits))
    path = tmp_path / "cortex.toml"
    path.write_text(with_examples(), encoding="utf-8")
    (shown,) = load(path, {"GROQ_API_KEYS": "k"}).providers
    (made,) = load(None, {"GROQ_API_KEYS": "k"}).providers
    assert shown == made


def test_the_example_of_a_model_names_every_key(tmp_path: Path) -> None:
    (example,) = tomllib.loads(with_examples())["models"]
    assert set(example) == {*keys_of(ModelSettings), "routes", "limits"}
    assert set(example["routes"][0]) == set(keys_of(Route))
    assert set(example["limits"]) == {"first_token", "idle", "total"}
