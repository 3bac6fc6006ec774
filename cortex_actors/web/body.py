"""The body of a request: bounded in size and in time, then JSON, then an object.

Whatever is wrong with it is the caller's to hear, as a 400, 408 or 413 that says what; nothing in here can
become a 500.
"""

from __future__ import annotations

import json
import re
from typing import Any, Protocol
from wsgiref.types import WSGIEnvironment

from werkzeug.http import parse_options_header

from cortex_actors.errors import InvalidRequest, PayloadTooLarge, RequestTimeout
from cortex_actors.web.caller import client_socket
from cortex_actors.web.deadlines import Deadline, ReadDeadlines

_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

#: Objects and lists inside one another; the deepest that means anything is a JSON Schema of a tool.
MOST_NESTED = 128

#: Objects and lists altogether: far more than a conversation has, and parsed in a few milliseconds.
MOST_CONTAINERS = 100_000

_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_LENGTH = re.compile(r"[0-9]{1,18}")


class Input(Protocol):
    """What we use of `wsgi.input`."""

    def read(self, size: int, /) -> bytes: ...


class BodyReader:
    """Reads the bodies of all requests, each within the same limits: bytes and seconds."""

    def __init__(self, limit: int, seconds: float, deadlines: ReadDeadlines | None = None) -> None:
        self._limit = limit
        self._seconds = seconds
        self._deadlines = deadlines or ReadDeadlines()

    def read(self, environ: WSGIEnvironment) -> bytes:
        """The whole body; never more than one byte over the limit is read, whatever its length claims."""
        _refuse_encoding(environ)
        announced = _announced_length(environ)
        if announced is None and not environ.get("wsgi.input_terminated"):
            return b""  # without a length and without chunks a request has no body
        if announced is not None and announced > self._limit:
            raise self._too_large()
        wanted = self._limit + 1 if announced is None else announced
        with self._deadlines.watch(client_socket(environ), self._seconds) as deadline:
            data = self._read(environ["wsgi.input"], wanted, deadline)
        if len(data) > self._limit:
            raise self._too_large()
        if deadline.passed and len(data) < wanted:
            raise self._too_slow()
        if announced is not None and len(data) < announced:
            raise InvalidRequest(f"The body ended after {len(data)} of {announced} bytes.")
        return data

    def _read(self, source: Input, wanted: int, deadline: Deadline) -> bytes:
        pieces: list[bytes] = []
        try:
            while wanted > 0 and (piece := source.read(wanted)):
                pieces.append(piece)
                wanted -= len(piece)
        except TimeoutError as error:
            raise self._too_slow() from error
        except Exception as error:  # every server has its own words for a broken body
            if deadline.passed:
                raise self._too_slow() from error
            raise InvalidRequest("The body could not be read to its end.") from error
        return b"".join(pieces)

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"A body may have at most {self._limit} bytes.")

    def _too_slow(self) -> RequestTimeout:
        return RequestTimeout(f"The body did not arrive within {self._seconds:g} s.")


def json_object(data: bytes, content_type: str = "") -> dict[str, Any]:
    """The JSON object that a body is. Any Content-Type will do, as curl sends its own by default."""
    if not data:
        raise InvalidRequest("The body is empty; send a JSON object.")
    value = _json(_text(data, content_type))
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def _text(data: bytes, content_type: str) -> str:
    if "charset" in content_type.lower():
        charset = parse_options_header(content_type)[1].get("charset", "utf-8")
        if charset.lower() not in _UTF8:
            raise InvalidRequest("JSON is UTF-8; send it with no other charset.", field="Content-Type")
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The body is not UTF-8: see byte {error.start}.") from error


def _json(text: str) -> object:
    _check_nesting(text)
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text or "\\uD" in text:
            _refuse_lone_surrogates(value)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidRequest(f"The body is not JSON: {error.msg}, {where}.") from error
    except ValueError as error:  # an integer of thousands of digits
        raise InvalidRequest("The body holds a number that is out of all bounds.") from error
    return value


def _check_nesting(text: str) -> None:
    """Refuses what is nested too deeply or has too many parts, before anything recurses over it.

    Few brackets can be neither. Else those outside of strings are looked at: the innermost pairs are taken
    away, a level at a time, all at once; of what is no JSON some stay, and count with all they hold.
    """
    if text.count("[") + text.count("{") <= MOST_NESTED:
        return
    unescaped = text.replace("\\\\", "").replace('\\"', "") if "\\" in text else text
    outside = "".join(unescaped.split('"')[::2])
    brackets = outside.encode(errors="replace").translate(_ONE_KIND, _NO_BRACKETS)
    if len(brackets) > 2 * MOST_CONTAINERS:
        raise InvalidRequest(f"The body has more than {MOST_CONTAINERS} objects and lists.")
    for _ in range(MOST_NESTED):
        rest = brackets.replace(b"[]", b"")
        if len(rest) == len(brackets):
            too_deep = brackets.count(b"[") > MOST_NESTED
            break
        brackets = rest
    else:
        too_deep = bool(brackets)
    if too_deep:
        raise InvalidRequest(f"The body is nested deeper than {MOST_NESTED} levels.")


def _refuse_constant(name: str) -> object:
    raise InvalidRequest(f"The body is not JSON: {name} is no JSON number.")


def _refuse_lone_surrogates(value: object) -> None:
    """Half a character, as `slice` of JavaScript leaves behind, can not be sent on to anyone."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest("The body holds half a character: a lone \\ud800 to \\udfff.") from error


def _refuse_encoding(environ: WSGIEnvironment) -> None:
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in ("", "identity"):
        raise InvalidRequest("A compressed body is not accepted; send it as it is.", field="Content-Encoding")


def _announced_length(environ: WSGIEnvironment) -> int | None:
    text = environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None
    if not _LENGTH.fullmatch(text):
        raise InvalidRequest("Must be a number of bytes.", field="Content-Length")
    return int(text)
