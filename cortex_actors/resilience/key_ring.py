"""A provider's API keys: which one is next, which ones rest, which ones are refused for good.

State belongs to the key, not to its place in the list, so a changed list keeps what is known. A resting key
is back the moment its deadline has passed, as that is looked at when a key is picked; nothing sweeps. A key
is known by its `id` everywhere: its text leaves only through `Key.reveal`.

May import: nothing of the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Literal


@dataclass(frozen=True, slots=True)
class Key:
    """An API key; its text shows in no repr, no comparison and no log."""

    #: The first 8 hex digits of the SHA-256 of the text.
    id: str
    _text: str | None = field(repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Key:
        """The key with this text."""
        return cls(sha256(text.encode()).hexdigest()[:8], text)

    def reveal(self) -> str | None:
        """The text, for the Authorization header and nothing else; None when no key is needed."""
        return self._text


#: What a ring without keys gives out: the provider, a local one for example, asks for none.
KEYLESS = Key("keyless", None)


#: How often the least bad key may be tried while nobody can be asked, in seconds.
NEED_SPACING = 5.0


@dataclass(frozen=True, slots=True)
class NoKey:
    """No key now; `retry_at` is when the first one is back, None if all are refused for good."""

    retry_at: float | None


RestReason = Literal["rate_limit", "money"]

#: What a key is good for: to be picked; not before a deadline; not before an operator says so.
KeyState = Literal["ready", "resting", "disabled"]


@dataclass(frozen=True, slots=True)
class KeyView:
    """What a key shows of itself; times are monotonic seconds."""

    id: str
    used: int
    succeeded: int
    rate_limited: int
    rested_until: float | None
    resting_for: RestReason | None
    disabled: bool
    last_used: float | None

    def is_ready(self, now: float) -> bool:
        """Whether it may be picked."""
        return not self.disabled and (self.rested_until is None or now >= self.rested_until)

    def state(self, now: float) -> KeyState:
        """One word for it."""
        return "disabled" if self.disabled else "ready" if self.is_ready(now) else "resting"


@dataclass(frozen=True, slots=True)
class RingView:
    """All keys of one provider at one moment; none for a provider that needs none."""

    strategy: str
    keys: tuple[KeyView, ...]

    def is_ready(self, now: float) -> bool:
        """Whether `pick` would give a key, as far as this view knows."""
        return not self.keys or any(key.is_ready(now) for key in self.keys)


@dataclass(slots=True)
class _KeyState:
    key: Key
    #: The number of the pick that took it last; 0 for never.
    turn: int = 0
    used: int = 0
    succeeded: int = 0
    rate_limited: int = 0
    #: Its rest is our own guess: the provider named no time.
    guessed: bool = False
    rested_until: float = 0.0
    resting_for: RestReason | None = None
    disabled: bool = False
    last_used: float | None = None

    def is_ready(self, now: float) -> bool:
        return not self.disabled and now >= self.rested_until

    def view(self) -> KeyView:
        return KeyView(
            id=self.key.id,
            used=self.used,
            succeeded=self.succeeded,
            rate_limited=self.rate_limited,
            rested_until=self.rested_until if self.resting_for else None,
            resting_for=self.resting_for,
            disabled=self.disabled,
            last_used=self.last_used,
        )


#: Picks one of the keys that are ready; they come in the order of the list, and there is at least one.
Strategy = Callable[[Sequence[_KeyState], Random], _KeyState]


def _round_robin(ready: Sequence[_KeyState], random: Random) -> _KeyState:
    """The key whose turn is longest ago; a cursor would be lost when the list changes or a key rests."""
    return min(ready, key=lambda state: state.turn)


def _least_used(ready: Sequence[_KeyState], random: Random) -> _KeyState:
    return min(ready, key=lambda state: state.used)


def _random(ready: Sequence[_KeyState], random: Random) -> _KeyState:
    return random.choice(ready)


STRATEGIES: Mapping[str, Strategy] = {
    "round_robin": _round_robin,
    "least_used": _least_used,
    "random": _random,
}


class KeyRing:
    """The keys of one provider; owned by its worker. An id that it does not know (any more) is ignored."""

    def __init__(self, keys: Iterable[str], random: Random, *, strategy: str = "round_robin") -> None:
        self._random = random
        self._turns = 0
        self._states: dict[str, _KeyState] = {}
        self.take_turns(strategy)
        self.replace_keys(keys)

    def take_turns(self, strategy: str) -> None:
        """Lets the keys take turns in this way from now on; raises ValueError for an unknown one."""
        if strategy not in STRATEGIES:
            raise ValueError(f"unknown key strategy {strategy!r}; known are {', '.join(STRATEGIES)}")
        self._strategy = strategy

    def replace_keys(self, keys: Iterable[str]) -> None:
        """Takes a new list; keys that stay keep their state, a key that comes back later starts afresh."""
        listed = [Key.of(text) for text in keys]
        self._states = {key.id: self._states.get(key.id) or _KeyState(key) for key in listed}

    def pick(self, now: float) -> Key | NoKey:
        """The key for the next attempt."""
        if not self._states:
            return KEYLESS
        ready = [state for state in self._states.values() if state.is_ready(now)]
        if not ready:
            return NoKey(self._first_back())
        return self._take(STRATEGIES[self._strategy](ready, self._random), now)

    def _take(self, state: _KeyState, now: float) -> Key:
        self._turns += 1
        state.turn = self._turns
        state.used += 1
        state.last_used = now
        return state.key

    def succeeded(self, key_id: str) -> None:
        """When an attempt with this key got its whole answer: a rest that was our guess is over.

        A deadline that the provider named stays.
        """
        if state := self._states.get(key_id):
            state.succeeded += 1
            if state.guessed:
                _end_rest(state)

    def pick_in_need(self, now: float) -> Key | NoKey:
        """The least bad key, for when nobody at all can be asked: one whose rest is only our guess.

        A key that a provider wants to rest until a time of its own, or for money, stays at rest; and the
        least bad one is tried no more often than once in `NEED_SPACING`.
        """
        guessed = [state for state in self._states.values() if state.guessed and not state.disabled]
        tried = max(
            (state.last_used for state in guessed if state.last_used is not None), default=-NEED_SPACING
        )
        if not guessed or now - tried < NEED_SPACING:
            return NoKey(self._first_back())
        return self._take(min(guessed, key=lambda state: state.rested_until), now)

    def rest(self, key_id: str, until: float, *, guessed: bool = False) -> None:
        """When the provider asked to slow down; a deadline that is already later stays.

        `guessed` says that the provider named no time.
        """
        if state := self._states.get(key_id):
            state.rate_limited += 1
            if _rest(state, until, "rate_limit"):
                state.guessed = guessed

    def rest_for_money(self, key_id: str, until: float) -> None:
        """When the account is empty or its spend limit is reached."""
        if (state := self._states.get(key_id)) and _rest(state, until, "money"):
            state.guessed = False

    def disable(self, key_id: str) -> None:
        """When the provider refuses the key; only `unblock` or a new list brings it back."""
        if state := self._states.get(key_id):
            state.disabled = True

    def unblock(self, key_id: str) -> None:
        """An operator's order: this key is good again."""
        if state := self._states.get(key_id):
            state.disabled = False
            _end_rest(state)

    def snapshot(self) -> RingView:
        """What to show of it; no key text."""
        return RingView(self._strategy, tuple(state.view() for state in self._states.values()))

    def _first_back(self) -> float | None:
        return min(
            (state.rested_until for state in self._states.values() if not state.disabled), default=None
        )


def _end_rest(state: _KeyState) -> None:
    state.rested_until = 0.0
    state.resting_for = None
    state.guessed = False


def _rest(state: _KeyState, until: float, reason: RestReason) -> bool:
    """Puts a key to rest; False when it rests for longer already."""
    if until <= state.rested_until:
        return False
    state.rested_until = until
    state.resting_for = reason
    return True
