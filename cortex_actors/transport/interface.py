"""What a road to a provider looks like, whatever it is made of: the network, or the mock provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One HTTP request to a provider; `url` and `headers` come from settings, never from a caller.

    Its repr shows neither headers nor body: they carry a key and a prompt.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


class UpstreamResponse(Protocol):
    """The answer's head, and its body on demand; it belongs to the thread that opened the exchange."""

    @property
    def status(self) -> int:
        """The HTTP status; redirects are not followed, so a 3xx is one too."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers; names in any case."""
        ...

    def read(self) -> bytes:
        """The bytes that are there, at least one, waiting if need be; b"" at a clean end of the body.

        Raises UpstreamTimeout("idle"), TruncatedStream, MalformedStream or AttemptCancelled.
        """
        ...

    def read_error_body(self) -> bytes:
        """What can be had of a refusal's body, bounded in size and time; raises only AttemptCancelled."""
        ...

    def close(self) -> None:
        """Ends the exchange; the connection is kept for the next one if the body has come to its end."""
        ...


class Exchange(Protocol):
    """One request on its way, opened once by one thread and cancellable by every other."""

    def open(self) -> UpstreamResponse:
        """Sends the request and waits for the answer's head.

        Raises UpstreamConnectError, UpstreamTimeout ("connect", or "idle" while waiting for the head),
        MalformedStream or AttemptCancelled.
        """
        ...

    def cancel(self) -> None:
        """Stops the exchange, at any moment and from any thread, without waiting; its thread wakes up."""
        ...


class Transport(Protocol):
    """Where exchanges come from."""

    def exchange(self, request: UpstreamRequest, *, connect_timeout: float, read_timeout: float) -> Exchange:
        """A new exchange, not yet opened; limits in seconds, `read_timeout` for each wait for bytes."""
        ...

    def close(self) -> None:
        """Frees what is kept between exchanges; those under way run on."""
        ...
