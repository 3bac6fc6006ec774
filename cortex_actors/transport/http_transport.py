"""The transport over the network: pooled HTTP/1.1 exchanges that end as exactly what they are.

A body ends cleanly only where its framing says so. One exchange is one request, never repeated, never
redirected; it asks for an unencoded body and refuses any other.

Runs on:   open, read and close on the exchange's thread, which they block; cancel on any.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

from cortex_actors.errors import AttemptCancelled, MalformedStream, UpstreamError
from cortex_actors.transport.failures import FOREIGN, Limits, translate
from cortex_actors.transport.interface import Transport, UpstreamRequest
from cortex_actors.transport.lifeline import Lifeline
from cortex_actors.transport.pools import OpenAnswer, WireAdapter
from cortex_actors.transport.wires import under_way

#: Bytes of a refusal's body that are kept.
_ERROR_BODY = 64 * 1024
#: Seconds that `close` waits for an end of the body that is on its way: less than a new connection costs.
_LINGER = 0.02
#: Bytes of a body nobody wants any more that are read all the same, to keep its connection: a `[DONE]` behind
#: the usage, not the rest of an answer.
_TAIL = 4096


class HTTPResponse:
    """An answer under way; its connection is free again as soon as the body has ended."""

    def __init__(self, answer: OpenAnswer, lifeline: Lifeline, limits: Limits) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self._answer = answer
        self._body = answer.body
        self._lifeline = lifeline
        self._limits = limits
        self._failure: UpstreamError | None = None
        if answer.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
            # By design never inflated: a few kilobytes can stand for a gigabyte.
            self._failure = MalformedStream("The provider compressed its answer though identity was asked.")

    def read(self) -> bytes:
        if self._lifeline.is_cancelled():
            self._drop()
            raise AttemptCancelled
        if self._failure:
            raise self._failure
        try:
            data = self._body.read()
        except FOREIGN as exc:
            self._failure = translate(exc, self._limits, phase="body")
            self._drop()
            if self._lifeline.is_cancelled():
                raise AttemptCancelled from exc
            raise self._failure from exc
        if not data:
            self._drop()
            # A body without length ends with its connection, and so does a cancelled one.
            if self._lifeline.is_cancelled():
                raise AttemptCancelled
        return data

    def read_error_body(self) -> bytes:
        deadline = time.monotonic() + self._limits.read
        body = b""
        with contextlib.suppress(UpstreamError):
            while len(body) < _ERROR_BODY and time.monotonic() < deadline and (data := self.read()):
                body += data
        self.close()
        if self._lifeline.is_cancelled():
            raise AttemptCancelled
        return body[:_ERROR_BODY]

    def close(self) -> None:
        if not self._answer.released and not self._failure and not self._lifeline.is_cancelled():
            self._await_end()
        self._drop()

    def _await_end(self) -> None:
        """Read what little is left of the body if it follows at once, so that the connection can be kept."""
        deadline, tail = time.monotonic() + _LINGER, 0
        with contextlib.suppress(*FOREIGN):
            while tail < _TAIL and (left := deadline - time.monotonic()) > 0:
                self._answer.limit(left)
                data = self._body.read()
                if not data:
                    return
                tail += len(data)

    def _drop(self) -> None:
        self._answer.release()
        self._lifeline.let_go()


class HTTPExchange:
    """One request on its way."""

    def __init__(self, adapter: WireAdapter, request: UpstreamRequest, limits: Limits) -> None:
        self._adapter = adapter
        self._request = request
        self._limits = limits
        self._lifeline = Lifeline()
        self._opened = False

    def open(self) -> HTTPResponse:
        if self._opened:
            raise RuntimeError("an exchange is opened once")
        self._opened = True
        if self._lifeline.is_cancelled():
            raise AttemptCancelled
        token = under_way.set(self._lifeline)
        try:
            answer = self._adapter.request(self._request, _headers(self._request), self._limits)
        except FOREIGN as exc:
            if self._lifeline.let_go():
                raise AttemptCancelled from exc
            # The text of a ValueError quotes the header that could not be sent, and with it a key.
            cause = None if isinstance(exc, ValueError) else exc
            raise translate(exc, self._limits, phase="head") from cause
        except BaseException:
            self._lifeline.let_go()
            raise
        finally:
            under_way.reset(token)
        response = HTTPResponse(answer, self._lifeline, self._limits)
        if self._lifeline.is_cancelled():
            response.close()
            raise AttemptCancelled
        return response

    def cancel(self) -> None:
        self._lifeline.cancel()


class HTTPTransport(Transport):
    """Exchanges over pooled connections; safe to share between threads.

    `pool_size` is how many idle connections are kept to each host (more may be in use), `proxies` maps a
    scheme or `scheme://host` to a proxy URL, and `ca_bundle` names a file of trusted certificates in place of
    the default ones. Nothing is taken from the environment.
    """

    def __init__(
        self,
        *,
        pool_size: int = 1024,
        proxies: Mapping[str, str] | None = None,
        ca_bundle: str | None = None,
    ) -> None:
        self._adapter = WireAdapter(pool_size=pool_size, ca_bundle=ca_bundle, proxies=proxies or {})

    def exchange(
        self, request: UpstreamRequest, *, connect_timeout: float, read_timeout: float
    ) -> HTTPExchange:
        return HTTPExchange(self._adapter, request, Limits(connect_timeout, read_timeout))

    def close(self) -> None:
        self._adapter.close()


def _headers(request: UpstreamRequest) -> dict[str, str]:
    """The headers to send; lower case, so that none of ours can meet a namesake."""
    given = {name.lower(): value for name, value in request.headers.items()}
    return {"user-agent": "cortex-actors", **given, "accept-encoding": "identity"}
