"""What somebody wrote for a key, and where; every source is read into this before one of them wins.

Imports:  keys, mistakes, texts.
Imported by: every reader of this package.

A value that does not fit is a mistake, and is left out: the default stands in for it so that reading goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cortex_actors.settings.keys import Key, Unfit
from cortex_actors.settings.mistakes import Mistakes, did_you_mean
from cortex_actors.settings.texts import names_a_secret


@dataclass(frozen=True, slots=True)
class Given:
    """A fitting value and its place: a line of the file or a name of the environment."""

    value: Any
    where: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file: how messages call it, and where its keys stand."""

    label: str
    content: object
    place: Callable[[str], str]
    #: The name in the environment that its keys should have, where there is a usual one.
    keys_env: str = ""
    #: What to do with a credential that stands here, where it is not one of a provider.
    instead: str = ""


def take(name: str, convert: Callable[[], Any], where: str, mistakes: Mistakes) -> Given | None:
    """A converted value with its place, or nothing and a mistake."""
    try:
        return Given(convert(), where)
    except Unfit as error:
        mistakes.add(where, f"{name} {error}")
        return None


def read_table(
    table: Table,
    keys: Mapping[str, Key],
    mistakes: Mistakes,
    *,
    also: Collection[str] = (),
    hint: Callable[[str], str] = lambda name: "",
) -> dict[str, Given]:
    """What a table sets of its keys; anything else is a mistake, but for `also`, which the caller reads."""
    if not isinstance(table.content, dict):
        mistakes.add(table.place(""), f"{table.label} must be a table")
        return {}
    found: dict[str, Given] = {}
    for name, value in table.content.items():
        full, where = f"{table.label}.{name}", table.place(name)
        if name in keys:
            given = take(full, partial(keys[name].convert, value), where, mistakes)
            found |= {name: given} if given else {}
        elif names_a_secret(name):
            mistakes.add(where, f"{full}: {table.instead or no_keys_here(table.keys_env)}")
        elif name not in also:
            near = hint(name) or did_you_mean(name, [*keys, *also])
            mistakes.add(where, f"{full} is not a setting{near}")
    return found


def no_keys_here(keys_env: str) -> str:
    """The advice for a credential in the file."""
    advice = f"put them into {keys_env}, or the path of their file into {keys_env}_FILE"
    general = "put them into the environment, and the name they have there into keys_env of the provider"
    return f"keys are never read from this file; {advice if keys_env else general}"
