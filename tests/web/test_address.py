"""Where a request comes from."""

from __future__ import annotations

import pytest

from cortex_actors.web.address import bucket, client_address, is_this_machine


def seen(peer: str, forwarded: str | None = None, trusted: int = 0) -> str:
    """The address that counts, as text."""
    environ = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    return str(client_address(environ, trusted))


def test_without_trusted_proxies_the_header_means_nothing() -> None:
    assert seen("203.0.113.9", "198.51.100.1") == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "trusted", "address"),
    [
        ("198.51.100.1", 1, "198.51.100.1"),
        ("6.6.6.6, 198.51.100.1", 1, "198.51.100.1"),
        ("6.6.6.6,7.7.7.7,198.51.100.1", 1, "198.51.100.1"),
        ("198.51.100.1, 10.0.0.2", 2, "198.51.100.1"),
        ("6.6.6.6, 198.51.100.1, 10.0.0.2", 2, "198.51.100.1"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("[2001:db8::1]:443", 1, "2001:db8::1"),
        ("fe80::1%eth0", 1, "fe80::1"),
        ("198.51.100.1:8080", 1, "198.51.100.1"),
        ("::ffff:198.51.100.1", 1, "198.51.100.1"),
    ],
)
def test_of_trusted_proxies_the_outermost_says_who_called(forwarded: str, trusted: int, address: str) -> None:
    assert seen("10.0.0.1", forwarded, trusted) == address


@pytest.mark.parametrize("prefix", ["", "1.2.3.4", "1.2.3.4, 5.6.7.8", "garbage", "::1", ", , ,"])
def test_what_a_caller_writes_itself_changes_nothing(prefix: str) -> None:
    """nginx that appends adds the true address behind whatever was there."""
    assert seen("10.0.0.1", f"{prefix}, 198.51.100.1", 1) == "198.51.100.1"


@pytest.mark.parametrize(
    "forwarded", ["", "unknown", "999.1.1.1", "1.2.3", "a" * 10_000, "10.0.0.5\x00", "_hidden"]
)
def test_garbage_counts_as_the_proxy_itself(forwarded: str) -> None:
    assert seen("10.0.0.1", forwarded, 1) == "10.0.0.1"


def test_fewer_entries_than_proxies_are_not_believed() -> None:
    assert seen("10.0.0.1", "198.51.100.1", 2) == "10.0.0.1"
    assert seen("10.0.0.1", None, 1) == "10.0.0.1"


def test_a_unix_socket_has_no_address() -> None:
    assert client_address({"REMOTE_ADDR": ""}, 0) is None
    assert bucket(None) == "unix"


def test_one_network_of_ipv6_is_one_caller() -> None:
    buckets = {bucket(client_address({"REMOTE_ADDR": f"2001:db8:1:2::{n:x}"}, 0)) for n in range(1, 1000)}
    assert buckets == {"2001:db8:1:2::/64"}
    assert bucket(client_address({"REMOTE_ADDR": "2001:db8:1:3::1"}, 0)) not in buckets


def test_an_address_of_ipv4_is_one_caller_however_it_is_written() -> None:
    plain = bucket(client_address({"REMOTE_ADDR": "198.51.100.1"}, 0))
    assert bucket(client_address({"REMOTE_ADDR": "::ffff:198.51.100.1"}, 0)) == plain == "198.51.100.1"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_known_by_its_address(peer: str) -> None:
    assert is_this_machine({"REMOTE_ADDR": peer})


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "10.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"},
    ],
)
def test_what_comes_through_a_proxy_is_not_from_this_machine(environ: dict[str, str]) -> None:
    assert not is_this_machine(environ)
