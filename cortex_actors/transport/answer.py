"""The answer of one wire: its head, its body, and what becomes of the connection behind it.

Imports:  body, feed.
"""

from __future__ import annotations

import socket
from collections.abc import ItemsView, Iterator, Mapping
from http import HTTPStatus
from http.client import BadStatusLine, HTTPMessage, HTTPResponse, parse_headers
from typing import Any, cast

from cortex_actors.transport.feed import FeedSource

#: Interim answers that one exchange may bring.
_MOST_INTERIM = 16

#: Statuses that end no exchange we know of: what follows on their connection is not ours to understand.
_UNUSABLE_AFTER = frozenset({101, 204, 205, 304})


class FinalAnswer(HTTPResponse):
    """The answer behind any number of interim ones (RFC 9110, 15.2).

    http.client passes over 100 alone. Any other 1xx would count as the answer, and the real one would be the
    first thing that the next exchange on this connection reads: somebody else's answer.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(FeedSource(sock), *args, **kwargs)  # type: ignore[arg-type]  # all it wants is a file

    @property
    def keeps_connection(self) -> bool:
        """Whether another answer may follow on its connection."""
        return not self.will_close and self.status not in _UNUSABLE_AFTER

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in the stubs
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)
        raise BadStatusLine("too many interim answers")


class AnswerHeaders(Mapping[str, str]):
    """Headers by their names in any case; of several with one name, `items` has each and a look-up all."""

    __slots__ = ("_message",)

    def __init__(self, message: HTTPMessage) -> None:
        self._message = message

    def __getitem__(self, name: str) -> str:
        values = self._message.get_all(name)
        if values is None:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name in self._message))

    def __len__(self) -> int:
        return len(set(iter(self)))

    def items(self) -> ItemsView[str, str]:
        """Each header as it came."""
        return cast("ItemsView[str, str]", self._message.items())
