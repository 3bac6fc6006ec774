"""The `format` of a text: the words a manifest may use, and what each asks for.

Imports:  nothing of the project.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from urllib.parse import urlsplit

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, binascii.Error):
            return False
        return True

    return check


def _is_uri(text: str) -> bool:
    parts = urlsplit(text)
    return bool(parts.scheme and (parts.netloc or parts.path))


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "base64": _parses(lambda text: base64.b64decode(text, validate=True)),
    "date": _parses(date.fromisoformat),
    "date-time": _parses(datetime.fromisoformat),
    "email": lambda text: bool(_EMAIL.fullmatch(text)),
    "hostname": lambda text: bool(_HOST.fullmatch(text)),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "time": _parses(time.fromisoformat),
    "uri": _is_uri,
    "uuid": _parses(uuid.UUID),
}


def fits(text: str, format: str) -> bool:
    """Whether a text is of a format; an unknown one was refused when the manifest was read.

    >>> fits("2026-01-31", "date"), fits("31.1.2026", "date"), fits("a@b.test", "email")
    (True, False, True)
    """
    try:
        return FORMATS[format](text)
    except ValueError:
        return False
