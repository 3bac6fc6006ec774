"""Stages by their names in the settings: ready made or written by a user, and each mistake by its key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import Chunk
from cortex_actors.errors import ContentRejected, SettingsError
from cortex_actors.streaming.meter import StreamMetrics
from cortex_actors.streaming.pipeline import Stage
from cortex_actors.streaming.stages.catalog import READY_MADE, make_stage
from tests.streaming.stages_at_work import Bench, text_of, texts

HERE = __name__

REPORTS: list[StreamMetrics] = []


def shout(chunk: Chunk, mark: str = "!") -> Chunk:
    return replace(chunk, text=chunk.text.upper() + mark)


def polite(chunk: Chunk) -> str | None:
    return "impolite" if "Ho" in chunk.text else None


class Reports:
    @staticmethod
    def keep(metrics: StreamMetrics) -> None:
        REPORTS.append(metrics)


NO_FUNCTION = 5


def test_what_is_there_already_is_made_by_its_name() -> None:
    assert set(READY_MADE) == {
        *("drop_empty", "timestamp", "max_chars", "deny_patterns"),
        *("buffer", "log_metrics"),
    }
    options: dict[str, dict[str, Any]] = {
        "max_chars": {"limit": 10},
        "deny_patterns": {"patterns": ["x"]},
        "buffer": {"chunks": 2, "interval": 1},
    }
    for use in READY_MADE:
        stage = make_stage("mine", use, options=options.get(use))
        assert isinstance(stage, Stage)
        assert stage.name == "mine"


def test_policy_and_replacement_reach_a_validation() -> None:
    stage = make_stage(
        "no-x", "deny_patterns", policy="replace", replacement="_", options={"patterns": ["x"]}
    )
    assert text_of(Bench([stage]).through([texts("axb")])) == "a_b"


def test_a_transform_of_ones_own_gets_the_options_by_name() -> None:
    stage = make_stage("loud", f"{HERE}:shout", options={"mark": "?"})
    assert (stage.name, stage.kind) == ("loud", "transform")
    assert text_of(Bench([stage]).through([texts("Ho")])) == "HO?"


def test_a_validation_of_ones_own_has_a_policy() -> None:
    strict = make_stage("polite", f"{HERE}:polite", kind="validate")
    with pytest.raises(ContentRejected, match="The stage polite refused the answer: impolite"):
        Bench([strict]).through([texts("Ho")])
    lax = make_stage("polite", f"{HERE}:polite", kind="validate", policy="drop")
    assert text_of(Bench([lax]).through([texts("Ho", "la")])) == "la"


def test_a_function_may_be_inside_a_class_and_measure() -> None:
    bench = Bench([make_stage("keep", f"{HERE}:Reports.keep", kind="measure")])
    bench.through([texts("Ho")])
    bench.pipeline.finish("completed")
    assert REPORTS.pop().status == "completed"


@pytest.mark.parametrize(
    ("use", "options", "mistake"),
    [
        ("drop_emty", {}, "stages.mine.use must be one of .*; did you mean drop_empty?"),
        ("a.b:", {}, "stages.mine.use must be one of"),
        ("not_there.at_all:f", {}, "stages.mine.use not_there.at_all cannot be imported: ModuleNotFound"),
        (f"{HERE}:shoot", {}, "has no shoot; did you mean shout?"),
        (f"{HERE}:NO_FUNCTION", {}, "stages.mine.use .* is no function"),
        (f"{HERE}:shout", {"marc": "!"}, "stages.mine.options cannot be called .*marc"),
        ("os:getcwd", {}, "stages.mine.use cannot be called with a chunk"),
        ("max_chars", {}, "stages.mine.options.limit is missing"),
        ("max_chars", {"limit": "10"}, "stages.mine.options.limit must be a whole number"),
        ("max_chars", {"limit": True}, "stages.mine.options.limit must be a whole number"),
        ("max_chars", {"limit": 0}, "stages.mine.options do not fit: limit must be at least 1"),
        ("max_chars", {"limt": 10}, r"stages.mine.options.limt is not an option; did you mean limit\?"),
        ("max_chars", {"limit": 10, "policy": "drop"}, "stages.mine.options.policy is not an option"),
        ("deny_patterns", {"patterns": "secret"}, "stages.mine.options.patterns must be a list of texts"),
        ("deny_patterns", {"patterns": ["("]}, "stages.mine.options do not fit: .* is no regular expression"),
        ("deny_patterns", {"patterns": ["x"], "ignore_case": 1}, "ignore_case must be true or false"),
        ("buffer", {"chunks": 2, "interval": "1"}, "interval must be a number of seconds"),
        ("timestamp", {"key": 1}, "stages.mine.options.key must be a text"),
        ("timestamp", {"now": 1}, "stages.mine.options.now is not an option"),
    ],
)
def test_a_mistake_names_its_key(use: str, options: dict[str, Any], mistake: str) -> None:
    with pytest.raises(SettingsError) as raised:
        make_stage("mine", use, options=options)
    (told,) = raised.value.mistakes
    with pytest.raises(AssertionError, match=mistake):
        raise AssertionError(told)


def test_a_module_that_fails_when_it_is_imported_is_a_mistake_too(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stages_that_fail.py").write_text("raise RuntimeError('no license')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match="stages_that_fail cannot be imported: RuntimeError: no license"):
        make_stage("mine", "stages_that_fail:f")
