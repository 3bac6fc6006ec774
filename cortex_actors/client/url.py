"""Addresses: base, path with its parameters, query; every value escaped so that it stays where it belongs.

    /users/{id}/files/:name     id="a/b", name="ü"     ->     /users/a%2Fb/files/%C3%BC

Imports:  nothing of the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode, urlsplit

#: `{name}` anywhere, `:name` only as the beginning of a segment: `/models/x:predict` is no parameter.
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}|(?<=/):([A-Za-z_][A-Za-z0-9_]*)")
_BRACES = re.compile(r"[{}]")

#: What a path may hold as it is: RFC 3986 pchar, and escapes that are there already.
_PATH_SAFE = "/:@!$&'()*+,;=-._~%"


class Unfit(ValueError):
    """When a value has no place in an address."""


def parameters(path: str) -> tuple[str, ...]:
    """The names of a path's parameters, in order, each once.

    >>> parameters("/users/{user_id}/posts/:id"), parameters("/models/m:predict")
    (('user_id', 'id'), ())
    """
    return tuple(dict.fromkeys(match[1] or match[2] for match in _PARAMETER.finditer(path)))


def is_well_formed(path: str) -> bool:
    """Whether a path template begins with a slash and closes what it opens.

    >>> [is_well_formed(path) for path in ("/a/{b}", "a", "/a/{b", "/{not a name}")]
    [True, False, False, False]
    """
    return path.startswith("/") and not _BRACES.search(_PARAMETER.sub("", path)) and not set(path) & set("?#")


def expand(path: str, values: Mapping[str, object]) -> str:
    """The path with its parameters filled in; raises Unfit for one that is missing or would leave its place.

    >>> expand("/users/:id/posts/:identifier", {"id": 7, "identifier": "a/b?c"})
    '/users/7/posts/a%2Fb%3Fc'
    """

    pieces, end = [], 0
    for match in _PARAMETER.finditer(path):
        pieces += [quote(path[end : match.start()], safe=_PATH_SAFE), _filled(match[1] or match[2], values)]
        end = match.end()
    return "".join(pieces) + quote(path[end:], safe=_PATH_SAFE)


def join(base: str, path: str, query: Mapping[str, object]) -> str:
    """The whole address; a query that the base or the path has already is kept in front.

    >>> join("https://api.test/v1/", "/chat", {"a": [1, 2], "b": True, "c": None})
    'https://api.test/v1/chat?a=1&a=2&b=true'
    """
    base, _, before = base.partition("?")
    address = base.rstrip("/") + path
    written = "&".join(part for part in (before, urlencode(list(_pairs(query)))) if part)
    return f"{address}?{written}" if written else address


def is_base(url: str) -> bool:
    """Whether calls can be sent there.

    >>> is_base("http://127.0.0.1:4000/v1"), is_base("localhost:4000"), is_base("https://a.test/#x")
    (True, False, False)
    """
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.fragment
    except ValueError:
        return False


def without_query(url: str) -> str:
    """An address as it may be shown: a query may hold a key, the part before the host a password.

    >>> without_query("https://user:secret@api.test/chat?key=k")
    'https://api.test/chat'
    """
    bare = url.partition("?")[0]
    scheme, mark, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def _filled(name: str, values: Mapping[str, object]) -> str:
    value = values.get(name)
    if value is None:
        raise Unfit(f"path parameter {name!r} is missing")
    text = _text(value)
    if text in ("", ".", ".."):
        raise Unfit(f"path parameter {name!r} must not be empty or made of dots")
    return quote(text, safe="")


def _pairs(query: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        if isinstance(value, Mapping):
            raise Unfit(f"query parameter {name!r} must not be an object")
        values = value if isinstance(value, list | tuple) else [value]
        for each in values:
            if each is not None:
                yield name, _text(each)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
