"""The keyring: whose key this is."""

from __future__ import annotations

import hmac

import pytest

from cortex_actors.errors import Unauthorized
from cortex_actors.settings import AdminSettings, CallerSettings, Settings
from cortex_actors.settings.caller_keys import digest_of, new_key
from cortex_actors.web import keyring as keyring_module
from cortex_actors.web.keyring import Keyring, credentials_of

ALICE, BOB, ADMIN = new_key(), new_key(), new_key()

NOW = 1_800_000_000.0


def caller(name: str, key: str, **changes: object) -> CallerSettings:
    return CallerSettings(name=name, key_sha256=digest_of(key), **changes)  # type: ignore[arg-type]


def keyring(*callers: CallerSettings, admin: str = "") -> Keyring:
    token = digest_of(admin) if admin else ""
    return Keyring(Settings(callers=callers, admin=AdminSettings(token_sha256=token)), clock=lambda: NOW)


def test_a_key_names_its_caller_and_what_it_may() -> None:
    found = keyring(
        caller("alice", ALICE, providers=("groq",), models=("smart",), operator=True, requests_per_minute=7),
        caller("bob", BOB),
    ).identify(ALICE)
    assert found is not None
    assert (found.name, found.kind, found.operator, found.quota.requests) == ("alice", "key", True, 7)
    assert found.permission.admits("smart", "groq", "llama")
    assert not found.permission.admits("smart", "mistral", "small")


def test_the_admin_token_is_the_admin() -> None:
    found = keyring(caller("alice", ALICE), admin=ADMIN).identify(ADMIN)
    assert found is not None
    assert (found.name, found.kind, found.operator) == ("admin", "admin", True)
    assert not found.quota


@pytest.mark.parametrize(
    "key", [BOB, "", ALICE[:-1], ALICE + "x", ALICE.upper(), digest_of(ALICE), "\ud800", "é"]
)
def test_anything_else_is_a_stranger(key: str) -> None:
    assert keyring(caller("alice", ALICE), admin=ADMIN).identify(key) is None


def test_a_fingerprint_tells_keys_apart_and_gives_none_away() -> None:
    ring = keyring(caller("alice", ALICE), caller("bob", BOB))
    alice, bob = ring.identify(ALICE), ring.identify(BOB)
    assert alice is not None
    assert bob is not None
    assert alice.fingerprint != bob.fingerprint
    assert alice.fingerprint not in ALICE
    assert ALICE not in repr(ring.identify(ALICE))


def test_a_key_that_is_switched_off_says_so_to_whoever_has_it() -> None:
    with pytest.raises(Unauthorized, match="switched off"):
        keyring(caller("alice", ALICE, enabled=False)).identify(ALICE)


@pytest.mark.parametrize(
    ("expires", "good"),
    [
        ("2027-01-15T08:00:00Z", False),  # this very moment
        ("2027-01-15T08:00:01Z", True),
        ("2027-01-15T09:30:00+02:00", False),
        ("", True),
    ],
)
def test_a_key_is_good_until_it_expires(expires: str, good: bool) -> None:
    ring = keyring(caller("alice", ALICE, expires=expires))
    if good:
        assert ring.identify(ALICE) is not None
    else:
        with pytest.raises(Unauthorized, match="expired"):
            ring.identify(ALICE)


class Comparisons:
    """In place of `hmac`: compares as it does, and remembers with what."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def compare_digest(self, known: str, shown: str) -> bool:
        self.made.append(known)
        return hmac.compare_digest(known, shown)


@pytest.mark.parametrize("key", [ALICE, BOB, ADMIN, "a stranger's"])
def test_every_key_is_compared_in_constant_time_with_every_entry(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparisons = Comparisons()
    monkeypatch.setattr(keyring_module, "hmac", comparisons)
    keyring(caller("alice", ALICE), caller("bob", BOB), admin=ADMIN).identify(key)
    assert comparisons.made == [digest_of(ALICE), digest_of(BOB), digest_of(ADMIN)]


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"HTTP_AUTHORIZATION": "Bearer k"}, ("k",)),
        ({"HTTP_AUTHORIZATION": "bearer  k "}, ("k",)),
        ({"HTTP_X_API_KEY": "k"}, ("k",)),
        ({"HTTP_AUTHORIZATION": "Bearer a", "HTTP_X_API_KEY": "b"}, ("a", "b")),
        ({"HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz"}, ()),
        ({"HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz", "HTTP_X_API_KEY": "k"}, ("k",)),
        ({"HTTP_AUTHORIZATION": "Bearer"}, ()),
        ({"HTTP_AUTHORIZATION": "Bearer "}, ()),
        ({"HTTP_AUTHORIZATION": "k"}, ()),
        ({"QUERY_STRING": "key=k&api_key=k"}, ()),
        ({}, ()),
    ],
)
def test_keys_are_read_where_clients_put_them(headers: dict[str, str], shown: tuple[str, ...]) -> None:
    assert credentials_of(headers) == shown


def test_new_keys_are_all_different_and_long() -> None:
    keys = {new_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert all(key.startswith("sk-cortex-") and len(key) >= 50 for key in keys)
