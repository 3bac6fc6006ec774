"""The three framings as a caller reads them: what was said, and how the end was told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.live.caller import Answer

Frame = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Framing:
    """One framing: how it is asked for, and how its frames are read."""

    name: str
    accept: str
    frames: Callable[[str], Iterator[Frame]]

    def words(self, answer: Answer) -> str:
        """The text of the answer."""
        if self is TEXT:
            return answer.text
        return "".join(
            payload.get("text", "") for kind, payload in self.frames(answer.text) if kind == "delta"
        )

    def assert_complete(self, answer: Answer, text: str) -> None:
        """The answer is this text, and says that it is all of it."""
        answer.read()
        assert answer.status == 200, answer.text
        assert self.words(answer) == text
        assert answer.whole is True
        if self is not TEXT:
            kinds = [kind for kind, _ in self.frames(answer.text)]
            assert kinds[0] == "start"
            assert kinds[-1] == "end"
            assert kinds.count("end") == 1
            assert "error" not in kinds

    def assert_failed(self, answer: Answer, text: str, code: str) -> dict[str, Any]:
        """The answer broke off after this text, and says so, once; gives what it says."""
        answer.read()
        assert answer.status == 200, answer.text
        assert self.words(answer) == text
        if self is TEXT:
            assert answer.whole is False, "a text that broke off looks like a whole one"
            return {}
        frames = list(self.frames(answer.text))
        kinds = [kind for kind, _ in frames]
        assert kinds.count("error") == 1, kinds
        assert kinds[-1] == "error"
        assert "end" not in kinds
        assert answer.whole is True
        error = frames[-1][1]
        assert error["code"] == code, error
        return error


def _no_frames(text: str) -> Iterator[Frame]:
    yield from ()


def _sse_frames(text: str) -> Iterator[Frame]:
    *blocks, rest = text.split("\n\n")
    assert rest == "", f"a frame was cut short: {rest!r}"
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            yield fields["event"], json.loads(fields["data"])


def _ndjson_frames(text: str) -> Iterator[Frame]:
    *lines, rest = text.split("\n")
    assert rest == "", f"a line was cut short: {rest!r}"
    for line in lines:
        payload = json.loads(line)
        yield payload.pop("type"), payload


TEXT = Framing("text", "text/plain", _no_frames)
SSE = Framing("sse", "text/event-stream", _sse_frames)
NDJSON = Framing("ndjson", "application/x-ndjson", _ndjson_frames)

ALL = (TEXT, SSE, NDJSON)
