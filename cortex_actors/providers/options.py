"""The options a dialect has beyond the common settings: one table a dialect, from which its page is written.

A wrong option stops the start, with every mistake named at once: an option that is silently ignored is a
promise broken.

Imports:     errors.
Imported by: adapter, and the dialects for their tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

from cortex_actors.errors import SettingsError

Kind = Literal["text", "number", "whole number", "true or false", "table", "list", "anything"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its kind, its default, what it does in one sentence; `choices` if its values are few."""

    kind: Kind
    default: Any
    meaning: str
    choices: tuple[str, ...] = ()

    def admits(self, value: Any) -> bool:
        """Whether this value can be meant."""
        return _IS_KIND[self.kind](value) and (not self.choices or value in self.choices)

    @property
    def wanted(self) -> str:
        """What a value must be, in words."""
        return f"one of {', '.join(self.choices)}" if self.choices else self.kind


_IS_KIND: Mapping[Kind, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value >= 0,
    "whole number": lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    "true or false": lambda value: isinstance(value, bool),
    "table": lambda value: isinstance(value, Mapping),
    "list": lambda value: isinstance(value, list | tuple),
    "anything": lambda value: True,
}


def read_options(provider: str, table: Mapping[str, Option], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every option of the table with its given or default value; raises SettingsError with all mistakes."""
    mistakes = tuple(_mistakes(provider, table, given))
    if mistakes:
        raise SettingsError(mistakes)
    return MappingProxyType({name: given.get(name, option.default) for name, option in table.items()})


def nearest(word: str, known: Mapping[str, Any]) -> str:
    """A question that names the nearest known word, or an empty text."""
    close = get_close_matches(word, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _mistakes(provider: str, table: Mapping[str, Option], given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        option = table.get(name)
        if option is None:
            yield f"providers.{provider}.options.{name}: unknown option.{nearest(name, table)}"
        elif not option.admits(value):
            yield f"providers.{provider}.options.{name}: must be {option.wanted}."
