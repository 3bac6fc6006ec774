"""Promises of the transport, kept over real sockets against `tests.upstream`."""

from __future__ import annotations

from cortex_actors.transport import Exchange, Transport, UpstreamRequest, UpstreamResponse

#: Seconds no passing test ever waits: what is proved to end "at once" ends before this.
LONG = 30.0


def exchange(
    transport: Transport,
    url: str,
    *,
    body: bytes | None = b"{}",
    headers: dict[str, str] | None = None,
    connect: float = LONG,
    read: float = LONG,
) -> Exchange:
    """An exchange with patient limits."""
    request = UpstreamRequest("POST" if body is not None else "GET", url, headers or {}, body)
    return transport.exchange(request, connect_timeout=connect, read_timeout=read)


def read_all(response: UpstreamResponse) -> bytes:
    """The whole body; raises what reading raises."""
    body = b""
    while data := response.read():
        body += data
    return body
