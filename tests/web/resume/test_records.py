"""Records: a stream becomes lines, and of lines the text and the request are known again."""

from __future__ import annotations

import json

import pytest

from cortex_actors.chat import Chunk, Finish, FinishReason, ToolCallDelta, Usage
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import InstanceLost, InvalidRequest, TruncatedStream
from cortex_actors.web.resume.records import JournalScript
from tests.web.gateway_double import COMPLETE, StreamDouble, failed

SCRIPT = JournalScript("request-1")
STEPS = (
    (Chunk(text="Ho"),),
    (),
    (Chunk(text="la\r\n\u2028"), Chunk(reasoning="hm")),
    (Usage(7, 2), Finish(FinishReason.STOP)),
)


def test_each_event_is_one_line_and_what_arrives_together_is_one_piece() -> None:
    pieces = list(SCRIPT.pieces(StreamDouble("request-1", STEPS, COMPLETE).stream))

    kinds = [[line.split(b" ", 1)[0].decode() for line in piece.split(b"\n")[:-1]] for piece in pieces]
    assert kinds == [["start", "delta"], [], ["delta", "delta"], ["usage"], ["end"]]
    assert all(piece.endswith(b"\n") for piece in pieces if piece)


def test_a_stream_that_goes_on_has_no_second_start() -> None:
    pieces = list(SCRIPT.further_pieces(StreamDouble("request-1", STEPS, COMPLETE).stream))

    assert not any(b"start " in piece for piece in pieces)


def test_a_stream_that_fails_ends_with_an_error() -> None:
    end = failed(EndName.TRUNCATED, TruncatedStream("Cut short."))

    *_, last = SCRIPT.pieces(StreamDouble("request-1", STEPS, end).stream)

    assert last.startswith(b"error ")
    assert json.loads(last[6:])["code"] == "truncated_stream"


def test_a_failure_of_our_own_looks_like_any_other() -> None:
    line = SCRIPT.failure(InstanceLost("It is gone."))

    payload = json.loads(line.removeprefix(b"error "))
    assert (payload["code"], payload["details"]) == ("instance_lost", "It is gone.")
    assert payload["request_id"] == "request-1"
    assert {"end", "provider", "model", "usage"} <= payload.keys()


def test_the_text_that_was_delivered_is_known() -> None:
    pieces = SCRIPT.pieces(StreamDouble("request-1", STEPS, COMPLETE).stream)
    lines = [line for piece in pieces for line in piece.split(b"\n")[:-1]]

    assert SCRIPT.text(lines) == "Hola\r\n\u2028"
    assert SCRIPT.text([]) == ""


def test_of_a_tool_call_no_text_can_be_told() -> None:
    steps = ((Chunk(text="Ho"),), (Chunk(tool_calls=(ToolCallDelta(0, "c1", "weather"),)),))
    pieces = SCRIPT.pieces(StreamDouble("request-1", steps, COMPLETE).stream)

    assert SCRIPT.text(line for piece in pieces for line in piece.split(b"\n")[:-1]) is None


def test_a_request_is_read_again_as_it_came() -> None:
    request = SCRIPT.request(
        b'{"messages": [{"role": "user", "content": "Hola"}], "seed": 7, "resumable": true}'
    )

    assert request.messages[0].text == "Hola"
    assert request.seed == 7


def test_a_request_that_nobody_understands_any_more_is_an_error_of_ours_to_tell() -> None:
    with pytest.raises(InvalidRequest):
        SCRIPT.request(b'{"messages": "other version"}')
