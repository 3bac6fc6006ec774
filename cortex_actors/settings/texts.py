"""Which texts fit where: addresses, names, URLs, origins, headers.

Imports nothing of the package. Each function returns what is wrong ("must be ...") or an empty text. None
repeats the text itself: a key pasted into the wrong place must not end up in a terminal or a log.
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlsplit

PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_HOST = re.compile(r"[0-9A-Za-z._:%-]{1,255}")
_ORIGIN = re.compile(r"https?://[0-9A-Za-z._\-\[\]:]+")
_STAGE_USE = re.compile(r"[A-Za-z_][\w.]*(:[A-Za-z_][\w.]*)?", re.ASCII)
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_KEY_PREFIX = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEADER_NAME = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+")

#: Names of settings, headers and options that carry a credential.
_SECRET_NAME = re.compile(
    r"(.*[_-])?((api|access|auth|secret)[_-]?keys?|secrets?|token|password|credentials?|authorization|cookie)"
    r"|keys?",
    re.IGNORECASE,
)
#: How the keys of the known providers begin.
_SECRET_TEXT = re.compile(r"(bearer |basic |sk-|gsk_|xai-|AIza)", re.IGNORECASE)
#: Headers that the transport and the adapters write themselves.
_OUR_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "accept-encoding"}
)


def host(text: str) -> str:
    """An address to listen on: a name or an IP address, without a port."""
    return "" if _HOST.fullmatch(text) else "must be a host name or an IP address"


def origin(text: str) -> str:
    """An origin as browsers send it, or `*`."""
    fits = text == "*" or _ORIGIN.fullmatch(text)
    return "" if fits else 'must be origins such as "https://example.com", without a path, or "*"'


def key_prefix(text: str) -> str:
    """The beginning of keys in a database."""
    fits = _KEY_PREFIX.fullmatch(text)
    return "" if fits else "must be 1 to 64 of A-Z a-z 0-9 _ . : -"


def method(text: str) -> str:
    """The name of an HTTP method."""
    return "" if re.fullmatch(r"[A-Z]{1,20}", text) else "must be HTTP methods, such as POST"


def header_name(text: str) -> str:
    """The name of a header, or `*`."""
    return "" if _HEADER_NAME.fullmatch(text) else "must be names of headers"


def provider_name(text: str) -> str:
    """The name of a provider; it becomes part of actor names, metric labels and URLs."""
    fits = PROVIDER_NAME.fullmatch(text)
    return "" if fits else "must be 1 to 64 of a-z 0-9 _ . - and begin with a letter or a digit"


def model_name(text: str) -> str:
    """The name of a model, as callers and providers write it."""
    fits = 0 < len(text) <= 256 and text.isprintable() and text == text.strip()
    return "" if fits else "must be 1 to 256 printable characters"


def optional_model_name(text: str) -> str:
    """The name of a model, or nothing for the default."""
    return model_name(text) if text else ""


def stage_use(text: str) -> str:
    """What a stage is: a word of ours, or a function that Python can import."""
    fits = _STAGE_USE.fullmatch(text)
    return "" if fits else "must be the name of a stage that is there already, or package.module:function"


def environment_name(text: str) -> str:
    """The name of an environment variable, or nothing for the usual one."""
    fits = not text or _ENVIRONMENT_NAME.fullmatch(text)
    return "" if fits else "must be the name of an environment variable (A-Z 0-9 _), not a key"


def base_url(text: str) -> str:
    """The root of a provider's API, or nothing for the type's own."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not _printable(text):
        return "must be an http or https URL"
    if "@" in parts.netloc:
        return "must not carry credentials: name an environment variable in keys_env"
    if "?" in text or "#" in text:
        return "must not have a query or a fragment"
    return ""


def collector_url(text: str) -> str:
    """The root of a collector of traces, or nothing."""
    complaint = base_url(text)
    return "must not carry credentials" if "credentials" in complaint else complaint


def header(name: str, value: str) -> str:
    """One extra request header of a provider."""
    if not _HEADER_NAME.fullmatch(name):
        return "is not the name of a header"
    if name.lower() in _OUR_HEADERS:
        return "is written by the gateway itself"
    if not value.isascii() or not value.isprintable():
        return "must be printable ASCII"
    return ""


def names_a_secret(name: str) -> bool:
    """Whether a setting of this name would hold a credential in clear text."""
    return _SECRET_NAME.fullmatch(name) is not None


def looks_secret(value: object) -> bool:
    """Whether a value begins as the known credentials do."""
    return isinstance(value, str) and _SECRET_TEXT.match(value) is not None


def sha256(text: str) -> str:
    """A SHA-256 in hex, as `cortex keys new` prints it."""
    fits = _SHA256.fullmatch(text)
    return "" if fits else "must be a SHA-256 of 64 hex digits; `cortex keys new` makes a key and prints it"


def optional_sha256(text: str) -> str:
    """A SHA-256 in hex, or nothing."""
    return sha256(text) if text else ""


def moment(text: str) -> str:
    """A date and a time with its zone (RFC 3339), or nothing."""
    try:
        fits = not text or datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        fits = False
    return "" if fits else 'must be a time with its zone, such as "2027-01-31T00:00:00Z"'


def optional_redis_url(text: str) -> str:
    """Where a Redis is, or nothing."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        port_fits = parts.port != 0
    except ValueError:
        return "must be a redis://, rediss:// or unix:// URL"
    there = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in ("redis", "rediss", "unix") or not there or not port_fits or not _printable(text):
        return "must be a redis://, rediss:// or unix:// URL"
    if parts.password is not None:
        return "must not carry a password: put it into CORTEX_REDIS__PASSWORD"
    return ""


def _printable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
