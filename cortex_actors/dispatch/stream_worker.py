"""The stream worker: makes one attempt at one provider, and tells its dispatcher all that arrives.

Runs on:   a thread of its own, for the life of one attempt; blocks in the transport.
Receives:  Go, once.
Sends:     ChunksArrived*, then exactly one AttemptFinished or AttemptFailed, through its channel.

It is temporary: nobody restarts it, since only its dispatcher knows what to do next. Whatever ends it, be it
a bug, a kill or the provider, its dispatcher hears of it. A provider's failure is a value and no crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cortex_actors.chat import AnswerEvent, AnswerInfo
from cortex_actors.dispatch.channel import Channel
from cortex_actors.errors import (
    AttemptCancelled,
    CortexError,
    InternalError,
    MalformedStream,
    TruncatedStream,
    UpstreamError,
)
from cortex_actors.otp.actor import Actor
from cortex_actors.otp.reasons import ExitReason
from cortex_actors.providers.adapter import Decoder, StreamState
from cortex_actors.providers.rate_limits import rate_limits
from cortex_actors.providers.speech import Reader
from cortex_actors.streaming.errors import StreamFormatError
from cortex_actors.transport import Exchange, UpstreamResponse


class Go:
    """Begin the attempt."""


class StreamWorker(Actor):
    """One attempt: opens the exchange, decodes what arrives, delivers it."""

    init_in_caller = True

    def __init__(self, reader: Reader, exchange: Exchange, channel: Channel) -> None:
        super().__init__()
        self._reader = reader
        self._exchange = exchange
        self._channel = channel
        self._told = False

    def handle(self, message: object) -> object:
        if not isinstance(message, Go):
            self.unexpected(message)
            return None
        try:
            self._attempt()
        except AttemptCancelled:
            pass  # its dispatcher knows, or it was killed: then `terminate` says so
        except StreamFormatError as error:
            details = f"The provider's stream cannot be read: {error}."
            self._tell_failure(MalformedStream(details, provider=self._reader.name))
        except UpstreamError as error:
            error.provider = error.provider or self._reader.name
            self._tell_failure(error)
        self.stop()
        return None

    def kill(self) -> None:
        """Frees the thread from whatever socket it waits for; any thread may call this."""
        self._exchange.cancel()

    def terminate(self, reason: ExitReason) -> None:
        """Makes sure that the dispatcher hears of an end that nobody expected."""
        self._tell_failure(InternalError("The part of the gateway that read this stream failed."))

    def _attempt(self) -> None:
        response = self._exchange.open()
        try:
            if 200 <= response.status < 300:
                self._read_stream(response)
            else:
                body = response.read_error_body()
                raise self._reader.classify_failure(response.status, response.headers, body)
        finally:
            response.close()

    def _read_stream(self, response: UpstreamResponse) -> None:
        if limits := rate_limits(response.headers):
            self._channel.deliver((AnswerInfo(rate_limits=limits),))
        decoder = self._reader.new_decoder(response.headers.get("content-type", ""))
        state = StreamState()
        while not state.ended:
            data = self._piece(response, state)
            if not data:
                self._end_of_body(decoder, state)
                return
            if not self._deliver(decoder.decode(data), state):
                return
        self._tell_finish()

    def _piece(self, response: UpstreamResponse, state: StreamState) -> bytes:
        """The next bytes; b"" at the end of the body, or where it is cut after the answer was whole."""
        try:
            return response.read()
        except UpstreamError:
            if state.finished:
                return b""
            raise

    def _end_of_body(self, decoder: Decoder, state: StreamState) -> None:
        if not self._deliver(decoder.flush(), state):
            return
        self._pass_on(self._reader.end_of_body(state))
        if not state.finished:
            raise TruncatedStream("The provider's stream ended without its end marker.")
        self._tell_finish()

    def _deliver(self, payloads: Sequence[Any], state: StreamState) -> bool:
        """Parses payloads and passes their events on; False when nobody wants more."""
        events: list[AnswerEvent | UpstreamError] = []
        for payload in payloads:
            events.extend(self._reader.parse_event(payload, state))
        return self._pass_on(events)

    def _pass_on(self, events: Sequence[AnswerEvent | UpstreamError]) -> bool:
        """Delivers events up to the first failure among them, which it raises."""
        good: list[AnswerEvent] = []
        for event in events:
            if isinstance(event, UpstreamError):
                if good:
                    self._channel.deliver(good)
                raise event
            good.append(event)
        return self._channel.deliver(good) if good else not self._channel.window.fenced

    def _tell_finish(self) -> None:
        if not self._told:
            self._told = True
            self._channel.finish()

    def _tell_failure(self, error: CortexError) -> None:
        if not self._told:
            self._told = True
            self._channel.fail(error)
