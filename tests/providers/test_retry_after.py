"""How long a provider asks us to wait."""

from __future__ import annotations

import pytest

from cortex_actors.providers.retry_after import LONGEST, duration, retry_after


def wait(headers: dict[str, str] | None = None, *, delay: str = "", message: str = "") -> float | None:
    return retry_after(headers or {}, delay=delay, message=message, now=1_000_000_000.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("1m30s", 90.0),
        ("Sun, 09 Sep 2001 01:47:00 GMT", 20.0),
        ("Sunday, 09-Sep-01 01:47:00 GMT", 20.0),
        ("Sun, 09 Sep 2001 00:00:00 GMT", 0.0),
        ("999999999999", LONGEST),
        ("-1", None),
        ("1e9", 86_400.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert wait({"Retry-After": value}) == seconds


def test_names_of_headers_compare_without_case() -> None:
    assert wait({"RETRY-AFTER": "3"}) == wait({"retry-after": "3"}) == 3.0


def test_milliseconds_are_more_exact_and_come_first() -> None:
    assert wait({"retry-after-ms": "1500", "retry-after": "2"}) == 1.5


def test_a_header_comes_before_the_body() -> None:
    assert wait({"retry-after": "2"}, delay="34s", message="try again in 5s") == 2.0


def test_a_delay_in_the_body_comes_before_the_message() -> None:
    assert wait(delay="34s", message="Please retry in 5s") == 34.0


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached. Please try again in 5.289s. Visit https://x", 5.289),
        ("Please try again in 6m0s.", 360.0),
        ("Please try again in 20ms.", 0.02),
        ("Please retry in 34.07s.", 34.07),
        ("Please try again in 1h2m3.5s", 3723.5),
        ("try again in a while", None),
        ("", None),
    ],
)
def test_a_delay_is_found_in_the_message(message: str, seconds: float | None) -> None:
    assert wait(message=message) == seconds


def test_the_reset_of_an_exhausted_limit_is_the_last_resort() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "7.66s",
    }
    assert wait(headers) == pytest.approx(179.56)
    assert wait({**headers, "retry-after": "1"}) == 1.0


def test_the_reset_of_a_limit_with_something_left_means_nothing() -> None:
    assert wait({"x-ratelimit-remaining-tokens": "10", "x-ratelimit-reset-tokens": "7.66s"}) is None
    assert wait({"x-ratelimit-remaining-tokens": "0"}) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("2m59.56s", 179.56),
        ("1d", 86400.0),
        ("5", None),
        ("s", None),
        ("1x", None),
        ("1s ", None),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float | None) -> None:
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))
