"""The continuation: the request that asks for the rest of an answer which broke off.

    prefill        [..., assistant: what was said]                         the target goes on in its own words
    user turn      [..., assistant: what was said, user: "Continue from where you left off. ..."]
    summarize      [..., user: "The following is a partial response that was interrupted: ..."]

    exact          all that was said is shown
    paragraph      what was said up to its last whole paragraph or sentence; the rest is said again
    summarize      the target tells what was covered, in its own words, and goes on from there

The user turn of `exact` asks the target to begin with the last words that were said. Its answer then shows by
itself where it goes on, white space included; a chat model begins its turns without any.

Pure; imports chat. Imported by: dispatch, coordinator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from cortex_actors.chat import ChatRequest, Message, RecoveryStrategy, TextPart
from cortex_actors.streaming.recovery.allowance import LEAST_TOKENS, allowance, estimated_tokens
from cortex_actors.streaming.recovery.evidence import begins_word, inside, weight
from cortex_actors.streaming.recovery.resume_point import resume_point

_GO_ON = "Continue from where you left off."
_NEW_PARAGRAPH = "Start with a new paragraph."
_REPEAT = "Begin your reply by repeating exactly your last words, which follow, and go on from there:"
_INTERRUPTED = "The following is a partial response that was interrupted:"
_SUMMARIZE = "Please briefly summarize what was covered above, then continue with the rest of the response."

#: The last words are so many that nothing else in a text is mistaken for them: in weight, and in characters.
_ECHO_WEIGHT = 20
_LONGEST_ECHO = 120

#: Fields that ask for something else than plain text.
_NOT_PLAIN = frozenset(
    {
        "logprobs", "top_logprobs", "functions", "function_call", "modalities", "audio", "format", "grammar",
        "json_schema", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar",
    }
)  # fmt: skip


class Manner(StrEnum):
    """How the target is asked."""

    #: Its answer goes on behind the last assistant message.
    PREFILL = "prefill"
    #: A user turn asks it to go on.
    USER_TURN = "user_turn"
    #: A user turn shows what was said, and asks for a summary first.
    SUMMARY = "summary"
    #: Nothing was said yet, so it is asked what it was asked before.
    ANEW = "anew"


@dataclass(frozen=True, slots=True)
class Continuation:
    """A request for the rest, and what a `Seam` needs to know to join its answer."""

    request: ChatRequest
    manner: Manner
    #: All text that came before, the caller's own beginning of the answer included.
    said: str
    #: How many characters of it the target is shown; the others it must say again.
    shown: int
    #: How many characters of it were the caller's own.
    given: int = 0
    #: Where in it the words stand that the target was asked to begin with; None where it was not asked.
    echo: int | None = None


def is_plain_text(request: ChatRequest) -> bool:
    """Whether an answer to this request is text that somebody else can go on with.

    JSON must fit as a whole, logprobs belong to one model, and several answers to one request are no text.
    Tools may be on offer: an answer that has begun to call one is another matter.
    """
    asked = {name for name, value in request.extra.items() if value and value != ["text"]}
    several = request.extra.get("n") not in (None, 1)
    return request.response_format is None and not several and not asked & _NOT_PLAIN


def continuation(
    request: ChatRequest,
    delivered: str,
    strategy: RecoveryStrategy = "exact",
    *,
    prefill: bool = False,
    used: int | None = None,
    least_tokens: int = LEAST_TOKENS,
) -> Continuation:
    """The request for the rest of an answer, of which `delivered` is at the caller.

    `prefill` says that the target continues a trailing assistant message; `used` are the tokens that were
    spent on the text, None where nobody said.

    >>> asked = ChatRequest((Message("user", (TextPart("Count."),)),), max_tokens=100)
    >>> rest = continuation(asked, "one two", prefill=True)
    >>> [(message.role, message.text) for message in rest.request.messages]
    [('user', 'Count.'), ('assistant', 'one two')]
    >>> rest.request.max_tokens
    98
    """
    if not delivered.strip():
        return Continuation(request, Manner.ANEW, delivered, 0)
    before, given = _turns_before(request)
    said = given + delivered
    spent = estimated_tokens(delivered) if used is None else used
    if strategy == "summarize":
        asked = _user("\n\n".join((_INTERRUPTED, said, _SUMMARIZE)))
        reduced = replace(request, max_tokens=allowance(request, spent, least_tokens))
        rest = replace(reduced, messages=(*request.messages, asked))
        return Continuation(rest, Manner.SUMMARY, said, len(said), len(given))
    shown = resume_point(said) if strategy == "paragraph" else len(said)
    shown = shown if shown > len(given) else len(said)
    if prefill:
        shown = len(said[:shown].rstrip())  # Anthropic refuses white space at the end
    again = estimated_tokens(said[shown:])
    reduced = replace(request, max_tokens=allowance(request, spent - again, least_tokens))
    turns = (*before, Message("assistant", (TextPart(said[:shown]),)))
    if prefill:
        rest = replace(reduced, messages=turns)
        return Continuation(rest, Manner.PREFILL, said, shown, len(given))
    echo = _echo(said) if strategy == "exact" else None
    words = _GO_ON + (f" {_NEW_PARAGRAPH}" if echo is None else f" {_REPEAT}\n\n{said[echo:].strip()}")
    rest = replace(reduced, messages=(*turns, _user(words)))
    return Continuation(rest, Manner.USER_TURN, said, shown, len(given), echo)


def _turns_before(request: ChatRequest) -> tuple[tuple[Message, ...], str]:
    """The turns before the answer, and the beginning of it that the caller wrote himself, if he did."""
    last = request.messages[-1]
    own = last.role == "assistant" and not last.tool_calls
    if own and last.parts and all(isinstance(part, TextPart) for part in last.parts):
        return request.messages[:-1], last.text
    return request.messages, ""


def _echo(said: str) -> int:
    """Where the last words begin that nothing else is mistaken for."""
    end = len(said.rstrip())
    furthest = max(0, end - _LONGEST_ECHO)
    for place in range(end - 1, furthest, -1):
        if said[place].isspace() or not begins_word(said, place):
            continue
        if weight(said[place:end], _ECHO_WEIGHT) >= _ECHO_WEIGHT:
            return place
    return next(place for place in range(furthest, -1, -1) if not inside(said, place))


def _user(text: str) -> Message:
    return Message("user", (TextPart(text),))
