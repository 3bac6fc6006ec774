"""A provider's words, made fit for callers."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.providers.reason_text import LIMIT, MASK, for_callers, without

KEYS = [
    "sk-abcdef123456",
    "sk-proj-AbC_dEf-123456",
    "sk-ant-api03-AbCdEf123456",
    "gsk_AbCdEf123456AbCdEf123456",
    "xai-AbCdEf123456",
    "AIzaSyAbCdEf123456AbCdEf",
    "hf_AbCdEf123456",
    "0123456789abcdef0123456789abcdef",
    "AbCdEf123456AbCdEf123456AbCdEf",
    "481c7584-ab46-4974-b86b-a4978384e229",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
    "sk***YA",
    "gs*****tF",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "sentence", ["Wrong key: {}.", "({})", '"{}"', "https://h/x?key={}&y=1", "Bearer {}"]
)
def test_what_looks_like_a_key_is_masked(key: str, sentence: str) -> None:
    shown = for_callers(sentence.format(key))
    assert key.strip("*") not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "secret",
    [
        "api_key=hunter2",
        "api-key: hunter2",
        "Authorization: Bearer hunter2",
        "organization org-AbCdEf1234567",
    ],
)
def test_what_stands_where_a_secret_stands_is_masked(secret: str) -> None:
    assert "hunter2" not in for_callers(secret)
    assert "AbCdEf" not in for_callers(secret)


@pytest.mark.parametrize(
    "text",
    [
        "The model `claude-3-5-sonnet-20241022` does not exist.",
        "accounts/fireworks/models/llama-v3p1-405b-instruct is busy",
        "`max_completion_tokens` must be <= 8192, and temperature < 2 but > 0",
        "**Note:** Müller said “naïve” 👋",
        "Limit 30000, used 29999, requested 40000.",
        "The key: temperature",
    ],
)
def test_honest_words_stay(text: str) -> None:
    assert for_callers(text) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<html><body><h1>502 Bad Gateway</h1></body></html>", "502 Bad Gateway"),
        ("<style>h1 {color: red}</style><p>No&nbsp;way &amp; back</p>", "No way & back"),
        ("<script>alert(1)</script>Sorry", "Sorry"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("<!-- a --><!DOCTYPE html>Text", "a Text"),
        ("Text <a href='x", "Text"),
    ],
)
def test_html_is_stripped(html: str, text: str) -> None:
    assert for_callers(html) == text


def test_control_characters_are_removed() -> None:
    assert for_callers("a\x00b\x07c\r\nd\u202ee\u200bf\ud800g") == "abc defg"


def test_a_long_text_is_cut() -> None:
    shown = for_callers("word " * 1000)
    assert len(shown) <= LIMIT
    assert shown.endswith("…")


def test_no_half_of_a_key_is_left_at_the_cut() -> None:
    for length in range(LIMIT - 30, LIMIT + 5):
        assert "sk-" not in for_callers("x " * (length // 2) + "sk-abcdef1234567890abcdef")


@pytest.mark.parametrize(
    ("text", "secret", "expected"),
    [
        ("Bad key walnut, walnut.", "walnut", "Bad key [hidden], [hidden]."),
        ("Bad key correct.horse+battery!", "correct.horse+battery", "Bad key [hidden]!"),
        ("xcorrect-horsex", "correct-horse", "x[hidden]x"),
        ("No key at all.", "correct-horse", "No key at all."),
        ("A key cat in a category.", "cat", "A key [hidden] in a category."),
    ],
)
def test_a_known_secret_is_masked_whatever_it_looks_like(text: str, secret: str, expected: str) -> None:
    assert without(text, secret) == expected


def test_no_half_of_a_known_secret_is_left_at_the_cut() -> None:
    secret = "correct-horse-battery-staple"
    for length in range(LIMIT - 40, LIMIT + 5):
        shown = without(for_callers("x " * (length // 2) + secret), secret)
        assert "corr" not in shown
        assert "staple" not in shown


@settings(deadline=None)
@given(st.text())
def test_whatever_comes_in_one_short_clean_line_goes_out(text: str) -> None:
    shown = for_callers(text)
    assert len(shown) <= LIMIT
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(character).startswith("C") for character in shown)


@pytest.mark.parametrize(
    "evil", ["<", "<a", "<!--", "<script", "*", "a", "&lt;", "a-", "-a", "_", "sk-", "\u0300"]
)
def test_a_hostile_page_takes_no_time_to_speak_of(evil: str) -> None:
    assert len(for_callers(evil * 65536)) <= LIMIT
