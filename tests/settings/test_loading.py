"""The plain sections: defaults, the file over them, and every mistake at once."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.settings import Settings, load
from tests.settings import mistakes_of, settings_of, written


def test_without_file_and_environment_everything_is_a_default() -> None:
    settings = load(None, {})
    assert settings.server == Settings().server
    assert (settings.server.host, settings.server.port, settings.server.mode) == (
        "127.0.0.1",
        4000,
        "threads",
    )
    assert (settings.limits.connect, settings.limits.first_token) == (5.0, 60.0)
    assert (settings.limits.idle, settings.limits.total) == (60.0, 600.0)
    assert settings.routing.strategy == "priority_first"
    assert settings.cors.origins == ("http://localhost:3000", "http://localhost:5173")
    assert settings.origins == {}


def test_the_file_stands_over_the_defaults(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "[server]\nport = 0\n[limits]\ntotal = 90\n")
    assert settings.server.port == 0
    assert settings.limits.total == 90.0
    assert settings.limits.idle == 60.0
    assert settings.origins["server.port"].endswith("cortex.toml:2")


def test_without_a_path_the_environment_may_name_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 4001\n")
    assert load(None, {"CORTEX_CONFIG": str(path)}).server.port == 4001
    assert load(None, {"CORTEX_CONFIG": ""}).server.port == 4000


def test_a_path_stands_over_the_one_in_the_environment(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 4001\n")
    assert load(path, {"CORTEX_CONFIG": "/nowhere"}).server.port == 4001


def test_a_file_in_the_current_directory_is_not_read_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "[server]\nport = 4001\n")
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).server.port == 4000


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    settings = load(None, {})
    with pytest.raises(FrozenInstanceError):
        settings.server.port = 1  # type: ignore[misc]


def test_every_mistake_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    assert mistakes_of(
        tmp_path,
        """\
        [server]
        prot = 1
        port = "4000"
        mode = "thread"
        max_streams = true

        [limits]
        first_token = nan
        total = -1

        [supervison]
        """,
    ) == [
        "cortex.toml:2: server.prot is not a setting; did you mean port?",
        "cortex.toml:3: server.port must be a whole number, not a string",
        "cortex.toml:4: server.mode must be one of threads, gevent, not 'thread'; did you mean threads?",
        "cortex.toml:5: server.max_streams must be a whole number, not true or false",
        "cortex.toml:8: limits.first_token must be a finite number",
        "cortex.toml:9: limits.total must be above 0",
        "cortex.toml:11: supervison is not a section; did you mean supervision?",
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("port = 65536", "server.port must be at most 65535"),
        ("port = -1", "server.port must be at least 0"),
        ("port = 80.5", "server.port must be a whole number, not a fraction"),
        ("max_body_bytes = 0", "server.max_body_bytes must be at least 1"),
        ("body_timeout = 0", "server.body_timeout must be above 0"),
        ("keep_alive = inf", "server.keep_alive must be a finite number"),
        ("host = ''", "server.host must be a host name or an IP address"),
        ("host = 'a b'", "server.host must be a host name or an IP address"),
    ],
)
def test_values_that_cannot_work_are_refused(tmp_path: Path, line: str, says: str) -> None:
    assert mistakes_of(tmp_path, f"[server]\n{line}\n") == [f"cortex.toml:2: {says}"]


def test_an_unknown_strategy_is_refused_and_the_nearest_named(tmp_path: Path) -> None:
    (mistake,) = mistakes_of(tmp_path, "[routing]\nstrategy = 'local_frist'\n")
    assert (
        "must be one of priority_first, local_first, round_robin, least_used, random, weighted, fastest"
        in mistake
    )
    assert mistake.endswith("did you mean local_first?")


def test_a_key_of_another_section_is_sent_home(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, "idle = 3\n[server]\nidle = 3\nbackoff_max = 1\n") == [
        "cortex.toml:1: idle is not a section; did you mean limits.idle?",
        "cortex.toml:3: server.idle is not a setting; did you mean limits.idle?",
        (
            "cortex.toml:4: server.backoff_max is not a setting; "
            "did you mean retry.backoff_max or supervision.backoff_max?"
        ),
    ]


def test_a_section_must_be_a_table_and_a_list_of_tables_a_list(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, "server = 3\nmodels = 1\n[providers]\n") == [
        "cortex.toml:1: server must be a table",
        "cortex.toml:3: providers is a list of tables: write [[providers]]",
        "cortex.toml:2: models is a list of tables: write [[models]]",
    ]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("[limits]\nconnect = 60", "limits.connect (60 s) must be below limits.first_token (60 s)"),
        ("[limits]\nfirst_token = 601", "limits.first_token (601 s) must be at most limits.total (600 s)"),
        ("[limits]\nidle = 601", "limits.idle (601 s) must be at most limits.total (600 s)"),
        ("[breaker]\nopen_for = 301", "breaker.open_for (301 s) must be at most breaker.open_max (15 s)"),
        ("[retry]\nbackoff_max = 0.1", "retry.backoff (0.25 s) must be at most retry.backoff_max (0.1 s)"),
        (
            "[supervision]\nbackoff_min = 61",
            "supervision.backoff_min (61 s) must be at most supervision.backoff_max (60 s)",
        ),
    ],
)
def test_an_inner_limit_that_outlasts_its_outer_one_is_refused(tmp_path: Path, lines: str, says: str) -> None:
    assert mistakes_of(tmp_path, lines) == [f"cortex.toml:2: {says}"]


def test_first_token_and_idle_may_be_as_long_as_the_total(tmp_path: Path) -> None:
    limits = settings_of(tmp_path, "[limits]\nfirst_token = 600\nidle = 600\n").limits
    assert limits.first_token == limits.idle == limits.total


def test_a_key_in_a_section_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (mistake,) = mistakes_of(tmp_path, "[keys]\napi_key = 'sk-canary'\n")
    assert mistake.startswith("cortex.toml:2: keys.api_key: keys are never read from this file")
    assert "canary" not in mistake


def test_broken_toml_is_reported_with_its_line(tmp_path: Path) -> None:
    (mistake,) = mistakes_of(tmp_path, "[server]\nport 4000\n")
    assert mistake.startswith("cortex.toml:2: is not valid TOML: Expected '='")
    (mistake,) = mistakes_of(tmp_path, "[server]\nhost = 'a\n")
    assert mistake.startswith("cortex.toml:2: is not valid TOML")
    (mistake,) = mistakes_of(tmp_path, "[server")
    assert mistake.startswith("cortex.toml:1: is not valid TOML")


def test_a_file_nested_beyond_reason_is_a_mistake_not_a_crash(tmp_path: Path) -> None:
    (mistake,) = mistakes_of(tmp_path, "a = " + "[" * 5000)
    assert mistake == "cortex.toml: is nested too deeply"


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.toml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(SettingsError, match=reason):
            load(path, {})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load(tmp_path / "binary", {})
    (tmp_path / "huge").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(SettingsError, match="larger than"):
        load(tmp_path / "huge", {})


def test_a_file_with_windows_line_ends_and_a_mark_at_its_start_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cortex.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\r\nport = 1\r\n\r\nprot = 2\r\n")
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    assert caught.value.mistakes == (f"{path}:4: server.prot is not a setting; did you mean port?",)


def test_a_mistake_stays_on_one_line_whatever_the_file_says(tmp_path: Path) -> None:
    (mistake,) = mistakes_of(tmp_path, '[server]\n"a\\nb\\u001b[31m" = 1\n')
    assert mistake == "cortex.toml:2: server.a\\u000ab\\u001b[31m is not a setting"
