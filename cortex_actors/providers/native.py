"""What the dialects with a format of their own share: how a request is put together, how a stream is read.

A key travels in a header and nowhere else, since URLs end up in logs. The configured headers and the `body`
option are for what this package does not model, for example a beta header or a thinking budget; what the
caller asked for wins over `body`, and the key over any header.

Imports:     adapter, failures, json_body, lenient, options, sniffing; chat, errors, streaming (the event
             value), transport (the request value).
Imported by: anthropic, gemini, cohere.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cortex_actors.chat import ChatRequest
from cortex_actors.errors import UpstreamError
from cortex_actors.providers import failures
from cortex_actors.providers.adapter import Adapter, Decoder, ParsedEvent, StreamState, merged_headers
from cortex_actors.providers.json_body import encoded, laid_over
from cortex_actors.providers.lenient import parsed
from cortex_actors.providers.options import Option
from cortex_actors.providers.sniffing import SniffingDecoder
from cortex_actors.streaming.sse import ServerSentEvent
from cortex_actors.transport import UpstreamRequest

#: The class of an error, under a name that `type`, the word for a dialect, does not hide.
ErrorKind = type[UpstreamError]

#: The option that all of them have.
BODY = Option("table", {}, "Fields for the body of every request, beneath what the caller asks for.")

#: The version at the end of a base URL; people paste it with and without.
_VERSION = re.compile(r"/(v\d+(?:alpha|beta)?\d*)$")


class NativeAdapter(Adapter):
    """A dialect that is not OpenAI's."""

    #: The version of the API in its paths, unless the base URL ends with another.
    default_version: ClassVar[str]

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name=name, base_url=base_url, headers=headers, options=options)
        version = _VERSION.search(self.base_url)
        self.base_url = _VERSION.sub("", self.base_url)
        self.version = version[1] if version else self.default_version

    @abstractmethod
    def credentials(self, key: str | None) -> Mapping[str, str]:
        """The headers that carry the key."""

    @abstractmethod
    def dropped(self, request: ChatRequest) -> tuple[str, ...]:
        """The fields of this request that the dialect ignores, since an answer is right without them."""

    @abstractmethod
    def parse_object(self, payload: dict[str, Any], state: StreamState) -> Sequence[ParsedEvent]:
        """What one JSON object of the stream means."""

    def new_decoder(self, content_type: str) -> Decoder:
        return SniffingDecoder(content_type)

    def parse_event(self, payload: Any, state: StreamState) -> Sequence[ParsedEvent]:
        if isinstance(payload, ServerSentEvent):
            return self._parse_sent(payload, state)
        if isinstance(payload, list):
            objects = (item for item in payload if isinstance(item, dict))
            return [event for item in objects for event in self.parse_object(item, state)]
        if isinstance(payload, dict):
            return self.parse_object(payload, state)
        state.skipped += 1
        return ()

    def own_kind(self, status: int | None, payload: Any) -> ErrorKind | None:
        """What a refusal means in this dialect alone, where `failures` cannot know."""
        return None

    def _parse_sent(self, sent: ServerSentEvent, state: StreamState) -> Sequence[ParsedEvent]:
        if sent.data.strip() in ("", "[DONE]"):
            return ()
        data = parsed(sent.data)
        if sent.event == "error":
            return (self.failure_in(sent.data if data is None else data),)
        return self.parse_event(data, state)

    def classify_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        error = failures.from_response(status, headers, body, provider=self.name)
        return self._in_own_words(error, parsed(body))

    def failure_in(self, payload: Any) -> UpstreamError:
        """The error that a payload of a stream tells of."""
        return self._in_own_words(failures.from_stream(payload, provider=self.name), payload)

    def _in_own_words(self, error: UpstreamError, payload: Any) -> UpstreamError:
        """The same refusal as this dialect means it; a delay that was named is forgotten."""
        kind = self.own_kind(error.upstream_status, payload)
        if kind is None:
            return error
        return kind(
            error.details,
            provider=self.name,
            upstream_status=error.upstream_status,
            upstream_code=error.upstream_code,
        )

    def post(
        self, path: str, body: Mapping[str, Any], *, key: str | None, accept: str = "text/event-stream"
    ) -> UpstreamRequest:
        """The request for an answer."""
        ours = {"Content-Type": "application/json", "Accept": accept}
        return UpstreamRequest(
            method="POST",
            url=self.base_url + path,
            headers=merged_headers(ours, self.extra_headers, self.credentials(key)),
            body=encoded(laid_over(self.options["body"], body)),
        )

    def post_for_embeddings(self, path: str, body: Mapping[str, Any], *, key: str | None) -> UpstreamRequest:
        """The request for vectors; the `body` option is for chats."""
        ours = {"Content-Type": "application/json", "Accept": "application/json"}
        return UpstreamRequest(
            method="POST",
            url=self.base_url + path,
            headers=merged_headers(ours, self.extra_headers, self.credentials(key)),
            body=encoded(body),
        )

    def get(self, path: str, *, key: str | None) -> UpstreamRequest:
        """The request for a list."""
        ours = {"Accept": "application/json"}
        return UpstreamRequest(
            method="GET",
            url=self.base_url + path,
            headers=merged_headers(ours, self.extra_headers, self.credentials(key)),
        )
