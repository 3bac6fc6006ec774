"""A stream that is finished though its caller left, and freed once."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from cortex_actors.chat import AnswerEvent, Chunk
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import TruncatedStream
from cortex_actors.web.framing import TEXT, Framing
from cortex_actors.web.responses import StreamBody
from cortex_actors.web.resume.drained import DrainedBody
from tests.web.gateway_double import COMPLETE, HELLO, StreamDouble, failed

LONG = 20.0


def drained(stream: StreamDouble, framing: Framing = TEXT) -> DrainedBody:
    return DrainedBody(StreamBody(stream.stream, framing, "request-1"), stream.stream)


def test_what_its_caller_reads_is_passed_on_at_once() -> None:
    assert b"".join(drained(StreamDouble("request-1", HELLO, COMPLETE))) == b"Hello there!"


def test_when_its_caller_leaves_the_rest_is_read_and_thrown_away() -> None:
    gate = threading.Event()

    def wait() -> Sequence[AnswerEvent]:
        assert gate.wait(LONG)
        return (Chunk(text="late"),)

    stream = StreamDouble("request-1", ((Chunk(text="early"),), wait), COMPLETE)
    body = drained(stream)
    assert next(iter(body)) == b"early"

    body.close()
    body.close()
    assert stream.end is None
    gate.set()

    assert stream.freed.wait(LONG)
    assert stream.end is COMPLETE


def test_a_stream_that_fails_on_its_own_leaves_nothing_behind() -> None:
    stream = StreamDouble("request-1", HELLO, failed(EndName.TRUNCATED, TruncatedStream("Cut.")))
    body = drained(stream)
    next(iter(body))

    body.close()

    assert stream.freed.wait(LONG)
    assert stream.end is not None
    assert stream.end.name is EndName.TRUNCATED


def test_a_stream_that_was_read_to_its_end_needs_no_thread() -> None:
    stream = StreamDouble("request-1", HELLO, COMPLETE)
    body = drained(stream)
    list(body)
    before = threading.active_count()

    body.close()

    assert threading.active_count() == before
    assert stream.end is COMPLETE
