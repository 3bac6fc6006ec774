"""What the gateway's actors say to one another: every message, immutable, in one file.

front end      -> Dispatcher        (method calls on the request's own thread)
Dispatcher     -> Router            SelectRoutes -> Routes
StreamWorker   -> Dispatcher        ChunksArrived*, then AttemptFinished or AttemptFailed
anyone         -> Dispatcher        Cancel (control lane)
Dispatcher     -> ProviderWorker    AdmitAttempt -> Admission | NotAdmitted; FirstToken; one Outcome
Prober         -> ProviderWorker    ProbeResult
operators      -> ProviderWorker    ForceBreaker -> BreakerState; UnblockKey -> bool
a reload       -> ProviderWorker, Prober    TermsChanged
ProviderWorker -> (views)           ProviderBooks, published by attribute swap; nobody asks for them
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

from cortex_actors.chat import AnswerEvent, FinishReason, RequestLimits, Usage
from cortex_actors.dispatch.permission import Permission
from cortex_actors.errors import CortexError, FailureClass, UpstreamError
from cortex_actors.otp.messages import System
from cortex_actors.resilience.breaker_board import BoardView, Permit
from cortex_actors.resilience.breaker_states import Mode
from cortex_actors.resilience.key_ring import Key, RingView
from cortex_actors.resilience.provider_status import Evidence, ProviderStatus

if TYPE_CHECKING:
    from cortex_actors.dispatch.provider import Provider


class EndName(StrEnum):
    """How a stream ended: exactly one of these, counted once, logged once."""

    COMPLETE = "complete"
    RECOVERED = "recovered"
    UPSTREAM_ERROR = "upstream_error"
    TRUNCATED = "truncated"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    CLIENT_GONE = "client_gone"
    SLOW_CLIENT = "slow_client"
    SHED = "shed"
    SHUTDOWN = "shutdown"


class Caller(Protocol):
    """The other side of a request, as far as the dispatcher needs to know it."""

    @property
    def request_id(self) -> str: ...

    @property
    def name(self) -> str | None:
        """The name of its key; None for a caller without one."""
        ...

    @property
    def traceparent(self) -> str | None:
        """The trace that its request is a part of (W3C Trace Context), as it came."""
        ...

    @property
    def permission(self) -> Permission:
        """Which providers and models may answer it."""
        ...

    def gone(self) -> bool:
        """Whether the caller has left; cheap, called several times a second while nothing is written."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """One way to answer a request: a configured provider and the name it knows the model by."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class SelectRoutes:
    """Asks the router which providers to try, best first."""

    model: str | None
    provider: str | None
    #: By design without a default: no way to a route may forget it.
    permission: Permission
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routes:
    """The router's answer; never empty. `limits` are those of a public model, where it has its own.

    `larger` is where a request goes that turns out to be too long for the model it asked for.
    """

    routes: tuple[Route, ...]
    larger: tuple[Route, ...] = ()
    limits: RequestLimits = field(default_factory=RequestLimits)


@dataclass(frozen=True, slots=True)
class ChunksArrived:
    """Events of one attempt that were there together; `size` is what they weigh in the window, in bytes."""

    attempt: int
    events: tuple[AnswerEvent, ...]
    size: int


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """The provider said that its answer is over."""

    attempt: int


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """The attempt is over without an end marker; the error says why."""

    attempt: int
    error: CortexError


@dataclass(frozen=True, slots=True)
class Cancel(System):
    """Ends a stream from outside, under this name; overtakes chunks that wait.

    `error` is what to tell the caller; None when he is the one who left.
    """

    end: EndName
    error: CortexError | None = None


