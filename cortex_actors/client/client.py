"""The client: a manifest and a context, and every endpoint a call.

    client = Client(load_manifest("api.json"), Context(base_url="https://api.test", auth=Bearer("...")))
    client.execute("get_user", path_params={"id": 7}).data
    client.users.get(id=7)                                            the same, by its resource
    with client.execute_stream("chat", {"messages": [...]}) as response: ...

Safe to share between threads; `close` frees the connections it made itself.

Runs on:   the caller's thread; a job that is polled runs on a thread of its own.
Imports:   everything of this package; transport.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Unpack

from cortex_actors.client import jobs, naming
from cortex_actors.client.breakers import Breakers
from cortex_actors.client.call_options import CallOptions
from cortex_actors.client.calls import Call, CallRunner, Opened
from cortex_actors.client.context import Context
from cortex_actors.client.errors import APIError
from cortex_actors.client.futures import Polling
from cortex_actors.client.limiter import RateLimiter
from cortex_actors.client.manifest.codec import Codec
from cortex_actors.client.manifest.document import load_manifest
from cortex_actors.client.manifest.model import Manifest
from cortex_actors.client.preparation import Preparation, check_names
from cortex_actors.client.request_builder import RequestBuilder
from cortex_actors.client.resources import Resource, resources_of
from cortex_actors.client.response import Response, read_body, read_data
from cortex_actors.client.stream_response import StreamResponse
from cortex_actors.client.streams import open_stream
from cortex_actors.client.telemetry import Telemetry
from cortex_actors.transport import HTTPTransport


class Client:
    """Calls what a manifest describes."""

    def __init__(
        self, manifest: Manifest | Path | str | Mapping[str, Any], context: Context | None = None
    ) -> None:
        self.manifest = manifest if isinstance(manifest, Manifest) else load_manifest(manifest)
        self.context = context = context or Context()
        check_names(self.manifest, context)
        self.telemetry = Telemetry(context.telemetry, context.telemetry_metadata, context.clock)
        self.breakers = (
            Breakers(context.breaker, clock=context.clock, random=context.random) if context.breaker else None
        )
        self._codec = Codec(self.manifest.types)
        builder = RequestBuilder(self.manifest, context, self._codec)
        self._preparation = Preparation(self.manifest, context, builder)
        self._transport = context.transport or HTTPTransport()
        self._runner = CallRunner(
            context=context,
            transport=self._transport,
            builder=builder,
            codec=self._codec,
            telemetry=self.telemetry,
            limiter=context.limiter
            or RateLimiter(self.manifest.rate_limits, clock=context.clock, sleep=context.sleep),
            breakers=self.breakers,
        )
        self._resources = resources_of(self.manifest, self._plain, self._streaming, self._job)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Resource:
        resources: dict[str, Resource] = self.__dict__.get("_resources", {})
        if name not in resources:
            raise AttributeError(f"the client has no resource {name!r}; it has {', '.join(resources)}")
        return resources[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._resources]

    def execute(self, endpoint: str, payload: Any = None, **options: Unpack[CallOptions]) -> Response:
        """Makes a call and waits for its whole answer; raises APIError."""
        call = self._preparation.call(endpoint, payload, options, stream=False)
        with self._told(call), self._place(), self._bytes(call):
            return self._runner.run(call, partial(self._whole, call))

    def execute_stream(
        self, endpoint: str, payload: Any = None, **options: Unpack[CallOptions]
    ) -> StreamResponse:
        """Makes a call and returns when its answer has begun; raises APIError, and so may iterating."""
        call = self._preparation.call(endpoint, payload, options, stream=True)
        reconnect = self._preparation.reconnect(call.endpoint, options)
        held = ExitStack()
        try:
            with self._told(call, whole=False), self._bytes(call):
                held.enter_context(self._place())
                return open_stream(call, reconnect, self._runner, self.telemetry, self.context, held.close)
        except BaseException:
            held.close()
            raise

    def execute_future(
        self,
        endpoint: str,
        payload: Any = None,
        polling: Polling | None = None,
        **options: Unpack[CallOptions],
    ) -> Future[Any]:
        """Begins a job, and returns what will be its result."""
        begun = self.execute(endpoint, payload, **options)
        return jobs.follow(
            self.manifest,
            self.manifest.endpoint(endpoint),
            begun.data,
            # One try a look, as looking is what is tried again.
            lambda id, path, asked: self.execute(id, asked, path_params=path, max_retries=0).data,
            polling or Polling(),
            self.telemetry,
            self.context.clock,
        )

    def resource(self, name: str) -> Resource:
        """A resource by its name in the manifest or in Python, also one that is called like a method here."""
        return self.__getattr__(naming.identifier(name))

    def close(self) -> None:
        """Frees the connections, unless the context brought the transport; streams under way run on."""
        if self.context.transport is None:
            self._transport.close()

    def _plain(self, id: str, path: Mapping[str, Any], payload: Any, options: Mapping[str, Any]) -> Any:
        return self.execute(id, payload, **_with_path(options, path)).data

    def _streaming(
        self, id: str, path: Mapping[str, Any], payload: Any, options: Mapping[str, Any]
    ) -> StreamResponse:
        return self.execute_stream(id, payload, **_with_path(options, path))

    def _job(self, id: str, path: Mapping[str, Any], payload: Any, options: Mapping[str, Any]) -> Future[Any]:
        return self.execute_future(id, payload, **_with_path(options, path))

    def _whole(self, call: Call, opened: Opened) -> Response:
        """The answer of one attempt, read to its end."""
        attempt = opened.attempt
        body = read_body(attempt, self.context.max_body_bytes, call.endpoint.id)
        data = read_data(body, attempt.headers, call.endpoint, self._codec, self.context)
        attempt.close()
        opened.ended(None)
        return Response(
            data=data,
            status=attempt.status,
            headers=attempt.headers,
            url=call.request.address,
            retries=opened.retries,
            elapsed=self.context.clock() - call.began,
            body=body,
        )

    @contextmanager
    def _told(self, call: Call, *, whole: bool = True) -> Iterator[None]:
        """Tells how a call begins and ends; a stream that has begun tells of its end itself."""
        about: dict[str, Any] = {"endpoint_id": call.endpoint.id}
        start: dict[str, Any] = {"method": call.request.method, "url": call.request.address}
        if self.context.dump_headers:
            hidden = frozenset(self.context.redact_headers)
            start["headers"] = call.request.shown_headers(hidden, self.context.redactor)
        self.telemetry.emit(f"{call.topic}.start", {}, **about, **start)
        outcome = "error"
        try:
            yield
            outcome = "complete"
        except APIError as error:
            reason = {"reason": error.message, "error": type(error).__name__}
            self.telemetry.emit(f"{call.topic}.error", self._duration(call), **about, **reason)
            raise
        finally:
            if whole or outcome == "error":
                self.telemetry.emit(f"{call.topic}.stop", self._duration(call), **about, outcome=outcome)

    def _duration(self, call: Call) -> dict[str, float]:
        return {"duration": self.context.clock() - call.began}

    def _place(self) -> AbstractContextManager[None]:
        semaphore = self.context.semaphore
        return semaphore.place(self.context.longest_wait) if semaphore else nullcontext()

    def _bytes(self, call: Call) -> AbstractContextManager[None]:
        semaphore = self.context.bytes_semaphore
        size = len(call.request.body or b"")
        return semaphore.bytes(size, self.context.longest_wait) if semaphore and size else nullcontext()


def _with_path(options: Mapping[str, Any], path: Mapping[str, Any]) -> Any:
    return {**options, "path_params": {**(options.get("path_params") or {}), **path}}
