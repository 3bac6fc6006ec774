"""The wall's models: each name is a fault. `BEHAVIOURS` is the whole list.

A name may carry a mark, `500-once+a1b2`. Requests with the same mark are one request's attempts: what happens
"once" or "first" happens once for each mark, and the log tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cortex_actors.drill import plays
from cortex_actors.drill.reply import Reply


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One thing a provider can do to a request."""

    name: str
    about: str
    play: Callable[[Reply], None]
    #: The deltas of its whole answer.
    pieces: Callable[[], Iterable[str]] = lambda: plays.SIXTY
    #: Seconds from the first request on in which it is out of order.
    down_for: float = 0.0

    @property
    def text(self) -> str:
        """Its whole answer."""
        return "".join(self.pieces())


BEHAVIOURS: Mapping[str, Behaviour] = {
    behaviour.name: behaviour
    for behaviour in (
        Behaviour("steady", "sixty words, well formed", plays.steady),
        Behaviour("healthy", "the same", plays.steady),
        Behaviour("slow", "the same, a word each 50 ms", plays.slow),
        Behaviour(
            "no-prefill", "healthy, but 400 when the last message is the assistant's", plays.no_prefill
        ),
        Behaviour("begins-anew", "healthy, but forgets what of its answer it has said", plays.forgetful),
        Behaviour(
            "429-then-fine", "429 with Retry-After: 2; fine after that time", plays.rate_limited_at_first
        ),
        Behaviour("429-first-key", "the same, for the first key alone", plays.rate_limited_with_first_key),
        Behaviour("429-forever", "429 for ever, without Retry-After", plays.rate_limited),
        Behaviour("500-once", "500 the first time, then fine", plays.failed_once),
        Behaviour("503-forever", "503 for ever", plays.unavailable),
        Behaviour("reset-before-headers", "a TCP reset the first time, then fine", plays.reset_once),
        Behaviour("silence", "takes the request and says nothing", plays.silent),
        Behaviour("slow-first-token", "headers at once, the first word after 20 s", plays.late),
        Behaviour("cut-at-40", "hangs up after 40 words", plays.cut),
        Behaviour("reset-at-40", "a TCP reset after 40 words", plays.reset_midway),
        Behaviour("stall-at-20", "silent for 30 s after 20 words", plays.stalled),
        Behaviour("bad-json-event", "one event of invalid JSON among good ones", plays.bad_event),
        Behaviour("no-done", "a complete answer without [DONE]", plays.no_done),
        Behaviour("no-done-left-open", "the same, and the body stays open for 30 s", plays.left_open),
        Behaviour("context-length", "400 context_length_exceeded", plays.too_long),
        Behaviour("content-policy", "400 content_policy_violation", plays.against_policy),
        Behaviour("clean-end-without-finish", "all words, no finish_reason, no [DONE]", plays.no_finish),
        Behaviour("error-event", "an error event after 20 words", plays.error_event),
        Behaviour("json-error-200", "200 with a JSON error as its body", plays.error_as_success),
        Behaviour(
            "utf8-every-byte",
            "strange characters byte by byte, CRLF, comments",
            plays.strange,
            lambda: plays.STRANGE,
        ),
        Behaviour("zero-deltas", "a stream that ends well and says nothing", plays.nothing_said, tuple),
        Behaviour("insufficient-quota", "429 insufficient_quota", plays.no_money),
        Behaviour("bad-key", "401 that quotes the key", plays.bad_key),
        Behaviour("bad-first-key", "the same, for the first key alone", plays.first_key_bad),
        Behaviour("huge-delta", "one delta of 3 MB", plays.says(plays.huge), plays.huge),
        Behaviour("many-deltas", "60,000 deltas of 1 KB", plays.says(plays.numbered), plays.numbered),
        Behaviour("down-for-8s", "503 for 8 s, then fine", plays.down_at_first(8.0), down_for=8.0),
        Behaviour("down-for-a-while", "503 for 60 s, then fine", plays.down_at_first(60.0), down_for=60.0),
    )
}
