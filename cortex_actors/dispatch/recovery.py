"""Recovery: what one stream remembers of its answer, in order to go on with it when it breaks off.

    keep(events)              what the caller is given; the text is remembered, up to a bound
    may_go_on(attempt)        whether an answer that breaks off now can be gone on with
    broke_off(attempt, ...)   it did: from here on attempts are asked for the rest
    request_for(provider)     the request for the next attempt: the caller's own, or one for the rest
    join(attempt, events)     what of a continuation is new, or that it does not fit
    told(over)                the end to tell: a failed recovery is told as the failure that came before it

While nothing breaks off, all this costs is to keep the text. The books of it (`records`) are part of the end.

Runs on:   the request's own thread, as a part of its dispatcher.
"""

from __future__ import annotations

from cortex_actors.chat import (
    AnswerEvent,
    ChatRequest,
    Chunk,
    EmbeddingsRequest,
    RecoveryStrategy,
    RecoveryWish,
    Usage,
)
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.ends import Over, end_name
from cortex_actors.dispatch.joint import Joint
from cortex_actors.dispatch.messages import RecoveryRecord, RecoveryResult
from cortex_actors.dispatch.provider import Provider
from cortex_actors.dispatch.recovery_terms import is_wanted, recovery_terms
from cortex_actors.errors import ContinuationMismatch, CortexError, UpstreamRejected
from cortex_actors.providers.failures import CONTEXT_LENGTH
from cortex_actors.settings import RecoverySettings
from cortex_actors.streaming.recovery import Manner, continuation, estimated_tokens, is_plain_text

Events = tuple[AnswerEvent, ...]

#: So many pieces of text are kept as they came; each takes as much memory as ten of its size that are packed.
_MOST_LOOSE = 256


