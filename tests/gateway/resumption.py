"""Streams and scripts for tests of resumption: played step by step, with records a test can read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

from cortex_actors.chat import ChatRequest
from cortex_actors.dispatch.messages import Caller
from cortex_actors.dispatch.permission import EVERYTHING
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import CortexError
from cortex_actors.gateway.resumption import Asking

#: Longer than any of these tests takes, in seconds.
LONG = 20.0

#: A piece of records, or what is done in its place: waiting, raising.
Step = bytes | Callable[[], bytes]

HELLO: tuple[Step, ...] = (b"start {}\ndelta Ho\n", b"delta la\n", b"end {}\n")


class PlayedStream:
    """A stream that plays its steps; closing it makes the rest end without a word, as a dispatcher does."""

    def __init__(self, stream_id: str, steps: Iterable[Step]) -> None:
        self.id = stream_id
        self.steps = steps
        self.closed = threading.Event()

    @property
    def stream(self) -> Stream:
        """Itself, for those who want to see the real thing."""
        return cast(Stream, self)

    def close(self) -> None:
        self.closed.set()


class PlayedScript:
    """Records are the steps of the stream; the text is what its deltas say."""

    def pieces(self, stream: Stream) -> Iterator[bytes]:
        played = cast(PlayedStream, stream)
        for step in played.steps:
            piece = step() if callable(step) else step
            if played.closed.is_set():
                raise BrokenPipeError
            yield piece

    def further_pieces(self, stream: Stream) -> Iterator[bytes]:
        return self.pieces(stream)

    def failure(self, error: CortexError) -> bytes:
        return f"error {error.code}\n".encode()

    def text(self, lines: Iterable[bytes]) -> str | None:
        deltas = [line.removeprefix(b"delta ") for line in lines if line.startswith(b"delta ")]
        return None if b"tool" in deltas else b"".join(deltas).decode()

    def request(self, question: bytes) -> ChatRequest:
        return ChatRequest((), model=question.decode())


class PresentCaller:
    """A caller that is there until it leaves."""

    request_id = "request-1"
    name = None
    traceparent = None
    permission = EVERYTHING

    def __init__(self) -> None:
        self.left = False

    def gone(self) -> bool:
        return self.left


def asking(owner: str = "me", caller: Caller | None = None) -> Asking:
    """Who asks."""
    return Asking(caller or PresentCaller(), owner, PlayedScript())


def waiting_for(event: threading.Event, piece: bytes) -> Step:
    """A piece that comes once the event is set."""

    def wait() -> bytes:
        assert event.wait(LONG)
        return piece

    return wait


def wait_until(condition: Callable[[], object]) -> None:
    """Waits for what happens on another thread."""
    give_up = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def numbers(records: Sequence[object]) -> list[int]:
    """The numbers of records."""
    return [record.number for record in records]  # type: ignore[attr-defined]
