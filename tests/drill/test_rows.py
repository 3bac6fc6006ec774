"""The table of rows: complete, and at one with the wall and with config/drill.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortex_actors.drill.behaviours import BEHAVIOURS
from cortex_actors.drill.reading import SSE, STREAMS
from cortex_actors.drill.rows import ROWS
from cortex_actors.drill.runner import Case, asked
from cortex_actors.drill.scenario import Scenario
from cortex_actors.settings import Settings, load

_KEYS = {"WALL_KEYS": "sk-wall-one,sk-wall-two"}
_CONFIG = Path(__file__).parents[2] / "config" / "drill.toml"

#: Behaviours that are no fault of their own, or one that another row shows as well.
_NO_ROW = {"healthy"}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(_CONFIG, _KEYS)


def test_the_names_of_rows_are_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_every_behaviour_of_the_wall_is_put_to_the_test() -> None:
    used = {model.partition("/")[2] for row in ROWS for model in (row.target, *row.fallbacks)}

    assert used == set(BEHAVIOURS) - _NO_ROW


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_asks_providers_that_the_settings_have(row: Scenario, settings: Settings) -> None:
    there = {provider.name for provider in settings.providers}

    assert {model.partition("/")[0] for model in (row.target, *row.fallbacks)} <= there
    assert row.behaviour.name == row.target.partition("/")[2]
    assert row.framings
    assert row.checks


def test_every_fault_in_the_middle_is_met_in_every_streaming_framing() -> None:
    rows = {row.name: row for row in ROWS}

    for name in ("cut-at-40", "reset-at-40", "stall-at-20", "error-event", "clean-end-without-finish"):
        assert set(STREAMS) <= set(rows[name].framings)


def test_the_settings_are_the_defaults_but_for_limits_and_patience(settings: Settings) -> None:
    usual = load(None, {})

    assert (settings.limits.first_token, settings.limits.idle) == (8.0, 10.0)
    for section in ("routing", "health", "breaker", "keys", "retry", "supervision"):
        assert getattr(settings, section) == getattr(usual, section)


def test_keys_stand_where_a_next_key_is_judged_and_nowhere_in_the_file(settings: Settings) -> None:
    keys = {provider.name: len(provider.keys) for provider in settings.providers}

    assert keys == {
        "wall": 2,
        "wall-healthy": 2,
        "wall-prefill": 2,
        "wall-keyless": 0,
        "wall-limited": 2,
        "wall-broke": 2,
        "wall-locked": 2,
    }
    assert all(provider.base_url == "http://127.0.0.1:9900/v1" for provider in settings.providers)


def test_a_case_marks_every_model_it_names() -> None:
    row = next(row for row in ROWS if row.name == "stall-at-20")

    body = asked(Case(row, SSE), "m1").body

    assert body["model"] == "wall/stall-at-20+m1"
    assert body["fallbacks"] == ["wall-healthy/steady+m1"]
    assert body["limits"] == {"idle": 2.0}
