"""A gateway without actors: it answers the web layer with real values, as each test scripts it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, cast

from cortex_actors.chat import (
    AnswerEvent,
    ChatRequest,
    Chunk,
    EmbeddingsRequest,
    Finish,
    FinishReason,
    ToolCall,
    Usage,
)
from cortex_actors.dispatch.messages import AttemptRecord, Caller, EndName, ProviderView, StreamEnd
from cortex_actors.dispatch.models import KnownModel
from cortex_actors.dispatch.permission import Permission
from cortex_actors.dispatch.stream import AnswerHead, Completion, Embeddings, Stream
from cortex_actors.errors import CortexError, UnknownModel
from cortex_actors.events import EventRing
from cortex_actors.gateway import HealthView, Probe
from cortex_actors.gateway.audience import Audience
from cortex_actors.gateway.process import ProcessView
from cortex_actors.gateway.rates import RateMeter
from cortex_actors.gateway.views import StreamView
from cortex_actors.otp.tree import TreeNode
from cortex_actors.rate_limits import Limiter
from cortex_actors.resilience.breaker_board import BreakerBoard
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import KeyRing
from cortex_actors.settings import Settings

Batch = Sequence[AnswerEvent]

#: A batch, or what is done in its place: waiting, raising.
Step = Batch | Callable[[], Batch]

ATTEMPT = AttemptRecord(1, "groq-primary", "llama-3.1-8b", "complete", None, 42)

COMPLETE = StreamEnd(
    name=EndName.COMPLETE,
    error=None,
    finish=FinishReason.STOP,
    usage=Usage(7, 2),
    provider="groq-primary",
    model="llama-3.1-8b",
    attempts=(ATTEMPT,),
    ttft=0.01,
    duration=0.05,
)

HEAD = AnswerHead(id="5f2b", provider="groq-primary", model="llama-3.1-8b", attempts=1)

HELLO: tuple[Step, ...] = (
    (Chunk(text="Hello"),),
    (Chunk(text=" there"), Chunk(text="!")),
    (Usage(7, 2), Finish(FinishReason.STOP)),
)

TREE = TreeNode(
    id="cortex",
    name="cortex",
    cls="Supervisor",
    kind="supervisor",
    state="running",
    generation=1,
    uptime=12.3456,
    restarts=0,
    restarts_in_period=0,
    max_restarts=3,
    last_exit=None,
    backoff_until=None,
    mailbox=None,
    busy_with=None,
    busy_for=None,
)


STREAM = StreamView(
    id="5f2b",
    request_id="r-1",
    actor="dispatchers/5f2b",
    caller="team-a",
    provider="groq-primary",
    model="llama-3.1-8b",
    key="0a1b2c3d",
    state="streaming",
    started_at=0.0,
    age=3.5,
    ttft=0.25,
    attempt=2,
    attempts=(replace(ATTEMPT, outcome="upstream_failure", status=503),),
    chunks=7,
    bytes=1234,
    recoveries=0,
    window_fill=512,
    window_limit=262_144,
    since_chunk=0.04,
    slow=(),
)


def failed(name: EndName, error: CortexError | None) -> StreamEnd:
    """An end that is no whole answer."""
    return replace(COMPLETE, name=name, error=error, finish=None)


def provider_view(name: str, **changes: object) -> ProviderView:
    """A provider that is well."""
    view = ProviderView(
        name=name,
        type="groq",
        status="available",
        priority=10,
        models=("llama-3.1-8b",),
        capabilities=("chat_completion", "streaming"),
        in_flight=0,
        max_streams=100,
        local=False,
        draining=False,
        requests=3,
        failures=1,
        mean_ttft=0.25,
        last_error=None,
        breakers=BreakerBoard(name, BreakerLimits(), Random(1)).snapshot(0.0),
        keys=KeyRing((), Random(1)).snapshot(),
    )
    return replace(view, **changes)  # type: ignore[arg-type]


@dataclass(eq=False)
class StreamDouble:
    """A stream that plays its steps; closing it early ends it as the dispatcher would."""

    request_id: str
    steps: Iterable[Step]
    last: StreamEnd
    head: AnswerHead = HEAD
    end: StreamEnd | None = None
    #: How often it was closed, and that it was.
    closed: int = 0
    freed: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        return self.head.id

    @property
    def provider(self) -> str:
        return self.head.provider

    @property
    def model(self) -> str:
        return self.head.model

    @property
    def attempt_number(self) -> int:
        return self.head.attempts

    @property
    def dropped(self) -> tuple[str, ...]:
        return self.head.dropped

    @property
    def stream(self) -> Stream:
        """Itself, for those who want to see the real thing."""
        return cast(Stream, self)

    def __iter__(self) -> Iterator[tuple[AnswerEvent, ...]]:
        for step in self.steps:
            yield tuple(step() if callable(step) else step)
        self.end = self.last

    def close(self) -> None:
        self.closed += 1
        if self.end is None:
            self.end = failed(EndName.CLIENT_GONE, None)
        self.freed.set()


@dataclass(frozen=True)
class Running:
    """The streams that run, as a test says."""

    listed: tuple[StreamView, ...]

    def __len__(self) -> int:
        return len(self.listed)

    def views(self) -> tuple[StreamView, ...]:
        return self.listed

    def view(self, stream_id: str) -> StreamView | None:
        return next((view for view in self.listed if view.id == stream_id), None)


@dataclass(eq=False)
class GatewayDouble:
    """The gateway as a test wants it."""

    settings: Settings = field(default_factory=Settings)
    steps: Iterable[Step] = HELLO
    end: StreamEnd = COMPLETE
    #: Raised instead of opening a stream.
    error: Exception | None = None
    text: str = "Hello there!"
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: Mapping[str, Any] | None = None
    vectors: tuple[tuple[float, ...] | str, ...] = ((0.5, -0.25),)
    head: AnswerHead = HEAD
    views: tuple[ProviderView, ...] = ()
    known: tuple[KnownModel, ...] = (KnownModel("auto", "cortex"), KnownModel("meta/llama", "groq-primary"))
    health_view: HealthView = field(default_factory=lambda: HealthView("healthy", (), {}, 12.5))
    limiter: Limiter = field(default_factory=Limiter)
    probe: Probe = field(default_factory=lambda: Probe(True))
    grown: TreeNode = TREE
    events: EventRing = field(default_factory=EventRing)
    audience: Audience = field(default_factory=lambda: Audience(2))
    rates: RateMeter = field(default_factory=RateMeter)
    running: Running = field(default_factory=lambda: Running(()))
    asked: list[ChatRequest] = field(default_factory=list)
    embedded: list[EmbeddingsRequest] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    streams: list[StreamDouble] = field(default_factory=list)

    def open_stream(self, request: ChatRequest, caller: Caller) -> StreamDouble:
        self._note(request, caller)
        stream = StreamDouble(caller.request_id, self.steps, self.end, self.head)
        self.streams.append(stream)
        return stream

    def complete(self, request: ChatRequest, caller: Caller) -> Completion:
        self._note(request, caller)
        return Completion(self.text, self.reasoning, self.tool_calls, self.end, self.head, self.logprobs)

    def embed(self, request: EmbeddingsRequest, caller: Caller) -> Embeddings:
        self.embedded.append(request)
        if self.error is not None:
            raise self.error
        return Embeddings(self.vectors, self.end, self.head)

    def models(self, may: Permission) -> tuple[KnownModel, ...]:
        return self.known

    def model(self, name: str, may: Permission) -> KnownModel:
        for model in self.known:
            if model.name == name:
                return model
        raise UnknownModel(f"No provider has the model {name!r}.")

    def health(self) -> HealthView:
        return self.health_view

    def providers(self) -> tuple[ProviderView, ...]:
        return self.views

    def tree(self, *, temporary: bool = True) -> TreeNode:
        return self.grown if temporary else replace(self.grown, children=())

    def process(self) -> ProcessView:
        return ProcessView.now(
            mode="threads",
            uptime=12.5,
            beat_age=0.25,
            draining=False,
            restarts=2,
            followers=self.audience.taken,
        )

    def ready(self) -> Probe:
        return self.probe

    def live(self) -> Probe:
        return self.probe

    def metrics_text(self) -> tuple[bytes, str]:
        return b"cortex_up 1\n", "text/plain; version=0.0.4; charset=utf-8"

    def _note(self, request: ChatRequest, caller: Caller) -> None:
        self.asked.append(request)
        self.callers.append(caller)
        if self.error is not None:
            raise self.error
