"""A provider that needs no key, no network and no model: for demos, load tests, and tests of your own.

It goes through the same doors as every other: OpenAI-style bytes from a `Transport`, decoded by the dialect.
Three ways to say what it answers:

    in the configuration    `options` of the provider; without any, it says back what it hears
    in the request          a model of MODEL_SCRIPTS, or of the option `by_model`: ask for `mock-cut`
    in code                 a MockTransport with a MockScript, or with a function that makes one; settings
                            that are made in code hand it over as the option `transport`

    >>> from cortex_actors.providers.mock_script import MockScript, in_turn
    >>> transport = MockTransport(in_turn(MockScript(status=500), MockScript(text="Hello there!")))
    >>> adapter = MockAdapter(name="test-mock", transport=transport)

Waiting is done on an event, so that a cancel ends it at once.

Imports:     openai_compatible, mock_script, mock_options, mock_vectors, options; transport (the values),
             errors.
Imported by: catalog, and tests.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from cortex_actors.errors import AttemptCancelled, TruncatedStream, UpstreamTimeout
from cortex_actors.providers.json_body import encoded
from cortex_actors.providers.mock_options import SCRIPT_OPTIONS, script_from
from cortex_actors.providers.mock_script import (
    MODEL_SCRIPTS,
    MockRequest,
    MockScript,
    Piece,
    Script,
    pieces,
    refusal_body,
)
from cortex_actors.providers.mock_vectors import embeddings_body
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.providers.options import Option, read_options
from cortex_actors.transport import UpstreamRequest

#: Where the mock pretends to be; nothing is ever sent there.
BASE_URL = "http://mock.invalid/v1"

#: How many of the last requests are kept for tests to look at.
_KEPT_REQUESTS = 1000


class MockTransport:
    """A `Transport` without a network. `requests` are the last ones received; `healthy` may be changed."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        by_model: Mapping[str, Script] | None = None,
        models: Sequence[str] = ("mock-1",),
        healthy: bool = True,
    ) -> None:
        self.healthy = healthy
        self.requests: deque[MockRequest] = deque(maxlen=_KEPT_REQUESTS)
        self.cancelled = 0
        self._script = script or MockScript()
        self._by_model = MODEL_SCRIPTS if by_model is None else by_model
        self._models = tuple(models)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def exchange(
        self, request: UpstreamRequest, *, connect_timeout: float, read_timeout: float
    ) -> MockExchange:
        """A request on its way; what it meets is decided when it is opened."""
        return MockExchange(self, request, read_timeout)

    def close(self) -> None:
        """There is nothing to close."""

    def receive(self, request: UpstreamRequest) -> tuple[MockScript, MockRequest]:
        """Notes a request, and finds what to answer."""
        body = json.loads(request.body or b"{}")
        model = str(body.get("model", ""))
        place = model if model in self._by_model else ""
        with self._lock:
            self._counts[place] += 1
            received = MockRequest(self._counts[place], body, request.headers)
            self.requests.append(received)
        script = self._by_model.get(model, self._script)
        return (script if isinstance(script, MockScript) else script(received)), received

    def model_list(self) -> bytes:
        """The answer to a health probe."""
        return encoded(
            {"object": "list", "data": [{"id": model, "object": "model"} for model in self._models]}
        )

    def note_cancel(self) -> None:
        """Counts an exchange that was cancelled before its end."""
        with self._lock:
            self.cancelled += 1


