"""What the wall can do to a request: one function a fault, each a few verbs of `Reply`.

Imported by: behaviours, which says what each does and gives it its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cortex_actors.drill.reply import Reply
from cortex_actors.drill.words import STRANGE_TEXT, TEXT, pieces_of

#: What the wall says when it refuses with a reason; a judge looks for it in what the caller is told.
REASON = "The wall does not feel like it today"

#: Seconds that a rate limit of the wall asks for, and keeps to.
RETRY_AFTER = 2

SIXTY = pieces_of(TEXT)
STRANGE = pieces_of(STRANGE_TEXT)
_HUGE = 3_000_000
_MANY = 60_000
_KILOBYTE = 1024
_FOR_EVER = 3600.0


# -- healthy


def steady(reply: Reply) -> None:
    _answer(reply, SIXTY)


def no_prefill(reply: Reply) -> None:
    if reply.prefilled:
        reply.refuse(400, "This model does not continue an assistant message; end with a user message.")
    else:
        steady(reply)


def forgetful(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY)
    _close(reply)


def slow(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY, pace=0.05)
    _close(reply)


def _answer(reply: Reply, pieces: Iterable[str]) -> None:
    """A whole answer; where the conversation holds the beginning of it, only the rest, as models do."""
    if reply.begun:
        pieces = pieces_of("".join(pieces).removeprefix(reply.begun))
    reply.begin()
    reply.say(pieces)
    _close(reply)


def _close(reply: Reply) -> None:
    reply.finish()
    reply.usage()
    reply.end()


# -- refusals


def rate_limited_at_first(reply: Reply) -> None:
    if reply.since_first < RETRY_AFTER:
        _rate_limit(reply, {"Retry-After": str(RETRY_AFTER)})
    else:
        steady(reply)


def rate_limited_with_first_key(reply: Reply) -> None:
    if reply.since_first < RETRY_AFTER and _has_first_key(reply):
        _rate_limit(reply, {"Retry-After": str(RETRY_AFTER)})
    else:
        steady(reply)


def rate_limited(reply: Reply) -> None:
    _rate_limit(reply, {})


def _rate_limit(reply: Reply, headers: Mapping[str, str]) -> None:
    reply.refuse(429, "Slow down.", "rate_limit_exceeded", "requests", headers)


def failed_once(reply: Reply) -> None:
    if reply.earlier:
        steady(reply)
    else:
        reply.refuse(500, _careless(reply), None, "server_error")


def unavailable(reply: Reply) -> None:
    reply.refuse(503, "Nobody is here.", None, "server_error")


def down_at_first(seconds: float) -> Callable[[Reply], None]:
    return lambda reply: (unavailable if reply.since_first < seconds else steady)(reply)


def too_long(reply: Reply) -> None:
    reply.refuse(400, f"{_careless(reply)} 9000 tokens are more than 8192.", "context_length_exceeded")


def against_policy(reply: Reply) -> None:
    reply.refuse(400, f"{_careless(reply)} It is against the policy.", "content_policy_violation")


def no_money(reply: Reply) -> None:
    reply.refuse(429, "Please check your plan.", "insufficient_quota", "insufficient_quota")


def bad_key(reply: Reply) -> None:
    reply.refuse(401, f"Incorrect API key provided: {reply.key}.", "invalid_api_key")


def _careless(reply: Reply) -> str:
    """The wall's reason, with the key in it, as some providers have it."""
    return f"{REASON}, {reply.key}." if reply.key else f"{REASON}."


def first_key_bad(reply: Reply) -> None:
    (bad_key if _has_first_key(reply) else steady)(reply)


def _has_first_key(reply: Reply) -> bool:
    return all(other.key == reply.entry.key for other in reply.earlier[:1])


# -- before the first word


def reset_once(reply: Reply) -> None:
    if not reply.earlier:
        reply.reset()
    steady(reply)


def silent(reply: Reply) -> None:
    reply.pause(_FOR_EVER)


def late(reply: Reply) -> None:
    reply.begin()
    reply.pause(20.0)
    reply.say(SIXTY)
    _close(reply)


def error_as_success(reply: Reply) -> None:
    reply.refuse(200, _careless(reply), None, "server_error")


def nothing_said(reply: Reply) -> None:
    reply.begin()
    _close(reply)


# -- in the middle of an answer


def cut(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY[:40])
    reply.cut()


def reset_midway(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY[:40])
    reply.pause(0.2)  # a reset overtakes what the kernel still holds, and 40 words are meant to arrive
    reply.reset()


def stalled(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY[:20])
    reply.pause(30.0)
    reply.say(SIXTY[20:])
    _close(reply)


def bad_event(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY[:30])
    reply.data('{"choices":[{"index":0,"delta":{"content":"half an ')
    reply.say(SIXTY[30:])
    _close(reply)


def error_event(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY[:20])
    reply.fail(_careless(reply))
    reply.end(done=False)


# -- at its end


def no_done(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY)
    reply.finish()
    reply.usage()
    reply.end(done=False)


def left_open(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY)
    reply.finish()
    reply.usage()
    reply.pause(30.0)
    reply.end(done=False)


def no_finish(reply: Reply) -> None:
    reply.begin()
    reply.say(SIXTY)
    reply.end(done=False)


# -- hard to read


def strange(reply: Reply) -> None:
    reply.cut_up = _every_byte
    _answer(reply, STRANGE)


def _every_byte(event: bytes) -> Iterable[bytes]:
    data = b": still here\r\n\r\n" + event.replace(b"\n", b"\r\n")
    return (data[place : place + 1] for place in range(len(data)))


def huge() -> Iterable[str]:
    """One delta of 3 MB."""
    return ((TEXT + " ") * (_HUGE // len(TEXT)),)


def numbered() -> Iterable[str]:
    """Deltas of 1 KB, of which each can be told from the others."""
    return (f" {number:06d}".ljust(_KILOBYTE, ".") for number in range(_MANY))


def says(pieces: Callable[[], Iterable[str]]) -> Callable[[Reply], None]:
    return lambda reply: _answer(reply, pieces())
