"""How long a provider asks us to wait, in whichever of six ways it says so.

    retry-after-ms: 1500                       milliseconds                  OpenAI
    retry-after: 2                             seconds, or an HTTP date      everybody
    "retryDelay": "34s"                        in the body                   Gemini
    "Please try again in 5.289s."              in the message                Groq, OpenAI
    x-ratelimit-reset-tokens: 6m0s             of what has 0 remaining       OpenAI, Groq

Imports:     nothing of the package.
Imported by: failures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

#: A provider may not put a route to sleep for longer, in seconds.
LONGEST = 86_400.0

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_NUMBER = r"\d{1,24}(?:\.\d{1,12})?"
_STEP = re.compile(rf"({_NUMBER})(ns|us|µs|ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_STEP.pattern})+")
_PLAIN = re.compile(_NUMBER)
_HUGE = re.compile(r"\d{1,9}[eE]\d{1,2}")  # no HTTP number, but there is no doubt about what is meant
_IN_MESSAGE = re.compile(rf"(?:try again|retry) in (?:about )?({_DURATION.pattern})", re.IGNORECASE)
_REMAINING = "x-ratelimit-remaining-"
_RESET = "x-ratelimit-reset-"


def retry_after(headers: Mapping[str, str], *, delay: str, message: str, now: float) -> float | None:
    """Seconds to wait, from the first source that names them; `now` is epoch seconds, for dates."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    for seconds in _sources(lower, delay, message, now):
        if seconds is not None:
            return min(max(seconds, 0.0), LONGEST)
    return None


def duration(text: str) -> float | None:
    """Seconds in a duration as Go writes it: `1s`, `6m0s`, `120ms`, `2m59.56s`."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _STEP.findall(text))


def _sources(headers: Mapping[str, str], delay: str, message: str, now: float) -> Iterator[float | None]:
    milliseconds = _plain_number(headers.get("retry-after-ms", ""))
    yield None if milliseconds is None else milliseconds / 1000
    given = headers.get("retry-after", "")
    yield _plain_number(given)
    yield duration(given)
    yield _until(given, now)
    yield duration(delay)
    said = _IN_MESSAGE.search(message)
    yield duration(said.group(1)) if said else None
    yield _exhausted_limit(headers)


def _plain_number(text: str) -> float | None:
    return float(text) if _PLAIN.fullmatch(text) or _HUGE.fullmatch(text) else None


def _until(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp() - now


def _exhausted_limit(headers: Mapping[str, str]) -> float | None:
    """The longest reset among the limits of which nothing remains; the others say nothing about a refusal."""
    resets = [
        duration(headers.get(_RESET + name.removeprefix(_REMAINING), ""))
        for name, value in headers.items()
        if name.startswith(_REMAINING) and value == "0"
    ]
    return max((seconds for seconds in resets if seconds is not None), default=None)
