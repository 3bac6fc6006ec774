"""Which framing an Accept header asks for."""

from __future__ import annotations

import pytest

from cortex_actors.errors import NotAcceptable
from cortex_actors.web.framing import NDJSON, SSE, TEXT, Framing
from cortex_actors.web.negotiation import choose_framing


@pytest.mark.parametrize(
    ("accept", "framing"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/*", TEXT),
        ("text/plain", TEXT),
        ("text/event-stream", SSE),
        ("Text/Event-Stream", SSE),
        ("text/event-stream; charset=utf-8", SSE),
        ("application/x-ndjson", NDJSON),
        ("application/ndjson", NDJSON),
        ("application/jsonl", NDJSON),
        ("application/*", NDJSON),
        # a type beats a range of the same weight
        ("text/event-stream, */*", SSE),
        ("*/*, text/event-stream", SSE),
        ("application/json, text/plain, */*", TEXT),
        # weights beat everything
        ("text/event-stream;q=0.5, text/plain", TEXT),
        ("text/event-stream;q=0.5, text/plain;q=0.4", SSE),
        ("text/plain;q=0.1, application/x-ndjson;q=0.9, text/event-stream;q=0.5", NDJSON),
        ("text/event-stream;q=0.2, */*;q=0.8", TEXT),
        ("text/event-stream; q = 0.9, text/plain; q=0.8", SSE),
        # of equals, the first
        ("text/event-stream, text/plain", SSE),
        ("text/plain, text/event-stream", TEXT),
        # a habit, not a choice
        ("application/json", TEXT),
        ("text/html, application/xhtml+xml, image/*;q=0.8", TEXT),
        ("application/json;q=0, image/png", TEXT),
        # refusing one leaves the others
        ("text/plain;q=0, text/event-stream", SSE),
        ("text/plain;q=0.0, application/x-ndjson;q=0.1", NDJSON),
        # nonsense
        ("nonsense", TEXT),
        (",,;q=1,", TEXT),
        ("text/event-stream;q=high", SSE),
        ("text/event-stream" + ", a/b" * 1000, TEXT),
    ],
)
def test_the_framing_that_fits_best_is_chosen(accept: str | None, framing: Framing) -> None:
    assert choose_framing(accept) is framing


@pytest.mark.parametrize(
    "accept", ["text/plain;q=0", "*/*;q=0", "text/*;q=0, application/json", "text/plain;q=0, */*"]
)
def test_who_rules_out_every_framing_is_told_so(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="text/event-stream"):
        choose_framing(accept)
