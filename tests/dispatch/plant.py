"""A plant: router, provider workers and rosters over real HTTP, composed as the gateway composes them.

    with Plant(provider("one", upstream.url)) as plant:
        dispatcher = plant.open(ask("Hola"))
        assert read(dispatcher) == "Ho la"
        assert plant.view("one").requests == 1

What a gateway has beside these (watchdog, probers, health, metrics) is left out, so that a test of the way
of a request sees that way alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from cortex_actors.chat import AnswerEvent, ChatRequest, Chunk, Message, TextPart
from cortex_actors.dispatch.directory import Current, Directory
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.mandate import Mandate, Terms
from cortex_actors.dispatch.messages import Caller, EndName, ProviderView, StreamEnd
from cortex_actors.dispatch.permission import EVERYTHING
from cortex_actors.dispatch.provider import Board, Provider
from cortex_actors.dispatch.provider_worker import ProviderWorker
from cortex_actors.dispatch.router import Router
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.otp.actor import ActorRef, call
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor, Roster
from cortex_actors.otp.errors import NotAccepting
from cortex_actors.otp.registry import NameTable
from cortex_actors.otp.root import start_tree
from cortex_actors.otp.supervisor import Supervisor
from cortex_actors.providers.catalog import create
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.settings import (
    Limits,
    ModelSettings,
    ProviderSettings,
    RecoverySettings,
    RetrySettings,
    Secret,
    ServerSettings,
    Settings,
)
from cortex_actors.transport import HTTPTransport

T = TypeVar("T")

#: Seconds after which a test gives up; nothing that passes takes a tenth of it.
LIMIT = 20.0

MODEL = "test-model"


def provider(name: str, url: str, *, keys: Iterable[str] = (), **changes: Any) -> ProviderSettings:
    """One configured provider at this address, with one model."""
    plain: dict[str, Any] = {"type": "openai_compatible", "model": MODEL, "models": (MODEL,)}
    secrets = tuple(Secret(key) for key in keys)
    return ProviderSettings(name=name, base_url=url, keys=secrets, **(plain | changes))


def settings(*providers: ProviderSettings, **sections: Any) -> Settings:
    """Quick settings; what `limits` says is true of every provider that says nothing itself.

    What breaks off is not gone on with unless `recovery` says so: most tests are about a single attempt.
    """
    quick: dict[str, Any] = {
        "server": ServerSettings(caller_check=0.02),
        "limits": Limits(connect=5.0, first_token=LIMIT, idle=LIMIT, total=2 * LIMIT),
        "retry": RetrySettings(backoff=0.01, backoff_max=0.02),
        "recovery": RecoverySettings(enabled=False),
    }
    sections = quick | sections
    own = (
        each if each.limits != Limits() else replace(each, limits=sections["limits"]) for each in providers
    )
    return Settings(providers=tuple(own), **sections)


def ask(text: str = "Hola", **changes: Any) -> ChatRequest:
    """A request of one user turn."""
    return ChatRequest((Message("user", (TextPart(text),)),), **changes)


class Client:
    """A caller that may leave."""

    def __init__(self, request_id: str = "request-1") -> None:
        self.request_id = request_id
        self.permission = EVERYTHING
        self.name: str | None = None
        self.traceparent: str | None = None
        self.left = threading.Event()
        #: Set when somebody has looked whether it is still there.
        self.looked_at = threading.Event()

    def gone(self) -> bool:
        self.looked_at.set()
        return self.left.is_set()


class Plant:
    """The actors that answer requests, and their books; use it as a context manager."""

    def __init__(
        self,
        *providers: ProviderSettings,
        breaker: BreakerLimits | None = None,
        models: Iterable[ModelSettings] = (),
        **sections: Any,
    ) -> None:
        self.settings = settings(*providers, models=tuple(models), **sections)
        #: Every end that a dispatcher told.
        self.ends: list[StreamEnd] = []
        self._hosted: list[Dispatcher] = []
        self.network = HTTPTransport()
        self.providers = {each.name: self._provider(each) for each in self.settings.providers}
        self.board = Board(tuple(self.providers.values()))
        self.names = NameTable()
        self.dispatchers = Roster("dispatchers", self.settings.server.max_streams)
        self.switchboard = Switchboard(self.names, self.providers)
        self._breaker = breaker or BreakerLimits(minimum_calls=1000)
        self._root = start_tree(self._specs(), names=self.names)

    def __enter__(self) -> Plant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for dispatcher in self._hosted:
            dispatcher.close()
        assert self._root.stop(LIMIT)
        self.network.close()

    def dispatcher(
        self, request: ChatRequest | None = None, caller: Caller | None = None, **changes: Any
    ) -> Dispatcher:
        """A dispatcher that has not begun; whoever calls its methods is its host."""
        asked, who = request or ask(), caller or Client()
        # Their supervisor may be restarting.
        dispatcher = eventually(lambda: self._host(asked, who, changes))
        self._hosted.append(dispatcher)
        return dispatcher

    def open(
        self, request: ChatRequest | None = None, caller: Caller | None = None, **changes: Any
    ) -> Dispatcher:
        """A dispatcher that has its first content in hand. Raises what `open` raises."""
        dispatcher = self.dispatcher(request, caller, **changes)
        dispatcher.open()
        return dispatcher

    def view(self, name: str) -> ProviderView:
        """A provider once its worker has read all its mail."""
        worker = self.names.whereis(self.providers[name].worker_name)
        assert worker is not None
        call(worker, "a message that only passes by", LIMIT)
        return self.board.view(name)

    def workers(self, name: str) -> list[ActorRef[Any]]:
        """The stream workers of a provider that live now."""
        return [child.ref for child in self.providers[name].streams.children() if child.ref is not None]

    @property
    def end_names(self) -> list[EndName]:
        """The names of all ends, in order."""
        return [end.name for end in self.ends]

    def _host(self, asked: ChatRequest, caller: Caller, changes: dict[str, Any]) -> Dispatcher | None:
        try:
            return self.dispatchers.host_child(
                Dispatcher, self.switchboard, self.settings, asked, caller, self.ends.append, **changes
            )
        except NotAccepting:
            return None

    def _provider(self, each: ProviderSettings) -> Provider:
        adapter = create(each.name, each.type, each.base_url, each.headers, each.options)
        roster = Roster(f"providers/{each.name}/streams", each.max_streams)
        return Provider(each.name, each, adapter, self.network, roster)

    def _specs(self) -> list[ChildSpec]:
        directory = Current(Directory.of(self.settings, self.providers.values()))
        return [
            ChildSpec(
                "providers",
                Supervisor,
                args=(tuple(self._provider_spec(each) for each in self.providers.values()),),
                type="supervisor",
            ),
            ChildSpec("router", Router, args=(self.board, directory)),
            ChildSpec("dispatchers", DynamicSupervisor, args=(self.dispatchers,), type="supervisor"),
        ]

    def _provider_spec(self, each: Provider) -> ChildSpec:
        streams = ChildSpec("streams", DynamicSupervisor, args=(each.streams,), type="supervisor")
        mandate = Mandate(Terms(each, self._breaker, self.settings.keys))
        worker = ChildSpec("worker", ProviderWorker, args=(mandate, self.board))
        return ChildSpec(each.name, Supervisor, args=((streams, worker),), type="supervisor")


def read(dispatcher: Dispatcher) -> str:
    """The text of the rest of the answer, up to its end."""
    return text_of(events(dispatcher))


def events(dispatcher: Dispatcher) -> list[AnswerEvent]:
    """Every event up to the end."""
    found: list[AnswerEvent] = []
    while (batch := dispatcher.next_batch()) is not None:
        found += batch
    return found


def read_until(dispatcher: Dispatcher, mark: str) -> str:
    """The text up to and with the batch in which the mark is complete."""
    text = ""
    while mark not in text:
        batch = dispatcher.next_batch()
        assert batch is not None, f"the stream ended as {dispatcher.end} after {text!r}"
        text += text_of(batch)
    return text


def text_of(batch: Iterable[AnswerEvent]) -> str:
    """The text of some events."""
    return "".join(event.text for event in batch if isinstance(event, Chunk))


def eventually(look: Callable[[], T | None]) -> T:
    """Looks again and again, for what no event tells; gives what was seen."""
    deadline = time.monotonic() + LIMIT
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.001)
    return seen


def gone(ref: ActorRef[Any]) -> None:
    """Waits until an actor has left."""
    assert ref.actor_stopped.wait(LIMIT)
