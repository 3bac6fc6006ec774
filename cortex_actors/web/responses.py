"""Responses: the one place where answers and errors become HTTP.

    json_response(200, {...})        a whole answer
    error_response(error, id)        {error, details, code, request_id, timestamp, ...}
    stream_response(stream, ...)     one batch of events, one write, one flush

An error carries its own status, code and headers; here it is only written down. No text of a caller or of a
provider reaches a header unless it passed `header_text`.
"""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from urllib.parse import quote

from cortex_actors.chat import AnswerEvent
from cortex_actors.dispatch.messages import AttemptRecord, EndName
from cortex_actors.dispatch.stream import AnswerHead, Stream
from cortex_actors.errors import (
    CortexError,
    InternalError,
    InvalidRequest,
    RateLimited,
    StageError,
    UpstreamError,
)
from cortex_actors.web.framing import Framing, to_json, utf8
from cortex_actors.web.payloads import Payload, attempts_payload, usage_payload

_log = logging.getLogger(__name__)

Header = tuple[str, str]

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_UNSAFE = re.compile(r"[^\x20-\x7e]")
_LONGEST_HEADER = 256

#: So many names are told in one header, and each to this length: they are the caller's.
_MOST_NAMED = 16
_LONGEST_NAME = 40

#: Failures that the same request would meet again; the SDKs repeat it twice unless they are told not to.
_LASTING = frozenset({"key", "money", "silence"})

#: Ends under which the caller has the whole answer.
_WHOLE = frozenset({EndName.COMPLETE, EndName.RECOVERED})

#: Proxies that buffer would turn a stream into one late answer.
STREAM_HEADERS: tuple[Header, ...] = (("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no"))


class StreamCut(BrokenPipeError):
    """Raised out of a body that cannot tell its failure: the server must drop the connection.

    A chunked body without its last chunk is the one sign that every HTTP client understands. As a broken
    pipe it is dropped in silence by gunicorn and by Werkzeug's server alike: the failure is logged already.
    """

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "the stream ended before its answer did")


@dataclass(slots=True)
class Response:
    """What a handler answers with; middleware may add headers."""

    status: int
    body: Iterable[bytes]
    headers: list[Header] = field(default_factory=list)

    @property
    def status_line(self) -> str:
        """The status as WSGI wants it."""
        return _STATUS_LINES.get(self.status) or f"{self.status} Unknown"


def bytes_response(status: int, body: bytes, content_type: str, headers: Iterable[Header] = ()) -> Response:
    """A whole answer of any kind; never cached."""
    about = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *headers,
    ]
    return Response(status, [body], about)


def json_response(status: int, payload: Payload, headers: Iterable[Header] = ()) -> Response:
    """A whole answer in JSON."""
    return bytes_response(status, utf8(to_json(payload)) + b"\n", "application/json", headers)


def error_response(error: CortexError, request_id: str) -> Response:
    """What an error looks like under /api, and wherever nobody asked for another shape."""
    headers = [(name, header_text(value)) for name, value in error.headers.items()]
    return json_response(error.http_status, error_payload(error, request_id), headers)


def error_payload(error: CortexError, request_id: str) -> Payload:
    """An error as callers see it, in a body as in a stream."""
    payload: Payload = {
        "error": error.title,
        "details": error.details or None,
        "code": error.code,
        "request_id": request_id,
        "timestamp": timestamp(),
    }
    if isinstance(error, InvalidRequest) and error.field:
        payload["field"] = error.field
    if isinstance(error, UpstreamError) and error.provider:
        payload["provider"] = error.provider
    if isinstance(error, RateLimited):
        payload["reset_at"] = error.reset_at
    attempts = [record for record in error.attempts if isinstance(record, AttemptRecord)]
    if attempts:
        payload["attempts"] = attempts_payload(attempts)
    return payload


def stream_response(
    stream: Stream, framing: Framing, request_id: str, headers: Iterable[Header] = ()
) -> Response:
    """An answer that is still being written."""
    about = [
        ("Content-Type", framing.content_type),
        *STREAM_HEADERS,
        *answer_headers(stream.head),
        *headers,
    ]
    return Response(200, StreamBody(stream, framing, request_id), about)


