"""Strategies: who falls and rises with a child.

    one_for_one     the child alone
    one_for_all     everybody
    rest_for_one    the child and those started after it

Each is a function of the siblings, in start order, and the child. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

T = TypeVar("T")

Strategy = Literal["one_for_one", "one_for_all", "rest_for_one"]


def one_for_one(siblings: Sequence[T], child: T) -> list[T]:
    """Nobody depends on anybody."""
    return [child]


def one_for_all(siblings: Sequence[T], child: T) -> list[T]:
    """Everybody depends on everybody."""
    return list(siblings)


def rest_for_one(siblings: Sequence[T], child: T) -> list[T]:
    """The younger depend on the elder."""
    return list(siblings[siblings.index(child) :])


STRATEGIES: Mapping[Strategy, Callable[[Sequence[T], T], list[T]]] = {
    "one_for_one": one_for_one,
    "one_for_all": one_for_all,
    "rest_for_one": rest_for_one,
}
