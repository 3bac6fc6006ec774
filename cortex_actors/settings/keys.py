"""Settings keys: what a field of a settings dataclass means, and how a value becomes one of its kind.

Imports:  mistakes.
Imported by: sections and model (to declare fields), and every reader and writer of settings.

A field is declared with `setting(default, about, ...)` or `seconds(...)`. The declaration is the single
source: the reader checks against it, the reference file is written from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from cortex_actors.settings.mistakes import did_you_mean

T = TypeVar("T")
Unit = Literal["", "seconds", "bytes", "share"]

#: A wait longer than a week is a typing mistake, and poll(2) counts in milliseconds of 32 bits (24 days).
LONGEST_WAIT = 7 * 24 * 3600.0
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class Unfit(ValueError):
    """Raised when a value does not fit a key; the message follows the key's name: "must be ..."."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a key means and which values it takes, besides those of its type."""

    about: str
    unit: Unit = ""
    least: float | None = None
    above: float | None = None
    most: float | None = None
    #: Says what is wrong with a text ("must be ..."), or nothing.
    complaint: Callable[[str], str] | None = None


def setting(
    default: T,
    about: str,
    *,
    unit: Unit = "",
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    complaint: Callable[[str], str] | None = None,
) -> T:
    """Declares a field that a configuration may set."""
    metadata = {"rule": Rule(about, unit, least, above, most, complaint)}
    declared: Any = (
        field(default_factory=default.copy, metadata=metadata)
        if isinstance(default, dict)
        else field(default=default, metadata=metadata)
    )
    return cast(T, declared)


def seconds(default: float, about: str, *, zero: bool = False) -> float:
    """Declares a duration; `zero` where 0 has a meaning of its own."""
    least, above = (0.0, None) if zero else (None, 0.0)
    return setting(default, about, unit="seconds", least=least, above=above, most=LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Key:
    """One key a configuration may set: a field of a settings dataclass, seen from outside."""

    name: str
    hint: Any
    rule: Rule
    default: Any

    def convert(self, value: object) -> Any:
        """The value as a field of this kind; raises Unfit."""
        converted = _of_kind(self.hint, value)
        self._check_range(converted)
        self._check_text(converted)
        return converted

    def from_text(self, text: str) -> Any:
        """What the environment says, as a field of this kind; raises Unfit."""
        return self.convert(_parsed(self.hint, text.strip()))

    def _check_range(self, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        rule = self.rule
        if rule.least is not None and value < rule.least:
            raise Unfit(f"must be at least {rule.least:g}")
        if rule.above is not None and value <= rule.above:
            raise Unfit(f"must be above {rule.above:g}")
        if rule.most is not None and value > rule.most:
            raise Unfit(f"must be at most {rule.most:.15g}")

    def _check_text(self, value: object) -> None:
        if self.rule.complaint is None:
            return
        for text in value if isinstance(value, tuple) else (value,):
            if complaint := self.rule.complaint(text):
                raise Unfit(complaint)


@cache
def keys_of(cls: type) -> Mapping[str, Key]:
    """The keys that a settings dataclass lets a configuration set, in the order of its fields."""
    hints = get_type_hints(cls)
    return {
        item.name: Key(item.name, hints[item.name], item.metadata["rule"], _default(item))
        for item in fields(cls)
        if "rule" in item.metadata
    }


def _default(item: Any) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _of_kind(hint: Any, value: object) -> Any:
    if get_origin(hint) is Literal:
        return _one_of(get_args(hint), value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = _as_float(value)
    if hint is float and isinstance(value, float) and not math.isfinite(value):
        raise Unfit("must be a finite number")
    if hint == tuple[str, ...] and isinstance(value, list):
        return tuple(_all_strings(hint, value))
    if hint == Mapping[str, str] and isinstance(value, dict):
        return dict(zip(value, _all_strings(hint, value.values()), strict=True))
    if hint == Mapping[str, Any] and isinstance(value, dict):
        return dict(value)
    if type(value) is hint:
        return value
    raise Unfit(f"must be {_KINDS[hint]}, not {_described(value)}")


def _all_strings(hint: Any, values: Collection[object]) -> list[str]:
    strings = [value for value in values if isinstance(value, str)]
    if len(strings) < len(values):
        raise Unfit(f"must be {_KINDS[hint]}")
    return strings


def _one_of(words: tuple[str, ...], value: object) -> str:
    if isinstance(value, str) and value in words:
        return value
    if not isinstance(value, str):
        raise Unfit(f"must be one of {', '.join(words)}, not {_described(value)}")
    raise Unfit(f"must be one of {', '.join(words)}, not {value[:40]!r}{did_you_mean(value, words)}")


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Unfit("must be a finite number") from None


def _parsed(hint: Any, text: str) -> object:
    """A text of the environment as the value a TOML file would give; the text itself where it is none."""
    if hint is bool and text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    if hint is int and re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    if hint is float and re.fullmatch(
        r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf)", text
    ):
        return float(text)
    if hint == tuple[str, ...]:
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


_KINDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    tuple[str, ...]: "a list of strings",
    Mapping[str, str]: "a table of strings",
    Mapping[str, Any]: "a table",
}


def _described(value: object) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a fraction", str: "a string"}
    words |= {list: "a list", dict: "a table"}
    return words.get(type(value), "a date")