@dataclass(frozen=True, slots=True)
class AdmitAttempt:
    """Asks a provider's worker for leave to make one attempt.

    `in_need` says that nobody else can be asked: the least bad key will do.
    """

    model: str
    in_need: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to make one attempt, with the key to make it with; its `Outcome` must follow."""

    permit: Permit
    key: Key
    #: Whether another key could be tried if this one is refused.
    other_key: bool = False
    #: The provider as its worker knows it: a key must not reach an address that it is not meant for, and a
    #: reload may change both between the choice of a route and this. None where there is no worker.
    provider: Provider | None = None

    @property
    def upstream(self) -> tuple[str, str] | None:
        """Whom the attempt is made at, see `Provider.upstream`."""
        return None if self.provider is None else self.provider.upstream


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """No attempt now: the breaker is open, every key rests, or the provider drains."""

    reason: Literal["breaker_open", "rate_limited", "no_key", "draining"]
    #: Seconds; None when only an operator can change that.
    retry_in: float | None = None


@dataclass(frozen=True, slots=True)
class FirstToken:
    """A probing attempt has its first content: its breaker need not wait for the end."""

    admission: Admission


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went, for the provider's books; times in seconds.

    `error` is the provider's failure, None for a whole answer; an attempt that we cut short carries
    AttemptCancelled, and says nothing about the provider.
    """

    admission: Admission
    error: UpstreamError | None
    ttft: float | None
    duration: float


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the free health probe saw; `models` is empty when it could not tell."""

    models: tuple[str, ...] = ()
    #: None when the provider answered well.
    failure_class: FailureClass | None = None
    error: str | None = None
    #: Who was asked, see `Provider.upstream`; None where there is but one.
    upstream: tuple[str, str] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TermsChanged:
    """A provider's actors have new terms; see `mandate`."""


@dataclass(frozen=True, slots=True)
class ForceBreaker:
    """An operator's order for one model's breaker, or with None for the provider and all its models."""

    mode: Mode
    model: str | None = None


@dataclass(frozen=True, slots=True)
class UnblockKey:
    """An operator's order: the key of this id is good again."""

    key_id: str


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One line of a request's story; safe to show."""

    number: int
    provider: str
    model: str
    outcome: str
    status: int | None
    milliseconds: int


#: `joined`: it went on from there. `refused`: it takes no trailing assistant message, and was asked again in
#: a user turn. `mismatched`: it told another answer. `failed`: it failed before it had said anything new.
RecoveryResult = Literal["joined", "refused", "mismatched", "failed"]


@dataclass(frozen=True, slots=True)
class RecoveryRecord:
    """What came of one attempt to go on with an answer that had broken off."""

    attempt: int
    provider: str
    model: str
    #: How many characters of text the caller had by then.
    offset: int
    result: RecoveryResult


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The one end of a stream. `error` is None when the answer is whole, and when nobody is left to tell."""

    name: EndName
    error: CortexError | None
    finish: FinishReason | None
    usage: Usage | None
    provider: str | None
    model: str | None
    attempts: tuple[AttemptRecord, ...]
    ttft: float | None
    duration: float
    #: Every attempt to go on where the answer had broken off.
    recoveries: tuple[RecoveryRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderBooks:
    """What a provider's worker publishes: all that only it knows. True for the moment it was published."""

    breakers: BoardView
    keys: RingView
    #: The last thing the provider did; None before the first.
    evidence: Evidence | None = None
    #: The models that the provider itself says it has.
    discovered: tuple[str, ...] = ()
    requests: int = 0
    failures: int = 0
    #: A moving mean of the time to first token, in seconds; None before the first.
    mean_ttft: float | None = None
    #: What went wrong last, in a few words; None when nothing did.
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider as everybody sees it: its settings, its books, and what is true of it at this moment."""

    name: str
    type: str
    status: ProviderStatus
    priority: int
    models: tuple[str, ...]
    capabilities: tuple[str, ...]
    in_flight: int
    max_streams: int
    local: bool
    draining: bool
    requests: int
    failures: int
    mean_ttft: float | None
    last_error: str | None
    breakers: BoardView
    keys: RingView
    #: Its share under the `weighted` strategy.
    weight: float = 1.0
