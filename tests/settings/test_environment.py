"""`CORTEX_SECTION__KEY`: every plain setting has one, and nothing else has."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.settings import load
from cortex_actors.settings.environment import CORTEX_NAMES
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.section_reader import SECTIONS
from tests.settings import settings_of

#: What to say where neither a number nor another word of a list is asked for.
TEXTS = {
    "CORTEX_SERVER__PEERS": "http://127.0.0.1:4001",
    "CORTEX_SERVER__HOST": "localhost",
    "CORTEX_SERVER__PID_FILE": "/run/x",
    "CORTEX_CORS__ORIGINS": "*",
    "CORTEX_CORS__METHODS": "GET",
    "CORTEX_CORS__HEADERS": "X-One",
    "CORTEX_ADMIN__TOKEN_SHA256": "0" * 64,
    "CORTEX_REDIS__URL": "redis://localhost",
    "CORTEX_JOURNAL__PREFIX": "other",
    "CORTEX_TRACING__ENDPOINT": "http://127.0.0.1:4318",
    "CORTEX_STREAMING__STAGES": "clean",
}

#: What some of those texts speak of.
FILE = """
[redis]
url = "redis://127.0.0.1/1"
[[stages]]
name = "clean"
use = "drop_empty"
"""


def other_text(name: str) -> str:
    """A text for a name that fits and is not the default."""
    section, key = CORTEX_NAMES[name]
    declared = keys_of(SECTIONS[section])[key]
    if name in TEXTS:
        return TEXTS[name]
    if isinstance(declared.default, bool):
        return str(not declared.default)
    if isinstance(declared.default, str):
        return str(next(word for word in declared.hint.__args__ if word != declared.default))
    return str(declared.default * 0.9) if isinstance(declared.default, float) else str(declared.default + 1)


def test_every_key_of_every_section_has_a_name() -> None:
    assert len(CORTEX_NAMES) == sum(len(keys_of(cls)) for cls in SECTIONS.values())
    assert CORTEX_NAMES["CORTEX_SUPERVISION__MAX_RESTARTS"] == ("supervision", "max_restarts")


@pytest.mark.parametrize("name", CORTEX_NAMES)
def test_each_name_changes_its_setting_and_no_other(name: str, tmp_path: Path) -> None:
    section, key = CORTEX_NAMES[name]
    settings, usual = settings_of(tmp_path, FILE, {name: other_text(name)}), settings_of(tmp_path, FILE)
    changed = {
        (other_section, other_key)
        for other_section, cls in SECTIONS.items()
        for other_key in keys_of(cls)
        if getattr(getattr(settings, other_section), other_key)
        != getattr(getattr(usual, other_section), other_key)
    }
    assert changed == {(section, key)}
    assert settings.origins[f"{section}.{key}"] == f"environment {name}"


def test_the_own_names_stand_over_older_names_file_and_defaults(tmp_path: Path) -> None:
    file = "[server]\nport = 1\n"
    assert settings_of(tmp_path, file).server.port == 1
    assert settings_of(tmp_path, file, {"PORT": "2"}).server.port == 2
    assert settings_of(tmp_path, file, {"PORT": "2", "CORTEX_SERVER__PORT": "3"}).server.port == 3


def test_a_list_is_separated_by_commas_and_may_be_empty() -> None:
    assert load(None, {"CORTEX_CORS__ORIGINS": "https://a.b, http://c"}).cors.origins == (
        "https://a.b",
        "http://c",
    )
    assert load(None, {"CORTEX_CORS__ORIGINS": ""}).cors.origins == ()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("CORTEX_SERVER__PROT", "1", "is not a setting; did you mean CORTEX_SERVER__PORT?"),
        ("CORTEX_PORT", "4000", "is not a setting; did you mean CORTEX_SERVER__PORT?"),
        ("CORTEX_CONFG", "x", "is not a setting; did you mean CORTEX_CONFIG?"),
        ("CORTEX_SERVER__PORT", "http", "server.port must be a whole number, not a string"),
        ("CORTEX_SERVER__PORT", "", "server.port must be a whole number, not a string"),
        ("CORTEX_LIMITS__IDLE", "nan", "limits.idle must be a finite number"),
        ("CORTEX_LIMITS__IDLE", "-5", "limits.idle must be above 0"),
        ("CORTEX_LOGS__ACCESS", "perhaps", "logs.access must be true or false, not a string"),
    ],
)
def test_a_wrong_name_or_text_is_refused_by_name(name: str, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, {name: text})
    assert caught.value.mistakes == (f"environment {name}: {says}",)


def test_limits_are_checked_together_wherever_they_come_from(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(tmp_path, "[limits]\ntotal = 30\nidle = 10\n", {"CORTEX_LIMITS__FIRST_TOKEN": "40"})
    assert caught.value.mistakes == (
        (
            "environment CORTEX_LIMITS__FIRST_TOKEN: "
            "limits.first_token (40 s) must be at most limits.total (30 s)"
        ),
    )


def test_the_links_of_a_kubernetes_service_called_cortex_are_not_settings() -> None:
    links = {
        "CORTEX_SERVICE_HOST": "10.0.0.1",
        "CORTEX_SERVICE_PORT": "4000",
        "CORTEX_SERVICE_PORT_HTTP": "4000",
        "CORTEX_PORT": "tcp://10.0.0.1:4000",
        "CORTEX_PORT_4000_TCP": "tcp://10.0.0.1:4000",
        "CORTEX_PORT_4000_TCP_ADDR": "10.0.0.1",
        "CORTEX_ACTORS_SERVICE_HOST": "10.0.0.2",
    }
    assert load(None, links) == load(None, {})


def test_the_url_that_client_commands_read_is_not_a_setting() -> None:
    assert load(None, {"CORTEX_URL": "http://gateway:4000"}) == load(None, {})