def answer_headers(head: AnswerHead) -> list[Header]:
    """Who answers, at which attempt, what we added to the wait, what limits the provider has; and seams.

    The head of a stream can tell of no seam, since there is none yet; that of a whole answer does.
    """
    return [
        ("X-Cortex-Provider", header_text(head.provider)),
        ("X-Cortex-Model", header_text(head.model)),
        ("X-Cortex-Attempts", str(head.attempts)),
        ("X-Cortex-Overhead-Ms", f"{head.overhead * 1000:.1f}"),
        *((("X-Cortex-Recoveries", str(head.recoveries)),) if head.recoveries else ()),
        *(
            (f"X-Upstream-Ratelimit-{name.title()}", header_text(value))
            for name, value in head.rate_limits.items()
        ),
    ]


def error_headers(error: CortexError) -> list[Header]:
    """The headers of an error, who was tried, and what not to do: for bodies that have no place for that."""
    headers = [(name, header_text(value)) for name, value in error.headers.items()]
    lasting = isinstance(error, UpstreamError) and error.failure_class in _LASTING
    if lasting or isinstance(error, StageError):
        headers.append(("X-Should-Retry", "false"))
    if isinstance(error, UpstreamError) and error.provider:
        headers.append(("X-Cortex-Provider", header_text(error.provider)))
    if error.attempts:
        headers.append(("X-Cortex-Attempts", str(len(error.attempts))))
    return headers


def named(header: str, names: Iterable[str]) -> list[Header]:
    """A header that lists names, so that a caller learns what had no effect; none where there are none."""
    told = [quote(name[:_LONGEST_NAME], safe="/[]", errors="replace") for name in islice(names, _MOST_NAMED)]
    return [(header, ", ".join(told))] if told else []


def header_text(text: str) -> str:
    """A text as a header may carry it: one line of printable ASCII, not too long."""
    return _UNSAFE.sub("?", text[:_LONGEST_HEADER])


def timestamp(seconds: float | None = None) -> str:
    """A moment given in epoch seconds, else now; in ISO 8601, UTC."""
    moment = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class StreamBody:
    """The body of a streaming answer. It frees the stream as soon as it ends, and again when closed.

    A server may be late to close a body, or never begin it; a generator that never began would close nothing.
    """

    def __init__(self, stream: Stream, framing: Framing, request_id: str) -> None:
        self._stream = stream
        self._framing = framing
        self._request_id = request_id
        self._batches: Iterator[tuple[AnswerEvent, ...]] = iter(stream)
        self._unsent = framing.start(stream)
        self._over = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """One write. It may be empty: the first one sends the headers, whatever the framing has to say."""
        if self._over:
            raise StopIteration
        start, self._unsent = self._unsent, b""
        return start + self._next()

    def close(self) -> None:
        """Ends the stream, unless it is over already."""
        self._over = True
        self._stream.close()

    def _next(self) -> bytes:
        try:
            batch = next(self._batches, None)
        except Exception as error:  # a bug of ours must not look like the end of an answer
            if not isinstance(error, CortexError):
                ids = {"request_id": self._request_id, "stream_id": self._stream.id}
                _log.exception("the stream failed", extra=ids)
            self.close()
            return self._tell(error if isinstance(error, CortexError) else InternalError(), None)
        if batch is None:
            self.close()
            return self._ending()
        return self._framing.batch(batch) if batch else self._framing.tick()

    def _ending(self) -> bytes:
        end = self._stream.end
        if end is not None and end.error is None and end.name in _WHOLE:
            return self._framing.end(end)
        if end is None or end.error is None:  # nobody is there to be told anything
            raise StreamCut
        return self._tell(end.error, end.name)

    def _tell(self, error: CortexError, name: EndName | None) -> bytes:
        """The failure in the words of the framing, or the connection cut where it has none."""
        end = self._stream.end
        payload = error_payload(error, self._request_id)
        payload["end"] = name
        whose = end or self._stream  # of an answer that others could not go on with, whoever broke it off
        payload["provider"] = whose.provider
        payload["model"] = whose.model
        payload["usage"] = usage_payload(end.usage if end else None)
        told = self._framing.error(error, payload)
        if told is None:
            raise StreamCut
        return told
