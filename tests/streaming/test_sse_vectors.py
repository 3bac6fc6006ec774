"""The event-stream vectors: facts about the WHATWG format, each at every cut it must not notice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from cortex_actors.streaming.sse import ServerSentEvent, SSEDecoder
from tests.streaming.cutting import at, decoded, every

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors.json").read_text(encoding="utf-8")
)

CUTS: dict[str, Callable[[bytes], Iterable[bytes]]] = {
    "whole": lambda stream: [stream],
    "byte-by-byte": lambda stream: every(1, stream),
    "in-twos": lambda stream: every(2, stream),
    "in-threes": lambda stream: every(3, stream),
}


def expanded(text: str, vector: dict[str, Any]) -> str:
    """`text` with each placeholder of the vector written out."""
    rules = vector.get("expand", [])
    for rule in [rules] if isinstance(rules, dict) else rules:
        long = rule.get("join", "").join([rule["unit"]] * rule["count"])
        text = text.replace(rule["placeholder"], long)
    return text


def check(vector: dict[str, Any], cut: Callable[[bytes], Iterable[bytes]]) -> None:
    stream = expanded(vector["input"], vector).encode(vector.get("encoding", "utf-8"))
    comments: list[str] = []
    decoder = SSEDecoder(on_comment=comments.append)
    assert decoded(decoder, cut(stream)) == [
        ServerSentEvent(**{**event, "data": expanded(event["data"], vector)}) for event in vector["expected"]
    ]
    assert decoder.last_event_id == vector["last_event_id"]
    assert decoder.retry == vector["retry"]
    assert comments == vector.get("comments", comments)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_gives_its_events_at_every_regular_cut(
    vector: dict[str, Any], cut: Callable[[bytes], Iterable[bytes]]
) -> None:
    check(vector, cut)


@pytest.mark.parametrize(
    ("vector", "offsets"),
    [
        pytest.param(vector, offsets, id=f"{vector['name']}-{offsets}")
        for vector in VECTORS
        for offsets in vector.get("splits", ())
    ],
)
def test_a_vector_gives_its_events_at_its_own_cuts(vector: dict[str, Any], offsets: list[int]) -> None:
    check(vector, lambda stream: at(offsets, stream))