class MockExchange:
    """One request to the mock, opened by one thread and cancellable by every other."""

    def __init__(self, transport: MockTransport, request: UpstreamRequest, read_timeout: float) -> None:
        self._transport = transport
        self._request = request
        self._read_timeout = min(read_timeout, threading.TIMEOUT_MAX)
        self._cancelled = threading.Event()
        self._over = False

    def open(self) -> MockResponse:
        """Waits for the status."""
        if self._request.method == "GET":
            self.wait(0.0)
            status = 200 if self._transport.healthy else 503
            return MockResponse(self, status, {}, iter([Piece(0.0, self._transport.model_list())]))
        script, received = self._transport.receive(self._request)
        self.wait(script.open_delay)
        if script.status == 200 and self._request.url.endswith("/embeddings"):
            whole = Piece(script.first_delay, embeddings_body(received.body))
            return MockResponse(self, 200, {"content-type": "application/json"}, iter([whole]))
        if script.status == 200:
            return MockResponse(self, 200, {"content-type": "text/event-stream"}, pieces(script, received))
        headers = {} if script.retry_after is None else {"retry-after": f"{script.retry_after:g}"}
        return MockResponse(self, script.status, headers, iter([Piece(0.0, refusal_body(script))]))

    def cancel(self) -> None:
        """Ends the exchange, and any wait in it, at once; any thread, any number of times."""
        if not self._over:
            self.end()
            self._transport.note_cancel()
        self._cancelled.set()

    def end(self) -> None:
        """Notes that the body is over: a cancel from now on comes too late to be one."""
        self._over = True

    def wait(self, seconds: float) -> None:
        """Lets so many seconds pass, unless a cancel or the read limit comes first."""
        patience = min(seconds, self._read_timeout)
        if self._cancelled.wait(patience) if patience > 0 else self._cancelled.is_set():
            raise AttemptCancelled("The exchange was cancelled.")
        if seconds > self._read_timeout:
            raise UpstreamTimeout("idle", self._read_timeout)


class _Headers(dict[str, str]):
    """Response headers, kept in lower case and read in any."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())


class MockResponse:
    """What the mock answers, piece by piece."""

    def __init__(
        self, exchange: MockExchange, status: int, headers: Mapping[str, str], body: Iterator[Piece]
    ) -> None:
        self.status = status
        self.headers: Mapping[str, str] = _Headers(headers)
        self._exchange = exchange
        self._body = body

    def read(self) -> bytes:
        """The next piece, after its wait; b"" at the end."""
        piece = next(self._body, Piece(0.0))
        self._exchange.wait(piece.delay)
        if piece.failure == "stall":
            self._exchange.wait(threading.TIMEOUT_MAX)
        if piece.failure == "cut":
            raise TruncatedStream("The provider's connection was cut.")
        if not piece.data:
            self._exchange.end()
        return piece.data

    def read_error_body(self) -> bytes:
        """All of a refusal."""
        return b"".join(iter(self.read, b""))

    def close(self) -> None:
        """There is no connection to give back."""


class MockAdapter(OpenAICompatibleAdapter):
    """The mock provider; `transport` is where its answers come from."""

    type = "mock"
    extra_capabilities = ("local", "offline")
    option_table: ClassVar[Mapping[str, Option]] = {
        **{name: it for name, it in OpenAICompatibleAdapter.option_table.items() if name != "prefill"},
        **SCRIPT_OPTIONS,
        "by_model": Option("table", {}, "Options like these for single models, by their names."),
        "models": Option("list", ("mock-1",), "The names in the model list."),
        "healthy": Option("true or false", True, "Whether the health probe succeeds."),
        "transport": Option("anything", None, "A MockTransport, for settings that are made in code."),
    }

    def __init__(
        self,
        *,
        name: str,
        base_url: str = BASE_URL,
        headers: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
        transport: MockTransport | None = None,
    ) -> None:
        super().__init__(name=name, base_url=base_url, headers=headers, options=options)
        given: MockTransport | None = transport or self.options["transport"]
        self.transport = given or self._scripted_transport()

    @property
    def prefill(self) -> str:
        return "assistant"

    def _scripted_transport(self) -> MockTransport:
        by_model = {
            model: script_from(read_options(f"{self.name}.options.by_model.{model}", SCRIPT_OPTIONS, given))
            for model, given in self.options["by_model"].items()
        }
        return MockTransport(
            script_from(self.options),
            by_model={**MODEL_SCRIPTS, **by_model},
            models=self.options["models"],
            healthy=self.options["healthy"],
        )
