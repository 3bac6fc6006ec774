"""The stream worker: makes one attempt at one provider, and tells its dispatcher all that arrives.

Runs on:   a thread of its own, for the life of one attempt; blocks in the transport.
Receives:  Go, once.
Sends:     ChunksArrived*, then exactly one AttemptFinished or AttemptFailed, through its channel.

It is temporary: nobody restarts it, since only its dispatcher knows what to do next. Whatever ends it, be it
a bug, a kill or the provider, its dispatcher hears of it. A provider's failure is a value and no crash.
"""

from __future__ import annotations

from cortex_actors.chat import AnswerInfo
from cortex_actors.dispatch.channel import Channel
from cortex_actors.errors import (
    AttemptCancelled,
    CortexError,
    InternalError,
    UpstreamError,
)
from cortex_actors.otp.actor import Actor
from cortex_actors.otp.reasons import ExitReason
from cortex_actors.providers.adapter import StreamState
from cortex_actors.providers.answer import Reading
from cortex_actors.providers.rate_limits import rate_limits
from cortex_actors.providers.speech import Reader
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
        reading = Reading(self._reader, response.headers.get("content-type", ""))
        window = self._channel.window
        while not reading.state.ended:
            data = self._piece(response, reading.state)
            window.received += len(data)
            events, failure = reading.feed(data) if data else reading.end_of_body()
            wanted = self._channel.deliver(events) if events else not window.fenced
            if failure is not None:
                raise failure
            if not wanted:
                return
            if not data:
                break
        self._tell_finish()

    def _piece(self, response: UpstreamResponse, state: StreamState) -> bytes:
        """The next bytes; b"" at the end of the body, or where it is cut after the answer was whole."""
        try:
            return response.read()
        except UpstreamError:
            if state.finished:
                return b""
            raise

    def _tell_finish(self) -> None:
        if not self._told:
            self._told = True
            self._channel.finish()

    def _tell_failure(self, error: CortexError) -> None:
        if not self._told:
            self._told = True
            self._channel.fail(error)
