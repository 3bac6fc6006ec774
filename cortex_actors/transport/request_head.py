"""The head of a request as bytes, ready to be sent with its body in one write.

What never changes between the requests to one provider is put together once: the request line and every
header but the length. (http.client does it anew each time, a call a header.)

Raises:   ValueError for a header that cannot be sent; its text quotes nothing.
Follows:  RFC 9112, section 3; RFC 9110, section 5.5.
"""

from __future__ import annotations

import functools
import re

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

#: Methods whose requests say that they have no body; others without one need not.
_EXPECT_BODY = frozenset({"POST", "PUT", "PATCH"})


def request_head(
    method: str, target: str, host: str, headers: tuple[tuple[str, str], ...], body: bytes | None
) -> bytes:
    """The request line and the headers, with the blank line behind them."""
    head = _lasting_part(method, target, host, headers)
    if body is None and method not in _EXPECT_BODY:
        return head + b"\r\n"
    return head + b"content-length: %d\r\n\r\n" % len(body or b"")


@functools.lru_cache(maxsize=256)
def _lasting_part(method: str, target: str, host: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}"]
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError("a header holds characters that no header can")
        lines.append(f"{name}: {value}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")
