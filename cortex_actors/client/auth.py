"""Ways to sign a request: bearer token, API key, user and password.

A credential is a text, or a function that gives one, called for every request: tokens that expire are
renewed there. Nothing here shows a credential; a repr names only the way.

Imports:  nothing of the project.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

Credential = str | Callable[[], str]


class Auth(Protocol):
    """What signs a request; write your own for whatever else a server wants."""

    def headers(self) -> Mapping[str, str]:
        """The headers to add, called once for each attempt."""
        ...

    def query(self) -> Mapping[str, str]:
        """The query parameters to add."""
        ...


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token in the Authorization header.

    >>> Bearer("t0ken").headers()
    {'Authorization': 'Bearer t0ken'}
    >>> Bearer("t0ken")
    Bearer(prefix='Bearer')
    """

    token: Credential = field(repr=False)
    prefix: str = "Bearer"

    def __post_init__(self) -> None:
        _check(self.token)

    def headers(self) -> Mapping[str, str]:
        """The Authorization header."""
        return {"Authorization": f"{self.prefix} {_said(self.token)}".strip()}

    def query(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class APIKey:
    """A key in a header of its own, or in the query where a server wants it there.

    >>> APIKey("k", header="X-Goog-Api-Key").headers(), APIKey("k", parameter="key").query()
    ({'X-Goog-Api-Key': 'k'}, {'key': 'k'})
    """

    key: Credential = field(repr=False)
    header: str = "X-API-Key"
    prefix: str = ""
    parameter: str | None = None

    def __post_init__(self) -> None:
        _check(self.key)

    def headers(self) -> Mapping[str, str]:
        """The header, unless the key goes into the query."""
        return {} if self.parameter else {self.header: f"{self.prefix} {_said(self.key)}".strip()}

    def query(self) -> Mapping[str, str]:
        """The parameter, if there is one."""
        return {self.parameter: _said(self.key)} if self.parameter else {}


@dataclass(frozen=True, slots=True)
class Basic:
    """A user and a password, as RFC 7617 writes them.

    >>> Basic("Aladdin", "open sesame").headers()
    {'Authorization': 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='}
    """

    username: str
    password: Credential = field(repr=False)

    def __post_init__(self) -> None:
        _check(self.password)

    def headers(self) -> Mapping[str, str]:
        """The Authorization header."""
        pair = f"{self.username}:{_said(self.password)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def query(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Several:
    """Several ways at once, for servers that want to see more than one; later ones win.

    >>> sorted(Several((Bearer("t"), APIKey("k"))).headers())
    ['Authorization', 'X-API-Key']
    """

    ways: tuple[Auth, ...]

    def headers(self) -> Mapping[str, str]:
        """The headers of all."""
        return {name: value for way in self.ways for name, value in way.headers().items()}

    def query(self) -> Mapping[str, str]:
        """The parameters of all."""
        return {name: value for way in self.ways for name, value in way.query().items()}


NOBODY = Several(())


def is_auth(value: object) -> bool:
    """Whether it can sign a request.

    >>> is_auth(Bearer("t0ken")), is_auth("t0ken")
    (True, False)
    """
    return callable(getattr(value, "headers", None)) and callable(getattr(value, "query", None))


def _check(credential: object) -> None:
    if not (isinstance(credential, str) or callable(credential)):
        kind = type(credential).__name__
        raise TypeError(f"a credential must be a text, or a function that gives one, not {kind}")


def _said(credential: Credential) -> str:
    said = credential if isinstance(credential, str) else credential()
    if not isinstance(said, str):
        raise TypeError(f"the function for a credential gave {type(said).__name__}, not a text")
    return said
