"""A scripted upstream: the fake provider that tests talk to, over real sockets on 127.0.0.1.

    with ScriptedUpstream() as upstream:
        upstream.enqueue(openai_stream(["Ho", "la"], usage=(9, 2)))          # the next request
        upstream.on_model("small", json_answer(500), openai_stream(["ok"]))  # first 500, then always "ok"
        upstream.on_path("/api/chat", ollama_stream(["Ho", "la"]))
        ...                                                                  # call upstream.url + "/v1/…"
        request = upstream.request(0)                  # waits until the first request has arrived
        assert request.json["model"] == "small"
        assert request.closed.wait(5)                  # the caller hung up

Who answers: what is enqueued, then the model's script, then the path's, then `upstream.default`.
A script is a sequence of steps, or a `Stream`, or a function of the request that returns either:

    [Head(200, {"Transfer-Encoding": "chunked"}), Chunk(b"Ho"), Gate(event), Chunk(b"la"), LastChunk()]
    [Reset()]                  a TCP reset before the headers      [Hang()]   silence until the caller leaves

A `Stream` is a value too; each method returns an altered copy. Event n is text n of the answer:

    openai_stream(["Ho", "la"]).pause(1, Gate(event))       stops before "la" until the test sets the event
    openai_stream(["Ho", "la"]).cut(40)                     FIN after 40 bytes of the body, no last chunk
    openai_stream(["Ho", "la"]).cut(40, Reset())            the same with a reset; or Hang()
    openai_stream(["Ho", "la"]).in_pieces(1).crlf().commented().paced(0.01)
    openai_stream(["Ho", "la"], finish=None, done=False)    a clean end that is no end
    openai_stream(["Ho", "la"]).framed("close")             no chunked framing: "length", "close"

A connection is kept alive unless its script ends it (`Fin`, `Reset`). `request.sent` and
`upstream.open_sockets` tell what a slow or a vanished caller does to us; `upstream.down()` and `.up()` are an
outage; `ScriptedUpstream(silent=True)` never says a byte; `black_hole()` and `refused_url()` are addresses
where a connect hangs, and fails.
"""

from tests.upstream.peer import RecordedRequest
from tests.upstream.server import ScriptedUpstream, black_hole, refused_url
from tests.upstream.steps import Chunk, Fin, Gate, Hang, Head, LastChunk, Reset, Send, Step, Wait
from tests.upstream.streams import (
    Answer,
    Script,
    Stream,
    json_answer,
    ndjson_stream,
    ollama_stream,
    openai_stream,
    sse_stream,
)

__all__ = [
    "Answer",
    "Chunk",
    "Fin",
    "Gate",
    "Hang",
    "Head",
    "LastChunk",
    "RecordedRequest",
    "Reset",
    "Script",
    "ScriptedUpstream",
    "Send",
    "Step",
    "Stream",
    "Wait",
    "black_hole",
    "json_answer",
    "ndjson_stream",
    "ollama_stream",
    "openai_stream",
    "refused_url",
    "sse_stream",
]
