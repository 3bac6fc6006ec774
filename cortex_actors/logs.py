"""Logs: one line for each record, as text or JSON, with no secret in it and nothing a stranger could forge.

Imports:  settings, for the shape of the lines and the secrets to hide.
Imported by: cli, web.

Modules say `logging.getLogger(__name__)`, so that a logger's name is a place, and put what a program may want
to read into `extra`:

    log = with_ids(logging.getLogger(__name__), request_id="r-7f", stream_id="s-01")
    log.info("stream ended", extra={"end": "complete"})

    2026-01-31T12:00:00.123Z INFO cortex_actors.x [request_id=r-7f stream_id=s-01 end=complete] stream ended

Fields stand in brackets before the message, quoted where needed: a message can look like a field, but never
becomes one.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any, TextIO
from urllib.parse import quote

from cortex_actors.settings import LogSettings, Secret

#: Characters of one message or traceback; what is beyond is cut, and said to be.
LONGEST_TEXT = 32_768
#: A secret with fewer characters is replaced only where it stands alone, or no word would be safe from it.
SHORT_SECRET = 8

MASK = "***"
Scalar = str | int | float | bool | None

_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_BARE = re.compile(r"[0-9A-Za-z_.:/@+,-]+")
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def setup(
    settings: LogSettings, secrets: Iterable[Secret] = (), *, stream: TextIO | None = None
) -> Redaction:
    """Sends every record of the process to standard error, or to `stream`; once more replaces the first time.

    The level is for this package; other libraries speak from warnings upwards. The redaction it returns hides
    the secrets, and those that are registered with it later.
    """
    handler = LineHandler(stream or sys.stderr)
    handler.setFormatter(JSONFormatter() if settings.format == "json" else TextFormatter())
    redaction = Redaction()
    redaction.register(secret.reveal() for secret in secrets)
    handler.addFilter(redaction)
    root = logging.getLogger()
    before = [other for other in root.handlers if isinstance(other, LineHandler)]
    root.addHandler(handler)  # first, so that no record goes to Python's own last resort, unmasked
    for other in before:
        root.removeHandler(other)
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    root.setLevel(max(logging.WARNING, level))
    logging.getLogger("cortex_actors").setLevel(level)
    return redaction


class Redaction(logging.Filter):
    """Replaces every registered secret in a record: in its message, its fields, its traceback.

    It changes the record itself, by design: a handler that comes later does not see the secret either.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def register(self, secrets: Iterable[str]) -> None:
        """Makes secrets known; also as a URL or a JSON text would spell them."""
        with self._lock:
            for secret in filter(None, secrets):
                self._known |= {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_expression, longest_first))) if longest_first else None

    def redact(self, text: str) -> str:
        """The text with every known secret masked."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def filter(self, record: logging.LogRecord) -> bool:
        """Masks what the record carries; lets every record pass."""
        record.msg = self.redact(_message(record))
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text, record.exc_info = self.redact(record.exc_text), None
        if record.stack_info:
            record.stack_info = self.redact(record.stack_info)
        for name, value in _fields(record).items():
            setattr(record, name, self._field(value))
        return True

    def _field(self, value: object) -> Scalar:
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        return self.redact(_shown(value))


def _expression(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= SHORT_SECRET else f"(?<![0-9A-Za-z]){escaped}(?![0-9A-Za-z])"


class TextFormatter(logging.Formatter):
    """`TIME LEVEL LOGGER [name=value ...] MESSAGE`, with every character escaped that does not print."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line."""
        fields = " ".join(f"{name}={_field_text(value)}" for name, value in _fields(record).items())
        texts = [_message(record), record.exc_text, record.stack_info]
        message = "\n".join(_cut(text) for text in texts if text)
        return f"{_time(record)} {record.levelname} {record.name} [{fields or '-'}] {escape(message)}"


class JSONFormatter(logging.Formatter):
    """One JSON object, in ASCII, with the fields next to the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line."""
        told: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _cut(_message(record)),
        }
        told |= {f"{name}_" if name in told else name: value for name, value in _fields(record).items()}
        told |= {"exception": _cut(record.exc_text)} if record.exc_text else {}
        told |= {"stack": _cut(record.stack_info)} if record.stack_info else {}
        return json.dumps(told, default=_shown).replace("\x7f", "\\u007f")


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines. A record that cannot be written is reported without its content.

    By design not as Python does it: its own report prints the arguments, unmasked and over several lines.
    """

    def handleError(self, record: logging.LogRecord) -> None:
        """Says that a record was lost, if that much can be written."""
        with suppress(Exception):
            self.stream.write(f"{_time(record)} ERROR cortex_actors.logs [-] a log record was lost\n")
            self.stream.flush()


class _WithIds(logging.LoggerAdapter[logging.Logger]):
    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        """Adds the ids to the fields of one call."""
        return msg, {**kwargs, "extra": {**(self.extra or {}), **(kwargs.get("extra") or {})}}


def with_ids(
    logger: logging.Logger, *, request_id: str = "", stream_id: str = ""
) -> logging.LoggerAdapter[logging.Logger]:
    """A logger whose every line carries the ids of a request and of its stream."""
    ids = {"request_id": request_id, "stream_id": stream_id}
    return _WithIds(logger, {name: value for name, value in ids.items() if value})


def escape(text: str) -> str:
    """The text with everything spelled out that does not print, so that it stays on its line.

    >>> escape("one\\x1b[31m")
    'one\\\\x1b[31m'
    """
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(c if c.isprintable() and c != "\\" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return _SHORT_ESCAPES.get(character) or character.encode("unicode_escape", "surrogatepass").decode()


def _field_text(value: object) -> str:
    text = _cut(_shown(value))
    if _BARE.fullmatch(text):
        return text
    return '"' + escape(text).replace('"', '\\"') + '"'


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    """What the caller passed as `extra`."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return f"{_shown(record.msg)} (its arguments do not fit)"


def _shown(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"


def _cut(text: str) -> str:
    more = len(text) - LONGEST_TEXT
    return text if more <= 0 else f"{text[:LONGEST_TEXT]}... ({more} more characters)"


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
