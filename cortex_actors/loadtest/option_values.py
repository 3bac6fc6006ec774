"""Options of the command line as values: shares, counts, times, framings, headers.

Each raises what argparse turns into a message that names the option.
"""

from __future__ import annotations

from argparse import ArgumentTypeError

from cortex_actors.loadtest.framings import FRAMINGS


def share(text: str) -> float:
    """A share of all, 0 to 1.

    >>> share("25%"), share("0.25")
    (0.25, 0.25)
    """
    value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not between 0% and 100%")
    return value


def count(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise ArgumentTypeError(f"{text} is less than 1")
    return value


def seconds(text: str) -> float:
    """A time, which may be none."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError(f"{text} is no time")
    return value


def positive(text: str) -> float:
    """A time or a rate above 0."""
    value = seconds(text)
    if value == 0:
        raise ArgumentTypeError(f"{text} is not more than 0")
    return value


def framings(text: str) -> tuple[str, ...]:
    """Names of framings, separated by commas."""
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in FRAMINGS]:
        raise ArgumentTypeError(f"{unknown[0]!r} is no framing; there are {', '.join(FRAMINGS)}")
    return names


def header(text: str) -> tuple[str, str]:
    """A header as it is written, `Name: value`."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or "\n" in text or "\r" in text:
        raise ArgumentTypeError(f"{text!r} is not NAME: VALUE")
    return name.strip(), value.strip()
