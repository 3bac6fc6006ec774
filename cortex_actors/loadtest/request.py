"""The bytes of a request: a chat with a mark of its own, its body counted or in chunks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random

from cortex_actors.loadtest.framings import FRAMINGS, Framing
from cortex_actors.loadtest.scenario import Manners, Part, Scenario

#: A body in chunks goes out in so many pieces.
_PIECES = 4

#: A caller that leaves does so at once, or after one to so many pieces of its answer.
_MOST_PIECES_BEFORE_LEAVING = 4


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent."""

    framing: Framing
    #: Stands in the prompt and nowhere else: an echo of another one is somebody else's answer.
    mark: str
    manners: Manners
    #: What is sent, write by write.
    writes: tuple[bytes, ...]
    #: A caller that leaves does so after this many pieces; with a TCP reset or in good order.
    leave_after: int = 0
    leave_with_reset: bool = False


class Requests:
    """Makes the requests of one process, one after the other, in an order that its seed decides."""

    def __init__(self, scenario: Scenario, part: Part | None = None) -> None:
        self._scenario = scenario
        self._part = part or Part()
        self._random = Random(scenario.seed * 1000 + self._part.number)
        self._count = 0

    def next(self) -> Request:
        """The next one."""
        scenario, random = self._scenario, self._random
        framing = FRAMINGS[scenario.framings[self._count % len(scenario.framings)]]
        self._count += 1
        mark = f"mark-{self._part.number}-{self._count:07}"
        draw = random.random()
        manners = (
            Manners.LEAVE if draw < scenario.leave
            else Manners.SLOW if draw < scenario.leave + scenario.slow
            else Manners.READ
        )  # fmt: skip
        chunked = scenario.chunked > 0 and random.random() < scenario.chunked
        return Request(
            framing,
            mark,
            manners,
            written(scenario, framing, mark, chunked=chunked),
            random.randint(0, _MOST_PIECES_BEFORE_LEAVING) if manners is Manners.LEAVE else 0,
            manners is Manners.LEAVE and random.random() < 0.5,
        )


def written(scenario: Scenario, framing: Framing, mark: str, *, chunked: bool) -> tuple[bytes, ...]:
    """The request as it goes out: in one write, or the head and each chunk in its own."""
    fields = {**framing.fields, "messages": [{"role": "user", "content": f"{scenario.prompt} {mark}."}]}
    if scenario.model:
        fields["model"] = scenario.model
    body = json.dumps(fields, ensure_ascii=False).encode()
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    lines = [
        f"POST {scenario.target.prefix}{framing.path} HTTP/1.1",
        f"Host: {scenario.target.host}",
        "Content-Type: application/json",
        f"Accept: {framing.accept}",
        length,
        *(f"{name}: {value}" for name, value in scenario.headers),
    ]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return (head, *_chunks(body)) if chunked else (head + body,)


def _chunks(body: bytes) -> list[bytes]:
    size = -(-len(body) // _PIECES)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return [*chunks[:-1], chunks[-1] + b"0\r\n\r\n"]
