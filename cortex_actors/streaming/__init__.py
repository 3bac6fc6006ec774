"""Streaming: from the bytes of a stream to values. Pure: no sockets, no threads, no actors.

Here belongs what can be tested with a list: bytes or values in, values out, cut anywhere to the same end.

    bytes -> lines -> sse          ServerSentEvent
                   -> ndjson       one JSON value a line
          -> json_array            one JSON value an item

    events of an answer -> pipeline, stages, meter      what is done to them on their way out, and counted
                        -> recovery                     how an answer that broke off is joined to its rest

May import:   chat, errors and its own modules.
Imported by:  providers (each dialect names its decoder), dispatch, coordinator, client. A library too: the
              names below are public.
"""

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.errors import (
    EventTooLarge,
    ItemTooLarge,
    LineTooLarge,
    NotJSON,
    StreamFormatError,
    TooLarge,
    Undecodable,
)
from cortex_actors.streaming.json_array import JSONArrayDecoder
from cortex_actors.streaming.json_value import parse_json, parse_or_mark
from cortex_actors.streaming.lines import LineBuffer, LineDecoder, UniversalNewlines
from cortex_actors.streaming.ndjson import NDJSONDecoder
from cortex_actors.streaming.sse import ServerSentEvent, SSEDecoder

__all__ = [
    "EventTooLarge",
    "ItemTooLarge",
    "JSONArrayDecoder",
    "LineBuffer",
    "LineDecoder",
    "LineTooLarge",
    "NDJSONDecoder",
    "NotJSON",
    "SSEDecoder",
    "ServerSentEvent",
    "StreamDecoder",
    "StreamFormatError",
    "TooLarge",
    "Undecodable",
    "UniversalNewlines",
    "parse_json",
    "parse_or_mark",
]
