"""The pools: wires that rest between exchanges, by host and proxy, and how a request goes over one of them.

    request     pool of the URL -> a quiet wire, or a new one -> one write -> the head of the answer
    release     back into the pool, if the body has come to its end and nothing else came with it

Of requests the pools, proxies and URL rules are used. Its session is not, so there are no cookies, no netrc,
no environment; nor are its `send` and the one of urllib3 below it, which cost more than the rest of an
exchange together.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import socket
import ssl
import termios
import time
from collections import deque
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.exceptions import ProxyError
from urllib3.util import parse_url

from cortex_actors.transport.answer import AnswerHeaders, FinalAnswer
from cortex_actors.transport.body import Body
from cortex_actors.transport.failures import Limits
from cortex_actors.transport.interface import UpstreamRequest
from cortex_actors.transport.request_head import request_head
from cortex_actors.transport.wires import LEAST, TLSWire, Wire, tls_context, under_way

#: TCP_ESTABLISHED of linux/tcp_states.h, the first byte of TCP_INFO.
_ESTABLISHED = 1


class WirePool(HTTPConnectionPool):
    """Connections to one host, lent to one exchange at a time."""

    ConnectionCls = Wire
    #: Seconds a connection may rest and still be used: less than what routers on the way forget it after.
    max_rest = 60.0

    def __init__(self, host: str, port: int | None = None, maxsize: int = 1, **kwargs: Any) -> None:
        super().__init__(host, port, maxsize=1, **kwargs)
        self._most_rested = maxsize
        #: The wires that rest, the one used last at the right end, in place of urllib3's queue, which has
        #: no age. Whoever takes one from either end has it to himself.
        self._resting: deque[Wire] = deque()
        self._closed = False

    def lend(self, limits: Limits) -> Wire:
        """A connected wire, for the exchange of this thread: one that rested, or a new one."""
        wire = self._rested() or self._new_conn()
        assert isinstance(wire, Wire)
        wire.lifeline = under_way.get()
        try:
            if wire.sock:
                wire.lifeline.hold(wire.sock)
            else:
                wire.timeout = max(limits.connect, LEAST)
                self._connect(wire)
            wire.sock.settimeout(max(limits.read, LEAST))
        except BaseException:
            wire.close()
            raise
        return wire

    def _connect(self, wire: Wire) -> None:
        if self.proxy is None or self.scheme != "https":
            wire.connect()
            return
        try:
            self._prepare_proxy(wire)
        except ssl.SSLError:
            raise  # of the provider behind the tunnel
        except (OSError, HTTPException) as exc:
            raise ProxyError("no tunnel", exc) from exc

    def take_back(self, wire: Wire) -> None:
        """Keeps a wire for the next exchange, unless it is closed or told to stop; closes what is too old."""
        if wire.lifeline.let_go() or len(self._resting) >= self._most_rested:
            wire.close()
        if wire.sock:
            self._keep(wire)
        self._close_rested(0.0 if self._closed else self.max_rest)

    def _keep(self, wire: Wire) -> None:
        wire.rested_since = time.monotonic()
        self._resting.append(wire)

    def close(self) -> None:
        """Closes what rests now, and what comes back later."""
        self._closed = True
        self._close_rested(0.0)
        super().close()

    def _close_rested(self, longer_than: float) -> None:
        with contextlib.suppress(IndexError):  # another thread was faster
            while self._resting and time.monotonic() - self._resting[0].rested_since >= longer_than:
                self._resting.popleft().close()

    def _rested(self) -> Wire | None:
        """A wire that was kept, and that the other side has left alone since.

        By design nothing is retried later on: if the other side hangs up at this very moment, the request may
        have been seen, and the caller's policy decides about a second one.
        """
        with contextlib.suppress(IndexError):
            while True:
                wire = self._resting.pop()
                if time.monotonic() - wire.rested_since <= self.max_rest and _is_quiet(wire.sock):
                    return wire
                wire.close()
        return None


class TLSWirePool(WirePool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = TLSWire


class WireAdapter(HTTPAdapter):
    """The connections of one transport, by host and proxy.

    Only the pools, proxies and URL rules of requests are used. Its session is not, so there are no cookies,
    no netrc, no environment; nor is `send`, whose response object costs a quarter of an exchange.
    """

    def __init__(self, *, pool_size: int, ca_bundle: str | None, proxies: Mapping[str, str]) -> None:
        self._tls = tls_context(ca_bundle)
        self._proxies = dict(proxies)
        super().__init__(pool_connections=64, pool_maxsize=pool_size)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls, **pool_kwargs)
        _use_wires(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, ssl_context=self._tls, **proxy_kwargs)
        _use_wires(manager)
        return manager

    def close(self) -> None:
        """Close what rests now; requests would leave that, and what comes back later, to the collector."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in tuple(manager.pools.keys()):
                with contextlib.suppress(KeyError):
                    manager.pools[key].close()
        super().close()

    def request(self, request: UpstreamRequest, headers: Mapping[str, str], limits: Limits) -> OpenAnswer:
        """One request, one answer's head: no retry, no redirect, nothing decoded."""
        target = _prepared(request.url)
        pool = self.get_connection_with_tls_context(target, verify=True, proxies=self._proxies)
        assert isinstance(pool, WirePool)
        path = target.path_url
        if self._proxies:
            path = self.request_url(target, self._proxies)
            headers = {**headers, **(pool.proxy_headers if path != target.path_url else {})}
        head = request_head(request.method, path, _host(request.url), tuple(headers.items()), request.body)
        wire = pool.lend(limits)
        try:
            wire.sock.sendall(head + request.body if request.body else head)
            answer = FinalAnswer(wire.sock, method=request.method)
            answer.begin()
            return OpenAnswer(answer, wire, pool)
        except BaseException:
            wire.close()
            raise


class OpenAnswer:
    """An answer whose head is there, and whose body is under way on its wire."""

    def __init__(self, answer: FinalAnswer, wire: Wire, pool: WirePool) -> None:
        self.status = answer.status
        self.headers = AnswerHeaders(answer.headers)
        self.body = Body(answer)
        self._wire = wire
        self._pool: WirePool | None = pool

    @property
    def released(self) -> bool:
        """Whether its wire serves others now, or nobody."""
        return self._pool is None

    def limit(self, seconds: float) -> None:
        """Lets no read wait longer than this from now on."""
        self._wire.sock.settimeout(seconds)

    def release(self) -> None:
        """Frees the wire: for the next exchange when its body has come to its end, else for good."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if not self.body.reusable:
            self._wire.close()
        pool.take_back(self._wire)


def _is_quiet(sock: socket.socket) -> bool:
    """Whether the other side neither hung up nor sent anything; never waits, also under gevent."""
    try:
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        waiting = fcntl.ioctl(sock.fileno(), termios.FIONREAD, b"\0" * 4)
    except OSError:
        return False
    return state == _ESTABLISHED and not any(waiting)


@functools.lru_cache(maxsize=256)
def _host(url: str) -> str:
    """What the Host header says: the name and, where it is not the scheme's own, the port."""
    parsed = parse_url(_prepared(url).url or "")
    return parsed.host if parsed.port is None else f"{parsed.host}:{parsed.port}"  # type: ignore[return-value]


@functools.lru_cache(maxsize=256)
def _prepared(url: str) -> PreparedRequest:
    prepared = PreparedRequest()
    prepared.prepare_url(url, None)
    return prepared


def _use_wires(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": WirePool, "https": TLSWirePool}
