"""Every error of the supervision layer, in one tree.

    ActorError
    ├── Refused                 a handler says no: the asker is told, the actor lives on
    │   ├── ChildRefused        a supervisor says no, in one of OTP's words
    │   ├── MaxChildren         a roster is full
    │   └── NotAccepting        a roster has no living supervisor, or drains
    ├── ActorUnavailable        dead, restarting, or never heard of
    │   └── MailboxFull         alive, but it has more to do than it may keep
    ├── CallTimeout             no answer in time; the message may still be handled
    ├── StartError              an actor did not come to life; nothing of it is left behind
    ├── NameTaken               the name belongs to another living actor
    └── InvalidSpecs            child specs or supervisor flags are wrong; carries every mistake

    queue.Empty
    └── MailboxEmpty            nothing came in time
        └── MailboxClosed       nothing will ever come

Imports nothing of the project.
"""

from __future__ import annotations

import queue
from typing import Literal


class ActorError(Exception):
    """When the supervision layer has to say no."""


class Refused(ActorError):
    """When a handler declines a message: an expected answer, not a crash. Subclass it for your own."""


#: OTP's own words for what a supervisor refuses to do with a child.
ChildWord = Literal[
    "already_started",
    "already_present",
    "not_found",
    "running",
    "restarting",
    "start_failed",
    "invalid_child_spec",
    "not_supported",
]


class ChildRefused(Refused):
    """When a supervisor does not do what an operator asks; `word` says why."""

    def __init__(self, word: ChildWord, detail: str = "") -> None:
        super().__init__(f"{word}: {detail}" if detail else word)
        self.word = word


class MaxChildren(Refused):
    """When a roster has as many children as it may have."""

    def __init__(self, roster: str, max_children: int) -> None:
        super().__init__(f"{roster} has {max_children} children and may have no more")
        self.max_children = max_children


class NotAccepting(Refused):
    """When a roster takes no child now: its supervisor is away, or it drains."""


class ActorUnavailable(ActorError):
    """When nobody is there to take the message."""


class MailboxFull(ActorUnavailable, queue.Full):
    """When the receiver has more messages than it may keep; the sender is told at once."""


class CallTimeout(ActorError):
    """When no answer came in time."""


class StartError(ActorError):
    """When an actor did not come to life; `__cause__` is what its constructor or `init` raised."""


class NameTaken(ActorError):
    """When a name belongs to another living actor."""


class InvalidSpecs(ActorError, ValueError):
    """When child specs or flags are wrong; carries one message per mistake."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


class MailboxEmpty(queue.Empty):
    """When nothing came in time."""


class MailboxClosed(MailboxEmpty):
    """When nothing will ever come: the actor has left."""
