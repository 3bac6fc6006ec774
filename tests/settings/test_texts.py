"""Which names, addresses and headers are accepted."""

from __future__ import annotations

import pytest

from cortex_actors.settings import texts


@pytest.mark.parametrize("name", ["groq", "groq-primary", "a", "0", "a.b_c-d", "x" * 64])
def test_good_provider_names_are_accepted(name: str) -> None:
    assert texts.provider_name(name) == ""


@pytest.mark.parametrize("name", ["", "Groq", "-a", ".a", "a b", "a/b", "x" * 65, "a\n", "ñ"])
def test_other_provider_names_are_refused(name: str) -> None:
    assert texts.provider_name(name)


@pytest.mark.parametrize(
    "url", ["", "https://api.groq.com/openai/v1", "http://localhost:11434", "http://[::1]:8080/x/"]
)
def test_plain_urls_are_accepted(url: str) -> None:
    assert texts.base_url(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "x",
        "//x/y",
        "https://",
        "https://user:word@x/",
        "https://x/?key=1",
        "https://x/#a",
        "https://x:0",
        "https://x:99999",
        "https://x:y",
        "http://[::1",
        "https://x/ y",
        "https://x/\r\nHost: y",
        "https://ñ",
    ],
)
def test_other_urls_are_refused_without_being_repeated(url: str) -> None:
    complaint = texts.base_url(url)
    assert complaint.startswith("must ")
    assert "word" not in complaint


@pytest.mark.parametrize("origin", ["*", "http://localhost:3000", "https://example.com"])
def test_origins_are_accepted_as_browsers_send_them(origin: str) -> None:
    assert texts.origin(origin) == ""


@pytest.mark.parametrize(
    "origin", ["", "example.com", "https://example.com/", "https://a b", "https://a,https://b"]
)
def test_what_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    assert texts.origin(origin)


@pytest.mark.parametrize("name", ["gsk_abcdef", "sk-abc", "GROQ KEYS", "1X", "Groq"])
def test_a_key_is_not_taken_for_the_name_of_a_variable(name: str) -> None:
    assert "not a key" in texts.environment_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "api_keys",
        "API-Key",
        "apikey",
        "x-api-key",
        "X-Goog-Api-Key",
        "authorization",
        "Cookie",
        "Proxy-Authorization",
        "token",
        "access_token",
        "client_secret",
        "secret",
        "password",
        "key",
        "keys",
        "db_password",
        "aws_access_key",
        "credentials",
    ],
)
def test_names_that_hold_a_credential_are_recognised(name: str) -> None:
    assert texts.names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    ["max_tokens", "keys_env", "key_header", "thought_signature", "keep_alive", "HTTP-Referer", "X-Title"],
)
def test_other_names_are_not(name: str) -> None:
    assert not texts.names_a_secret(name)


@pytest.mark.parametrize(("name", "value"), [("X-Title", "mine"), ("anthropic-beta", "a,b;c=1")])
def test_extra_headers_are_accepted(name: str, value: str) -> None:
    assert texts.header(name, value) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "x"),
        ("content-length", "3"),
        ("A b", "x"),
        ("", "x"),
        ("X", "a\r\nY: b"),
        ("X", "é"),
        ("X\n", "y"),
    ],
)
def test_headers_that_break_a_request_are_refused(name: str, value: str) -> None:
    assert texts.header(name, value)
