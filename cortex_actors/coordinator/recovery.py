"""Recovery: whether a stream that failed goes on, with what request, and what of its answer is new.

What is asked and how it is joined is `cortex_actors.streaming.recovery`. Here is decided when: after a
failure that another attempt may not meet, while there are retries left, and only where the answer is plain
text up to now. The caller hears of the first failure, where nothing helped.

Imports:   targets of this package; chat, errors, resilience (the pauses), streaming (the text of it).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, get_args

from cortex_actors.chat import ChatRequest, RecoveryStrategy
from cortex_actors.coordinator.targets import Target, chat_of
from cortex_actors.errors import CortexError, FailureClass, InvalidRequest, UpstreamError
from cortex_actors.resilience.backoff import Backoff
from cortex_actors.streaming.recovery import Seam, continuation, is_plain_text

#: Failures that the same request may not meet again; there is no other list of them.
RECOVERABLE: frozenset[FailureClass] = frozenset({"server", "silence", "rate_limit"})

_STRATEGIES: tuple[str, ...] = get_args(RecoveryStrategy)

#: Pauses between attempts, and the longest Retry-After that is waited for, in seconds.
_BACKOFF = Backoff(base=0.25, cap=4.0, floor=0.01)
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryOptions:
    """What `recovery` may say."""

    strategy: RecoveryStrategy = "paragraph"
    #: How many further attempts one stream may make.
    max_retries: int = 3
    #: The provider is known to go on behind a trailing assistant message.
    prefill: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in _STRATEGIES:
            raise InvalidRequest(
                f"recovery.strategy must be one of {', '.join(_STRATEGIES)}.", field="recovery"
            )
        if type(self.max_retries) is not int or self.max_retries < 0:
            raise InvalidRequest(
                "recovery.max_retries must be a whole number of 0 or more.", field="recovery"
            )


class Recovery:
    """The further attempts of one stream."""

    def __init__(
        self,
        options: RecoveryOptions,
        request: ChatRequest,
        target_for: Callable[[ChatRequest], Target],
        random: Random | None = None,
    ) -> None:
        self._options = options
        self._request = request
        self._target_for = target_for
        self._random = random or Random()
        #: Attempts that were made beside the first.
        self.retries = 0

    def pause(self, error: CortexError | None) -> float | None:
        """Seconds to wait before another attempt; None where this failure is the end."""
        if not isinstance(error, UpstreamError) or error.failure_class not in RECOVERABLE:
            return None
        if error.code == "total_timeout" or self.retries >= self._options.max_retries:
            return None
        if error.retry_after is not None and error.retry_after > _LONGEST_WAIT:
            return None
        return _BACKOFF.pause(self.retries, self._random, error.retry_after)

    def go_on(self, said: str) -> tuple[Target, Seam]:
        """Another attempt, given all that was said, and the seam that its answer passes."""
        self.retries += 1
        options = self._options
        asked = continuation(self._request, said, options.strategy, prefill=options.prefill)
        return self._target_for(asked.request), Seam(asked)


def recovery_of(
    said: Mapping[str, Any] | None, chat: ChatRequest, target_for: Callable[[ChatRequest], Target]
) -> Recovery:
    """A recovery of one stream. Raises InvalidRequest where there can be none, TypeError for other keys."""
    options = RecoveryOptions(**(said or {}))
    if not is_plain_text(chat):
        raise InvalidRequest("Only plain text can be recovered.", field="stream_recovery")
    return Recovery(options, chat, target_for)


def chat_in(request: object) -> ChatRequest:
    """The chat in a body that one wrote oneself. Raises InvalidRequest where there is none to go on with."""
    body = json.loads(request) if isinstance(request, bytes) else request
    if not isinstance(body, Mapping) or not isinstance(body.get("messages"), list):
        raise InvalidRequest("stream_recovery needs a request with messages.", field="stream_recovery")
    limit = body.get("max_tokens")
    chat = chat_of(body["messages"])
    others = {name: value for name, value in body.items() if name != "messages"}
    return ChatRequest(chat.messages, max_tokens=limit if type(limit) is int else None, extra=others)


def body_of(chat: ChatRequest) -> dict[str, Any]:
    """The other way round: the body with other messages in it, and perhaps another limit."""
    messages = [{"role": message.role, "content": message.text} for message in chat.messages]
    limit = {} if chat.max_tokens is None else {"max_tokens": chat.max_tokens}
    return {**chat.extra, **limit, "messages": messages}
