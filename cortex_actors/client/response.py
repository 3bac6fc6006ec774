"""The answer of a plain call: read whole, read by its type, and what came with it.

Imports:  attempt, context, errors, headers and the manifest's model and codec of this package; streaming.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cortex_actors.client.attempt import Attempt
from cortex_actors.client.context import Context
from cortex_actors.client.errors import UnexpectedAnswer
from cortex_actors.client.headers import Headers
from cortex_actors.client.manifest.codec import Codec
from cortex_actors.client.manifest.model import Endpoint
from cortex_actors.streaming import NotJSON, parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole answer; `data` is what was asked for."""

    data: Any
    status: int
    headers: Headers
    #: The address that answered, without its query.
    url: str
    #: Attempts after the first one.
    retries: int
    #: Seconds from the call to the end of the answer.
    elapsed: float
    body: bytes = field(default=b"", repr=False)

    @property
    def request_id(self) -> str | None:
        """What the server calls this request."""
        return self.headers.get("x-request-id") or self.headers.get("request-id")


def read_body(attempt: Attempt, most: int, endpoint: str) -> bytes:
    """The whole body; raises UnexpectedAnswer when it is larger than it may be."""
    body = bytearray()
    while data := attempt.read():
        body += data
        if len(body) > most:
            raise UnexpectedAnswer(f"the answer is larger than {most} bytes", endpoint=endpoint)
    return bytes(body)


def read_data(body: bytes, headers: Headers, endpoint: Endpoint, codec: Codec, context: Context) -> Any:
    """What a body says: JSON where it says that it is, text where it is text, else the bytes."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return None
    if _is_json(kind) or not kind:
        return _typed(_unwrapped(_parsed(body, endpoint), endpoint), endpoint, codec, context)
    if endpoint.response not in (None, "string", "any"):
        raise UnexpectedAnswer(f"the answer is {kind}, not JSON", endpoint=endpoint.id)
    if kind.startswith("text/") or endpoint.response == "string":
        return body.decode("utf-8", "replace")
    return body


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _parsed(body: bytes, endpoint: Endpoint) -> Any:
    try:
        # RFC 8259, 8.1: nobody may send a BOM, and whoever reads may pass over it.
        return parse_json(body.decode("utf-8-sig", "replace"))
    except NotJSON as error:
        raise UnexpectedAnswer("the answer is not JSON", endpoint=endpoint.id) from error


def _unwrapped(data: Any, endpoint: Endpoint) -> Any:
    """What the answer is about, inside its wrapping."""
    for key in endpoint.response_unwrap:
        try:
            data = data[int(key)] if isinstance(data, list) else data[key]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            way = ".".join(endpoint.response_unwrap)
            raise UnexpectedAnswer(f"the answer has no {way}", endpoint=endpoint.id) from error
    return data


def _typed(data: Any, endpoint: Endpoint, codec: Codec, context: Context) -> Any:
    if endpoint.response is None:
        return data
    decoded, report = codec.decode(data, endpoint.response)
    if report.mistakes and context.strict_answers:
        raise UnexpectedAnswer("; ".join(map(str, report.mistakes)), endpoint=endpoint.id)
    return decoded
