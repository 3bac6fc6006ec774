"""The thread that reads a provider: sends the request, makes events of what comes, puts them in the channel.

Runs on:   a thread of its own for each stream, which ends with the answer, with a failure, or when nobody
           takes any more.

Imports:   channel and targets of this package; chat, errors, providers, transport.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from cortex_actors.coordinator.channel import Channel, Ended
from cortex_actors.coordinator.targets import Target
from cortex_actors.errors import (
    AttemptCancelled,
    CortexError,
    InternalError,
    UpstreamError,
    UpstreamTimeout,
)
from cortex_actors.providers.answer import Reading
from cortex_actors.settings import Limits
from cortex_actors.transport import Exchange, UpstreamResponse

_log = logging.getLogger(__name__)

#: How long usage and the end of the body may take once the provider gave its reason to stop, in seconds.
_TAIL = 2.0


@dataclass(slots=True)
class Intake:
    """What a stream has had from its provider, in real numbers; written by the thread that reads."""

    bytes_received: int = 0
    #: Pieces that nobody could read, of the attempts that are over and of the running one.
    skipped_before: int = 0
    reading: Reading | None = field(default=None, repr=False)

    @property
    def unreadable(self) -> int:
        """Pieces that nobody could read."""
        return self.skipped_before + (self.reading.state.skipped if self.reading is not None else 0)

    def begin(self, reading: Reading) -> None:
        """Another answer is read from now on."""
        self.skipped_before = self.unreadable
        self.reading = reading


class Attempt:
    """One request to one provider. `run` reads it to its end, on whatever thread it is called."""

    def __init__(self, target: Target, channel: Channel, intake: Intake, limits: Limits) -> None:
        self._target = target
        self._channel = channel
        self._intake = intake
        self._limits = limits
        self._exchange: Exchange = target.transport.exchange(
            target.request,
            connect_timeout=limits.connect,
            read_timeout=max(limits.first_token, limits.idle) + _TAIL,
        )

    def cancel(self) -> None:
        """Frees whoever reads from the provider's socket; any thread, any number of times."""
        self._exchange.cancel()

    def run(self) -> None:
        """Puts the answer into the channel, and its end behind it, whatever happens."""
        ended = Ended(InternalError())
        try:
            ended = self._read()
        except CortexError as error:
            ended = Ended(_by_target(error, self._target))
        except Exception:
            _log.exception("the reading of %s failed", self._target.provider)
        finally:
            self._channel.finish(ended)

    def _read(self) -> Ended:
        response = self._exchange.open()
        try:
            if 200 <= response.status < 300:
                return self._read_answer(response)
            body = response.read_error_body()
            refusal = self._target.reader.classify_failure(response.status, response.headers, body)
            return Ended(_by_target(refusal, self._target), response.status, self._target.told(body))
        finally:
            response.close()

    def _read_answer(self, response: UpstreamResponse) -> Ended:
        reading = Reading(self._target.reader, response.headers.get("content-type", ""))
        self._intake.begin(reading)
        while not reading.state.ended:
            data = self._piece(response, reading)
            self._intake.bytes_received += len(data)
            events, failure = reading.feed(data) if data else reading.end_of_body()
            if events and not self._channel.put(events):
                return Ended(UpstreamTimeout("total", self._limits.total))
            if failure is not None:
                return Ended(_by_target(failure, self._target), getattr(failure, "upstream_status", None))
            if not data:
                break
        return Ended()

    def _piece(self, response: UpstreamResponse, reading: Reading) -> bytes:
        """The next bytes; b"" at the end of the body, or where it is cut after the answer was whole."""
        try:
            return response.read()
        except AttemptCancelled:
            raise
        except UpstreamError:
            if reading.state.finished:
                return b""
            raise


def _by_target(error: CortexError, target: Target) -> CortexError:
    """The error with the provider's name on it, and without the key that the provider may have quoted."""
    if isinstance(error, UpstreamError):
        error.provider = error.provider or target.provider
        error.details = target.without_secrets(error.details)
        error.args = (error.details,)
    return error