class Recovery:
    """One stream's memory, and its way on.

    `delivered` is text that the caller had before this stream began: then it begins as a continuation, and
    gives only what is new. None means that it begins at the beginning.
    """

    def __init__(
        self,
        settings: RecoverySettings,
        request: ChatRequest | EmbeddingsRequest,
        delivered: str | None = None,
    ) -> None:
        self._settings = settings
        self._request = request
        self._wish = request.recovery if isinstance(request, ChatRequest) else RecoveryWish(False)
        #: Whether this request has an answer that somebody else could go on with.
        self.possible = isinstance(request, ChatRequest) and is_plain_text(request)
        self._terms = recovery_terms(settings, "", self._wish)
        #: Whether what the caller is given need be kept.
        self.keeping = False
        #: The text that the caller has: what was packed, and pieces behind that.
        self._packed = [delivered or ""]
        self._loose: list[str] = []
        self._length = len(delivered or "")
        self._thought = False
        #: Attempts are asked for the rest of an answer; how many of them failed.
        self.going_on = delivered is not None
        self._tries = 0
        #: A continuation in other words did not fit, so the next one is shown all that it must fit to.
        self._exact = False
        #: The failure that the text stopped at, and whose it was; None once it went on.
        self._failure: CortexError | None = None
        self.blamed: Attempt | None = None
        #: The continuation that is asked for now.
        self._joint: Joint | None = None
        self._spent: Usage | None = None
        self.records: list[RecoveryRecord] = []

    # -- while all is well

    def answered_by(self, provider: Provider) -> None:
        """Somebody answers: from here on what he says is kept, if his answer may be gone on with."""
        own = provider.settings.recovery
        self._terms = recovery_terms(self._settings, own, self._wish)
        self.keeping = self.possible and is_wanted(self._settings, own, self._wish)

    def keep(self, events: Events) -> None:
        """Remembers the text that the caller is given; ends for good what cannot be gone on with."""
        for event in events:
            if isinstance(event, Chunk):
                if event.text:
                    self._loose.append(event.text)
                    self._length += len(event.text)
                elif event.reasoning:
                    self._thought = True
                if event.tool_calls or event.logprobs:
                    self._forget()
        if len(self._loose) > _MOST_LOOSE:
            self._packed.append("".join(self._loose))
            self._loose.clear()
        if self._length > self._settings.max_characters:
            self._forget()

    def total(self, usage: Usage | None) -> Usage | None:
        """The tokens of all attempts that had a part in the answer, as their providers reported them."""
        return usage if self._spent is None else _sum(self._spent, usage)

    @property
    def joined(self) -> int:
        """How often the answer was gone on with."""
        return sum(record.result == "joined" for record in self.records)

    # -- when an answer breaks off

    def may_go_on(self, attempt: Attempt) -> bool:
        """Whether an answer that breaks off now can be gone on with."""
        return self.keeping and not attempt.whole and not self.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether no more attempts to go on are due."""
        return self._tries >= self._terms.max_retries

    @property
    def progressed(self) -> bool:
        """Whether the running attempt has given something new."""
        return self._joint is None or self._joint.announced

    def broke_off(self, attempt: Attempt, error: CortexError) -> None:
        """The answer ended too early. What is told in the end is the first failure since it last went on."""
        if self._failure is None:
            self._failure, self.blamed = error, attempt
        self.attempt_failed(attempt, error)
        self.going_on = True

    def attempt_failed(self, attempt: Attempt, error: CortexError) -> None:
        """Enters the failure of an attempt into the books."""
        self._spent = _sum(self._spent, attempt.usage)
        joint, self._joint = self._joint, None
        if joint is None:
            return
        self._tries += 1
        if not joint.announced:
            mismatched = isinstance(error, ContinuationMismatch)
            self._enter(attempt, "mismatched" if mismatched else "failed")
            self._exact = self._exact or mismatched

    def refused_prefill(self, attempt: Attempt, error: CortexError) -> bool:
        """Whether the target will do if it is asked in a user turn; remembers that."""
        if self._joint is None or self._joint.manner is not Manner.PREFILL:
            return False
        if not isinstance(error, UpstreamRejected) or error.upstream_code == CONTEXT_LENGTH:
            return False
        attempt.provider.prefill.refused(attempt.route.model)
        self._enter(attempt, "refused")
        self._joint = None
        return True

    def asks_otherwise(self, error: CortexError) -> bool:
        """Whether the same target may be asked again, since it will be asked for something else."""
        return isinstance(error, ContinuationMismatch) and self._strategy != "exact"

    def told(self, over: Over) -> Over:
        """The end to tell, where this one would be."""
        if self._failure is None or over.from_outside:
            return over
        return Over(end_name(self._failure), self._failure)

    # -- going on

    def request_for(self, provider: Provider, model: str) -> ChatRequest | EmbeddingsRequest:
        """What to ask this provider: what the caller asked, or the rest of the answer."""
        request = self._request
        if not self.going_on or not isinstance(request, ChatRequest):
            return request
        said = "".join((*self._packed, *self._loose))
        spent = self._spent.completion_tokens if self._spent else 0
        asked = continuation(
            request,
            said,
            self._strategy,
            prefill=provider.prefill.may_try(model) and provider.adapter.prefills(request, model),
            used=max(spent, estimated_tokens(said)),
            least_tokens=self._settings.least_tokens,
        )
        self._joint = Joint(
            asked, self._length, thought=self._thought, total=lambda usage: self.total(usage) or usage
        )
        return asked.request

    @property
    def shows_text(self) -> bool:
        """Whether the target is shown a text, behind which it may have nothing more to say."""
        return self._joint is not None and self._joint.manner is not Manner.ANEW

    def join(self, attempt: Attempt, events: Events) -> Events | ContinuationMismatch:
        """What of these events is new; the seam is announced before the first of it."""
        joint = self._joint
        assert joint is not None
        before = joint.announced
        new = joint.pass_on(attempt, events)
        if joint.announced and not before:
            self._failure = self.blamed = None
            self._enter(attempt, "joined")
        return new

    @property
    def _strategy(self) -> RecoveryStrategy:
        return "exact" if self._exact else self._terms.strategy

    def _forget(self) -> None:
        """What the caller has cannot be gone on with any more."""
        self.keeping = False
        self._packed, self._loose = [], []

    def _enter(self, attempt: Attempt, result: RecoveryResult) -> None:
        provider, model = attempt.provider.name, attempt.model
        self.records.append(RecoveryRecord(attempt.number, provider, model, self._length, result))


def _sum(one: Usage | None, other: Usage | None) -> Usage | None:
    if one is None or other is None:
        return one or other
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        _sum_known(one.cached_tokens, other.cached_tokens),
        _sum_known(one.reasoning_tokens, other.reasoning_tokens),
        _sum_known(one.cache_written_tokens, other.cache_written_tokens),
    )


def _sum_known(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)
