"""An answer of ten words that breaks off, and how it ended in the end."""

from __future__ import annotations

from typing import Any

from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.messages import StreamEnd
from cortex_actors.settings import RecoverySettings
from tests.upstream import Hang
from tests.upstream.models import Model, breaks_off, words_of

TEXT = "one two three four five six seven eight nine ten"

#: As it is by default: what breaks off is gone on with.
ON = RecoverySettings()


def ended(dispatcher: Dispatcher) -> StreamEnd:
    """How its stream ended, which it has."""
    assert dispatcher.end is not None
    return dispatcher.end


def silent_after(words: int) -> Model:
    """Says so many words, and then nothing."""
    return breaks_off(TEXT, words, Hang())


def deltas(words: int) -> list[Any]:
    """So many words as events of OpenAI's dialect."""
    return [
        {"id": "1", "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}
        for word in words_of(TEXT)[:words]
    ]


def finish() -> Any:
    """The event that ends an answer."""
    return {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
