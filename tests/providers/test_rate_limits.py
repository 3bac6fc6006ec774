"""Rate limit headers of providers, made fit for headers of ours."""

from __future__ import annotations

import pytest

from cortex_actors.providers.rate_limits import MOST, rate_limits


def test_both_families_of_names_are_known_in_any_case() -> None:
    assert rate_limits(
        {
            "X-RateLimit-Remaining-Requests": "59",
            "x-ratelimit-reset-tokens": " 6m0s ",
            "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:00Z",
            "Content-Type": "text/event-stream",
            "Set-Cookie": "x-ratelimit-a=b",
        }
    ) == {
        "remaining-requests": "59",
        "reset-tokens": "6m0s",
        "input-tokens-reset": "2026-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-ratelimit-a", ""),
        ("x-ratelimit-a", "1\r\nSet-Cookie: x"),
        ("x-ratelimit-a", "é"),
        ("x-ratelimit-a", "9" * 65),
        ("x-ratelimit-", "1"),
        ("x-ratelimit-" + "a" * 49, "1"),
        ("x-ratelimit-a b", "1"),
        ("x-ratelimit-a:b", "1"),
        ("my-x-ratelimit-a", "1"),
    ],
)
def test_what_could_do_harm_is_left_out(name: str, value: str) -> None:
    assert rate_limits({name: value}) == {}


def test_there_is_an_end_to_them() -> None:
    assert len(rate_limits({f"x-ratelimit-{number}": "1" for number in range(100)})) == MOST
