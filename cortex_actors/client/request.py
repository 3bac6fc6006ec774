"""A request, ready to be sent; a value that does not show what it carries.

Imports:  headers and url of this package; transport.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cortex_actors.client.headers import Redactor, redacted
from cortex_actors.client.retry import IDEMPOTENT
from cortex_actors.client.url import without_query
from cortex_actors.transport import UpstreamRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes over the wire. Its repr holds neither headers nor query nor body.

    >>> Request(endpoint="chat", method="POST", url="https://api.test/chat?key=k", headers={"X": "1"})
    Request(POST https://api.test/chat)
    """

    endpoint: str
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    #: Headers that carry the credential.
    secret: frozenset[str] = frozenset()
    #: Asking twice does no more than asking once, by method or by idempotency key.
    harmless: bool = False

    def __repr__(self) -> str:
        return f"Request({self.method} {self.address})"

    @property
    def address(self) -> str:
        """The URL as it may be shown."""
        return without_query(self.url)

    def with_headers(self, headers: Mapping[str, str]) -> Request:
        """The same request with more headers; of one name, the new one wins."""
        names = {name.lower() for name in headers}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in names}
        return replace(self, headers={**kept, **headers})

    def shown_headers(self, also: frozenset[str], custom: Redactor | None) -> dict[str, str]:
        """The headers as a dump may show them."""
        return redacted(self.headers, self.secret | also, custom)

    def upstream(self) -> UpstreamRequest:
        """The request in the transport's words."""
        return UpstreamRequest(self.method, self.url, self.headers, self.body)


def is_harmless(method: str, *, has_key: bool) -> bool:
    """Whether a request may be sent twice without a thought.

    >>> is_harmless("GET", has_key=False), is_harmless("POST", has_key=False)
    (True, False)
    >>> is_harmless("POST", has_key=True)
    True
    """
    return has_key or method in IDEMPOTENT
