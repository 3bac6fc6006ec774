"""Answers to askers. An asker gets one answer: what comes after it is dropped.

A second answer is no mistake: a mailbox that closes tells everybody that the actor is dead, also the one
whose question a stuck handler still has in hand.

Runs on:   any thread.
"""

from __future__ import annotations

import queue
from typing import Any

from pykka import ActorDeadError
from pykka._envelope import Envelope
from pykka.messages import _ActorStop


def answer(envelope: Envelope[Any], value: object) -> None:
    """Gives the asker, if there is one, his answer."""
    if envelope.reply_to is not None:
        try:
            envelope.reply_to.set(value)
        except queue.Full:
            return


def answer_error(envelope: Envelope[Any], error: Exception) -> None:
    """Gives the asker, if there is one, an exception as his answer."""
    if envelope.reply_to is not None:
        try:
            envelope.reply_to.set_exception((type(error), error, error.__traceback__))
        except queue.Full:
            return


def answer_as_dead(envelope: Envelope[Any]) -> None:
    """Tells the asker that nobody will answer; to whom wanted a stop, that is what he wanted."""
    if isinstance(envelope.message, _ActorStop):
        answer(envelope, None)
    else:
        answer_error(envelope, ActorDeadError("the actor left before it handled the message"))
