"""One line for every request, written when it is over, whoever ended it.

    [ttfb_ms=412.0 ms=2210.5 end=complete provider=groq attempts=1 request_id=7f stream_id=1b] POST /api 200

What stands in brackets are fields, which a line in JSON has beside its message; those that do not apply are
left out. `end` is the stream's one name, `caller` the name of its key. The level says whose fault a failure
was: ERROR ours, WARNING a provider's or a lack of capacity, INFO nobody's or the caller's own. The path is
the caller's text, so it is escaped and bounded; query strings and bodies are never written.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cortex_actors.dispatch.messages import EndName, StreamEnd
from cortex_actors.errors import InternalError
from cortex_actors.gateway import Gateway
from cortex_actors.logs import MASK
from cortex_actors.web.identity import identity_of
from cortex_actors.web.request import REQUEST_ID, TRACE, Trace, settings_of

_log = logging.getLogger("cortex_actors.web.access")

_LONGEST_PATH = 200

#: A key that somebody put into a path by mistake. Of callers' keys we know the hashes alone.
_KEY = re.compile(r"\bsk-[\w-]{8,}")

#: Ends that are no failure of anybody but the caller.
_CALM = frozenset({EndName.COMPLETE, EndName.RECOVERED, EndName.CLIENT_GONE, EndName.SLOW_CLIENT})


def access_log(app: WSGIApplication, gateway: Gateway) -> WSGIApplication:
    """Writes the line of each request, if `[logs] access` says so."""

    def logged(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not settings_of(environ).logs.access:
            return app(environ, start_response)
        entry = _Entry(environ, time.perf_counter)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            entry.status = status[:3]
            return start_response(status, headers, exc_info)

        return _LoggedBody(app(environ, start), entry)

    return logged


class _Entry:
    """The line while it is being written."""

    __slots__ = ("_clock", "_environ", "_first_byte", "_started", "status")

    def __init__(self, environ: WSGIEnvironment, clock: Callable[[], float]) -> None:
        self._environ = environ
        self._clock = clock
        self._started = clock()
        self._first_byte: float | None = None
        self.status = "-"

    def note_bytes(self) -> None:
        """The first of these is the time to first byte."""
        if self._first_byte is None:
            self._first_byte = self._clock()

    def write(self) -> None:
        """The request is over."""
        environ = self._environ
        trace: Trace = environ.get(TRACE) or Trace()
        end = trace.end or (trace.stream.end if trace.stream else None)
        over = self._clock()
        told = {
            "ttfb_ms": _milliseconds((self._first_byte or over) - self._started),
            "ms": _milliseconds(over - self._started),
            "caller": _caller(environ),
            "end": end.name if end else EndName.CLIENT_GONE if trace.left else None,
            "provider": end.provider if end else None,
            "attempts": len(end.attempts if end else trace.error.attempts if trace.error else ()) or None,
            "request_id": environ[REQUEST_ID],
            "stream_id": trace.stream.id if trace.stream else trace.stream_id,
        }
        _log.log(
            _level(trace, end, self.status),
            "%s %s %s",
            _printable(environ["REQUEST_METHOD"]),
            _printable(environ.get("PATH_INFO", "")),
            self.status,
            extra={name: value for name, value in told.items() if value is not None},
        )


class _LoggedBody:
    """A body that tells the entry about its first byte and its end; it holds nothing back."""

    __slots__ = ("_body", "_entry", "_pieces", "_written")

    def __init__(self, body: Iterable[bytes], entry: _Entry) -> None:
        self._body = body
        self._pieces = iter(body)
        self._entry = entry
        self._written = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        if piece:
            self._entry.note_bytes()
        return piece

    def close(self) -> None:
        """The server is done, for whatever reason."""
        try:
            if (close := getattr(self._body, "close", None)) is not None:
                close()
        finally:
            if not self._written:
                self._written = True
                self._entry.write()


def _level(trace: Trace, end: StreamEnd | None, status: str) -> int:
    error = (end.error if end else None) or trace.error
    if isinstance(error, InternalError) or status == "500":
        return logging.ERROR
    failed = end.name not in _CALM if end else status >= "500" and not trace.left
    return logging.WARNING if failed else logging.INFO


def _caller(environ: WSGIEnvironment) -> str | None:
    """The name of the caller's key; None for a caller without one."""
    identity = identity_of(environ)
    return None if identity.kind == "anonymous" else identity.name


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _printable(text: str) -> str:
    """A caller's text as one word of a line."""
    text = (_KEY.sub(MASK, text) if "sk-" in text else text)[:_LONGEST_PATH]
    return (
        text if text.isascii() and text.isprintable() and " " not in text else quote(text, encoding="latin-1")
    )
