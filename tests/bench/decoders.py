"""Decoding costs: our event-stream decoder, httpx-sse and sseclient-py on the same bytes, on one core.

    python -m tests.bench.decoders                 the whole table
    python -m tests.bench.decoders 1 100 event     only pieces of 1 byte, of 100, and of one event each

Every figure is events a second; the last column is how many times as fast as the best of the others we are.
How each one is fed, with one and the same list of pieces:

    ours            `SSEDecoder.decode` for each piece
    httpx-sse       `EventSource.iter_sse` over a stand-in of a response that only turns the pieces into text:
                    all that httpx-sse does and nothing that httpx does, the least its users can pay
    over httpx      the same over a real `httpx.Response` that streams the pieces: what its users do pay
    sseclient-py    `SSEClient(iter(pieces)).events()`

The data of all events is added up; one that finds other data than we do in a cell gets no figure there. A
figure is the best of several runs that take turns, in CPU time of this thread, so that a busy machine does
not decide. `pip install httpx httpx-sse sseclient-py`; what is missing is named and left out of the table.
"""

from __future__ import annotations

import codecs
import gc
import importlib
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from types import ModuleType
from typing import ClassVar

from cortex_actors.streaming import SSEDecoder

Feed = Callable[[list[bytes]], tuple[int, int]]

#: Bytes of one run; small pieces cost more, so that they are given less.
RUN_BYTES = 2_000_000
SMALL_RUN_BYTES = 400_000
RUNS = 7
PIECES = ("1", "100", "4096", "65536", "event", "whole")

_TEXT = "A sentence as models write them, with an é, a 中文 and a 😀 now and then. "


@dataclass(frozen=True)
class Kind:
    """One sort of event, repeated for as long as a run is."""

    name: str
    event: bytes


def _chunk(text: str) -> bytes:
    return (
        'data: {"id":"chatcmpl-9f3a7c2b1d","object":"chat.completion.chunk","created":1735689600,'
        f'"model":"gpt-4o-mini","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}\n\n'
    ).encode()


def _of_size(size: int) -> bytes:
    """A chunk of so many bytes, most of them text, some of that beyond ASCII."""
    return _chunk(_TEXT * ((size - len(_chunk(""))) // len(_TEXT.encode())))


_NAMED = b"""id: 1718
event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a few words"}}

"""

KINDS = (
    Kind("chunk, 200 B", _chunk(" token")),
    Kind("named, 140 B", _NAMED),
    Kind("text, 5 KB", _of_size(5_000)),
    Kind("text, 100 KB", _of_size(100_000)),
    Kind("base64, 100 KB", _chunk("QUJD" * 25_000)),
    Kind("ten lines", b"".join(b"data: line %d of a piece of text\n" % n for n in range(10)) + b"\n"),
)


def main(arguments: list[str]) -> int:
    """Prints the table; exit status 1 when another decoder wins a cell."""
    others = dict(_others())
    width = max(map(len, others), default=0) + 3
    print(f"Python {platform.python_version()}, {platform.machine()}; events a second\n")
    print(f"{'event':<16}{'pieces':>8}{'ours':>13}" + "".join(f"{name:>{width}}" for name in others))
    lost = 0
    for kind in KINDS:
        for size in arguments or PIECES:
            speeds = _speeds(kind, size, {"ours": _ours, **others})
            ours = speeds.pop("ours")
            ratio = ours / max(speeds.values(), default=float("inf"))
            cells = [_cell(speed, width) for speed in speeds.values()] + [f"   x {ratio:.2f}"] * bool(others)
            unit = f"{size} B" if size.isdecimal() else size
            print(f"{kind.name:<16}{unit:>8}{ours:>13,.0f}{''.join(cells)}", flush=True)
            lost += bool(others) and ratio < 1
    print(f"\nours is the fastest in every cell: {'no' if lost else 'yes'}" if others else "")
    return 1 if lost else 0


def _cell(speed: float, width: int) -> str:
    return f"{speed:>{width},.0f}" if speed else f"{'other events':>{width}}"


def _others() -> Iterator[tuple[str, Feed]]:
    """Those that are installed; says which are not."""
    httpx, httpx_sse = _imported("httpx"), _imported("httpx_sse")
    sseclient = _imported("sseclient")
    if httpx_sse and httpx:
        yield f"httpx-sse {version('httpx-sse')}", partial(_httpx_sse, httpx_sse, _TextResponse)
        yield f"over httpx {version('httpx')}", partial(_httpx_sse, httpx_sse, partial(_response, httpx))
    if sseclient:
        yield f"sseclient-py {version('sseclient-py')}", partial(_sseclient, sseclient)


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed and not compared")
        return None


def _speeds(kind: Kind, size: str, feeds: dict[str, Feed]) -> dict[str, float]:
    """Events a second of each; 0 for one that finds other data than the stream has."""
    wanted = SMALL_RUN_BYTES if size == "1" else RUN_BYTES
    stream = kind.event * max(4, wanted // len(kind.event))
    piece = {"event": len(kind.event), "whole": len(stream)}.get(size) or int(size)
    pieces = [stream[start : start + piece] for start in range(0, len(stream), piece)]
    right = _ours(pieces)
    assert right[0] == len(stream) // len(kind.event)
    best = dict.fromkeys(feeds, float("inf"))
    wrong = set()
    for _ in range(RUNS):
        for name, feed in feeds.items():
            seconds, found = _timed(feed, pieces)
            best[name] = min(best[name], seconds)
            if found != right:
                wrong.add(name)
    return {name: 0.0 if name in wrong else right[0] / seconds for name, seconds in best.items()}


def _timed(feed: Feed, pieces: list[bytes]) -> tuple[float, tuple[int, int]]:
    gc.collect()
    start = time.thread_time()
    found = feed(pieces)
    return time.thread_time() - start, found


def _ours(pieces: list[bytes]) -> tuple[int, int]:
    decoder = SSEDecoder()
    events = size = 0
    for piece in pieces:
        for event in decoder.decode(piece):
            events += 1
            size += len(event.data)
    return events, size


def _httpx_sse(
    httpx_sse: ModuleType, response: Callable[[list[bytes]], object], pieces: list[bytes]
) -> tuple[int, int]:
    return _counted(httpx_sse.EventSource(response(pieces)).iter_sse())


def _response(httpx: ModuleType, pieces: list[bytes]) -> object:
    return httpx.Response(200, headers=_TextResponse.headers, content=iter(pieces))


def _sseclient(sseclient: ModuleType, pieces: list[bytes]) -> tuple[int, int]:
    return _counted(sseclient.SSEClient(iter(pieces)).events())


def _counted(found: Iterable[object]) -> tuple[int, int]:
    events = size = 0
    for event in found:
        events += 1
        size += len(event.data)  # type: ignore[attr-defined]
    return events, size


class _TextResponse:
    """As much of a response as `EventSource` asks for."""

    headers: ClassVar = {"content-type": "text/event-stream"}

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def iter_text(self) -> Iterator[str]:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        return filter(None, map(decode, self._pieces))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
