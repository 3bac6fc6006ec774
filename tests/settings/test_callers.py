"""[[callers]], the admin token, and who may be reached by whom."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.settings import load, render
from cortex_actors.settings.caller_keys import digest_of
from cortex_actors.settings.callers import is_loopback
from tests.settings import settings_of, written

HASH, OTHER = digest_of("one"), digest_of("two")

ALICE = f"""\
[[callers]]
name = "alice"
key_sha256 = "{HASH}"
"""


def mistakes(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        settings_of(folder, text, environ or {})
    return tuple(mistake.replace(f"{folder}/", "") for mistake in caught.value.mistakes)


# -- callers


def test_a_caller_needs_a_name_and_a_hash_and_has_the_limits_of_all(tmp_path: Path) -> None:
    (caller,) = settings_of(tmp_path, f"[rate_limits]\nrequests_per_minute = 7\nstreams = 3\n{ALICE}").callers
    assert (caller.name, caller.key_sha256, caller.enabled, caller.operator) == ("alice", HASH, True, False)
    assert (caller.requests_per_minute, caller.tokens_per_minute, caller.streams) == (7, 0, 3)
    assert (caller.providers, caller.models, caller.expires) == ((), (), "")


def test_a_caller_may_have_limits_of_its_own(tmp_path: Path) -> None:
    text = f"{ALICE}requests_per_minute = 0\ntokens_per_minute = 9\nstreams = 2\n"
    (caller,) = settings_of(tmp_path, text).callers
    assert (caller.requests_per_minute, caller.tokens_per_minute, caller.streams) == (0, 9, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[callers]]\nname = "a"\n', "callers.a needs a key_sha256"),
        (f'[[callers]]\nkey_sha256 = "{HASH}"\n', "callers.1 needs a name"),
        (
            f'{ALICE}[[callers]]\nname = "alice"\nkey_sha256 = "{OTHER}"\n',
            "callers.alice.name is that of another",
        ),
        (
            f'{ALICE}[[callers]]\nname = "bob"\nkey_sha256 = "{HASH}"\n',
            "callers.bob.key_sha256 is that of another",
        ),
        (f'{ALICE}[admin]\ntoken_sha256 = "{HASH}"\n', "callers.alice.key_sha256 is that of the admin token"),
        (f'{ALICE}providers = ["mok"]\n', "callers.alice: there is no provider mok; did you mean mock?"),
        (f'{ALICE}expires = "tomorrow"\n', "callers.alice.expires must be a time with its zone"),
        (f'{ALICE}expires = "2027-01-31T00:00:00"\n', "callers.alice.expires must be a time with its zone"),
        (f"{ALICE}expires = 2027-01-31T00:00:00Z\n", "callers.alice.expires must be a string, not a date"),
        (f"{ALICE}streams = -1\n", "callers.alice.streams must be at least 0"),
        (f"{ALICE}stream = 1\n", "callers.alice.stream is not a setting; did you mean streams?"),
        ("callers = 1\n", "callers is a list of tables: write [[callers]]"),
        ('[[callers]]\nname = "a"\nkey_sha256 = "sk-cortex-x"\n', "callers.a.key_sha256 must be a SHA-256"),
        (
            f'{ALICE}key = "sk-cortex-secret"\n',
            "callers.alice.key: a key itself is never read from this file; put its SHA-256 into key_sha256",
        ),
    ],
)
def test_a_mistake_names_its_caller_and_key_and_no_secret(tmp_path: Path, text: str, says: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert says in found
    assert "cortex.toml:" in found
    assert "secret" not in found.replace("a secret", "")


def test_the_report_of_callers_can_be_read_back(tmp_path: Path) -> None:
    text = f'{ALICE}providers = ["mock"]\nmodels = ["x"]\nexpires = "2027-01-31T00:00:00Z"\noperator = true\n'
    settings = settings_of(tmp_path, text)
    again = load(written(tmp_path, render(settings)), {})
    assert again.callers == settings.callers
    assert tomllib.loads(render(settings))["callers"][0]["key_sha256"] == HASH


# -- within reach


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_on_this_machine_alone_nobody_needs_a_key(host: str) -> None:
    assert load(None, {"CORTEX_SERVER__HOST": host}).server.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.lan", "localhost.evil.example"])
def test_within_reach_of_others_somebody_must_have_a_key(tmp_path: Path, host: str) -> None:
    text = f'[server]\nhost = "{host}"\n'
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(f"cortex.toml:2: server.host ({host}) is within reach of other machines")
    assert "`cortex keys new`" in found
    assert "auth.allow_anonymous = true" in found
    assert settings_of(tmp_path, text + ALICE).callers
    assert settings_of(tmp_path, f"{text}[auth]\nallow_anonymous = true\n").auth.allow_anonymous


def test_the_line_or_the_name_that_opened_it_is_named(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, "", {"CORTEX_SERVER__HOST": "0.0.0.0"})
    assert found.startswith("environment CORTEX_SERVER__HOST: server.host (0.0.0.0)")


def test_a_caller_who_is_switched_off_still_locks_the_door(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f'[server]\nhost = "0.0.0.0"\n{ALICE}enabled = false\n')
    assert not settings.callers[0].enabled


def test_no_name_is_taken_for_this_machine_but_its_own() -> None:
    assert [is_loopback(host) for host in ("localhost", "LOCALHOST", "local", "")] == [
        True,
        False,
        False,
        False,
    ]


# -- credentials of sections


def test_the_admin_token_comes_from_the_environment_and_only_its_hash_stays(tmp_path: Path) -> None:
    token = "a-token-of-enough-letters"
    settings = settings_of(tmp_path, "", {"CORTEX_ADMIN__TOKEN": token})
    assert settings.admin.token_sha256 == digest_of(token)
    assert token not in repr(settings) + render(settings)
    assert settings.origins["admin.token_sha256"] == "environment CORTEX_ADMIN__TOKEN"


def test_it_may_be_in_a_file_that_the_environment_names(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-of-enough-letters\n", encoding="utf-8")
    settings = load(None, {"CORTEX_ADMIN__TOKEN_FILE": str(file)})
    assert settings.admin.token_sha256 == digest_of("a-token-of-enough-letters")


def test_it_stands_over_the_hash_in_the_file(tmp_path: Path) -> None:
    token = "a-token-of-enough-letters"
    text = f'[admin]\ntoken_sha256 = "{HASH}"\n'
    assert settings_of(tmp_path, text).admin.token_sha256 == HASH
    assert settings_of(tmp_path, text, {"CORTEX_ADMIN__TOKEN": token}).admin.token_sha256 == digest_of(token)


@pytest.mark.parametrize(
    ("text", "environ", "says"),
    [
        (
            "",
            {"CORTEX_ADMIN__TOKEN": "short"},
            "environment CORTEX_ADMIN__TOKEN: must have at least 16 characters",
        ),
        ("", {"CORTEX_ADMIN__TOKEN_FILE": "/nowhere"}, "CORTEX_ADMIN__TOKEN_FILE: its file cannot be read"),
        (
            "",
            {"CORTEX_ADMIN__TOKEN": "x" * 20, "CORTEX_ADMIN__TOKEN_FILE": "/dev/null"},
            "CORTEX_ADMIN__TOKEN_FILE: its file must have 1 to",
        ),
        ('[admin]\ntoken = "clear-text-token"\n', {}, "put them into CORTEX_ADMIN__TOKEN"),
        ('[redis]\npassword = "clear-text"\n', {}, "put them into CORTEX_REDIS__PASSWORD"),
        (
            '[redis]\nurl = "redis://:pass@host"\n',
            {},
            "must not carry a password: put it into CORTEX_REDIS__PASSWORD",
        ),
        ('[redis]\nurl = "http://host"\n', {}, "redis.url must be a redis://, rediss:// or unix:// URL"),
        ('[redis]\nurl = "redis://"\n', {}, "redis.url must be a redis://"),
    ],
)
def test_a_credential_in_the_wrong_place_is_refused_and_not_repeated(
    tmp_path: Path, text: str, environ: dict[str, str], says: str
) -> None:
    (found,) = mistakes(tmp_path, text, environ)
    assert says in found
    assert "clear-text" not in found
    assert ":pass@" not in found


def test_the_password_of_redis_is_masked_wherever_it_could_show(tmp_path: Path) -> None:
    text = '[redis]\nurl = "redis://user@10.0.0.7:6379/0"\n'
    settings = settings_of(tmp_path, text, {"CORTEX_REDIS__PASSWORD": "s3cret-pass"})
    assert settings.redis.password is not None
    assert settings.redis.password.reveal() == "s3cret-pass"
    assert settings.redis.password in settings.secrets
    assert "s3cret" not in repr(settings) + render(settings)


def test_the_key_that_client_commands_show_is_not_a_setting() -> None:
    assert load(None, {"CORTEX_API_KEY": "sk-cortex-x"}) == load(None, {})
