"""Negotiation: which framing a caller wants, from its Accept header.

    (none), */*, text/*, text/plain                text
    text/event-stream                              SSE
    application/x-ndjson, /ndjson, /jsonl          NDJSON
    anything else                                  text, by design: RFC 9110 lets a server disregard Accept,
                                                   and many clients send application/json out of habit
    only refusals, such as text/plain;q=0          406: here somebody chose

Weights decide; between equal weights a type beats a range ("text/event-stream, */*" wants SSE), and between
equal types the one named first wins.
"""

from __future__ import annotations

from functools import lru_cache

from werkzeug.http import parse_options_header

from cortex_actors.errors import NotAcceptable
from cortex_actors.web.framing import NDJSON, SSE, TEXT, Framing

_FRAMINGS: dict[str, Framing] = {
    "text/plain": TEXT,
    "text/event-stream": SSE,
    "application/x-ndjson": NDJSON,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
}

#: A range of types stands for the first framing that it covers.
_RANGES = {"*/*": "text/plain", "text/*": "text/plain", "application/*": "application/x-ndjson"}

#: What is longer was not written by a client of ours, and would fill the cache.
_LONGEST = 1024


def choose_framing(accept: str | None) -> Framing:
    """The framing for this Accept header; raises NotAcceptable."""
    return _choose(accept.lower()) if accept and len(accept) <= _LONGEST else TEXT


@lru_cache(maxsize=256)
def _choose(accept: str) -> Framing:
    weights = _weights(accept)
    refused = {kind for kind, weight in weights.items() if weight == 0}
    best = (0.0, True)  # what weighs nothing is never chosen
    chosen: str | None = None
    for kind, weight in weights.items():
        meant = _RANGES.get(kind, kind)
        rank = (weight, kind == meant)
        if meant in _FRAMINGS and rank > best and not (meant in refused and kind != meant):
            best, chosen = rank, meant
    if chosen is not None:
        return _FRAMINGS[chosen]
    if refused & {"text/plain", "text/*", "*/*"}:
        raise NotAcceptable(f"A chat is answered as {', '.join(_FRAMINGS)}.")
    return TEXT


def _weights(accept: str) -> dict[str, float]:
    """Each media range and its weight, in the order in which they are named."""
    weights: dict[str, float] = {}
    for item in accept.split(","):
        kind, options = parse_options_header(item.strip())
        if "/" in kind:
            weights.setdefault(kind, _weight(options.get("q", "1")))
    return weights


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0
