"""Headers: names without case, values that may come twice, and what must never be shown.

Imports:  nothing of the project.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

#: What a dump shows in place of a credential.
MASK = "[redacted]"

#: Headers that carry credentials whatever the server.
SECRET = frozenset(
    {
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key",
        "cf-access-client-secret", "cookie", "set-cookie",
    }
)  # fmt: skip

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: What would end a header line, or cannot be written in one.
_UNSENDABLE = re.compile(r"[\x00\r\n]")

Redactor = Callable[[Mapping[str, str]], Mapping[str, str]]


class Headers(Mapping[str, str]):
    """The headers of an answer. A name that came twice reads as one value, joined by a comma.

    >>> headers = Headers([("X-Id", "1"), ("Set-Cookie", "a"), ("set-cookie", "b")])
    >>> headers["SET-COOKIE"], headers.get_all("set-cookie"), headers.get("x-none")
    ('a, b', ('a', 'b'), None)
    >>> dict(headers)
    {'X-Id': '1', 'Set-Cookie': 'a, b'}
    """

    __slots__ = ("_values",)

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        #: Lower-case name -> its first spelling and its values.
        self._values: dict[str, tuple[str, list[str]]] = {}
        for name, value in items:
            self._values.setdefault(name.lower(), (name, []))[1].append(value)

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._values[name.lower()][1])

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._values.values())

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __repr__(self) -> str:
        return f"Headers({redacted(self)!r})"

    def get_all(self, name: str) -> tuple[str, ...]:
        """Every value of a name, in the order of their coming."""
        return tuple(self._values.get(name.lower(), ("", []))[1])


def merged(*layers: Mapping[str, str | None]) -> dict[str, str]:
    """The headers to send: of one name, the layer named last wins, and None takes the name away.

    >>> merged({"accept": "*/*", "X-A": "1"}, {"Accept": "text/plain", "x-a": None})
    {'Accept': 'text/plain'}
    """
    found: dict[str, tuple[str, str | None]] = {}
    for layer in layers:
        for name, value in layer.items():
            found.pop(name.lower(), None)
            found[name.lower()] = (name, value)
    return {name: value for name, value in found.values() if value is not None}


def unsendable(headers: Mapping[str, str]) -> list[str]:
    """The names of headers that cannot be sent; a value is not shown, as it may be a credential.

    >>> unsendable({"X-Key": "k\\r\\nX-More: 1", "Bad Name": "v", "X-Ok": "v"})
    ['X-Key', 'Bad Name']
    """
    return [
        name
        for name, value in headers.items()
        if not (isinstance(value, str) and _NAME.fullmatch(name) and _is_latin(value))
        or _UNSENDABLE.search(value)
    ]


def redacted(
    headers: Mapping[str, str], also: Collection[str] = (), custom: Redactor | None = None
) -> dict[str, str]:
    """The headers as they may be shown; `also` names more secrets, `custom` has the last word.

    >>> redacted({"Authorization": "Bearer sk-1", "X-Mine": "s", "Accept": "*/*"}, also={"X-Mine"})
    {'Authorization': '[redacted]', 'X-Mine': '[redacted]', 'Accept': '*/*'}
    """
    secret = SECRET | {name.lower() for name in also}
    shown = {name: MASK if name.lower() in secret else value for name, value in headers.items()}
    return dict(custom(shown)) if custom else shown


def _is_latin(value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
