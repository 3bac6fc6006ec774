"""Four times the bytes may cost about four times the work, in pieces of any size; never sixteen times."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.json_array import JSONArrayDecoder
from cortex_actors.streaming.lines import LineDecoder
from cortex_actors.streaming.ndjson import NDJSONDecoder
from cortex_actors.streaming.sse import SSEDecoder
from tests.streaming.cutting import decoded, every

LARGE = 10 * 1024 * 1024
SMALL = LARGE // 4
#: A quarter in less CPU time than this, in seconds, is too quick to compare with.
FLOOR = 0.05

CASES: dict[str, tuple[Callable[[], StreamDecoder[Any]], Callable[[int], bytes]]] = {
    "sse-event-of-one-line": (SSEDecoder, lambda size: b"data: " + b"x" * size + b"\n\n"),
    "sse-event-of-many-lines": (SSEDecoder, lambda size: b"data: z\n" * (size // 8) + b"\n"),
    "sse-event-without-its-end": (SSEDecoder, lambda size: b"data: " + b"x" * size),
    "sse-event-of-one-line-and-all-cr": (SSEDecoder, lambda size: b"data: " + b"x" * size + b"\r\r"),
    "sse-comments-inside-an-event": (SSEDecoder, lambda size: b"data: z\n" + b": ping\n" * (size // 7)),
    "sse-no-line-end-at-all": (SSEDecoder, lambda size: b"x" * size),
    "line": (LineDecoder, lambda size: b"x" * size),
    "ndjson-line": (NDJSONDecoder, lambda size: b'"' + b"x" * size + b'"\n'),
    "array-item-of-one-string": (JSONArrayDecoder, lambda size: b'["' + b"x" * size + b'"]'),
    "array-item-of-escapes": (JSONArrayDecoder, lambda size: b'["' + b"\\\\" * (size // 2) + b'"]'),
    "array-item-that-only-opens": (JSONArrayDecoder, lambda size: b"[" * (size // 8)),
    "array-item-without-its-end": (JSONArrayDecoder, lambda size: b'[{"a": "' + b"x" * size),
}


def cpu_seconds(decoder: StreamDecoder[Any], stream: bytes, piece: int) -> float:
    """CPU time of this thread alone, so that a busy machine does not count."""
    pieces = list(every(piece, stream))
    start = time.thread_time()
    decoded(decoder, pieces)
    return time.thread_time() - start


@pytest.mark.parametrize("piece", [1024, 65536, LARGE * 2], ids=["1-KiB", "64-KiB", "whole"])
@pytest.mark.parametrize(("new_decoder", "write"), CASES.values(), ids=CASES.keys())
def test_ten_megabytes_cost_about_four_times_a_quarter_of_them(
    new_decoder: Callable[[], StreamDecoder[Any]], write: Callable[[int], bytes], piece: int
) -> None:
    quarter = max(FLOOR, min(cpu_seconds(new_decoder(), write(SMALL), piece) for _ in range(2)))
    whole = min(cpu_seconds(new_decoder(), write(LARGE), piece) for _ in range(2))
    assert whole < 4 * 3 * quarter
