"""One answer of the wall while it is given: the verbs that behaviours are written in.

Runs on:   the thread of its caller's connection.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from cortex_actors.drill.peer import Peer
from cortex_actors.drill.wall_log import Entry

#: What every healthy answer costs: prompt and completion tokens.
USAGE = {"prompt_tokens": 9, "completion_tokens": 60, "total_tokens": 69}


class Reply:
    """An answer in OpenAI's chat completion stream, or what a behaviour makes of it.

    `earlier` are the requests for the same model, mark included, that came before this one.
    """

    def __init__(
        self,
        peer: Peer,
        entry: Entry,
        body: Mapping[str, Any],
        earlier: Sequence[Entry] = (),
        key: str = "",
    ) -> None:
        self.entry = entry
        self.earlier = earlier
        self.key = key
        #: How the bytes of one event are written: as which pieces, each a chunk of the body.
        self.cut_up: Callable[[bytes], Iterable[bytes]] = _whole
        self._peer = peer
        messages = body.get("messages")
        listed = messages if isinstance(messages, list) else ()
        self._messages = [message for message in listed if isinstance(message, dict)]
        self._created = int(entry.time)

    @property
    def since_first(self) -> float:
        """Seconds since the first request for this model."""
        return time.time() - (self.earlier[0] if self.earlier else self.entry).time

    @property
    def prefilled(self) -> bool:
        """Whether the conversation ends with words of the assistant, for it to go on from."""
        return bool(self._messages) and self._messages[-1].get("role") == "assistant"

    @property
    def begun(self) -> str:
        """What the assistant said last."""
        for message in reversed(self._messages):
            if message.get("role") == "assistant":
                content = message.get("content")
                parts = content if isinstance(content, list) else [{"text": content}]
                return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
        return ""

    # -- one JSON body

    def refuse(
        self,
        status: int,
        message: str,
        code: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answers with an error in OpenAI's form, under any status."""
        data = json.dumps(_error(message, code, kind), ensure_ascii=False).encode()
        about = {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}
        self._head(status, about)
        self._send(data)

    # -- streams

    def begin(self) -> None:
        """Sends the head of a stream, and no more."""
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})

    def say(self, pieces: Iterable[str], pace: float = 0.0) -> None:
        """Says these texts, one delta each, `pace` seconds apart."""
        for piece in pieces:
            self.event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
            if pace:
                self.pause(pace)

    def finish(self) -> None:
        """Gives the reason to stop."""
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})

    def usage(self) -> None:
        """Gives the token counts, as `include_usage` asks."""
        self.event({"choices": [], "usage": USAGE})

    def fail(self, message: str) -> None:
        """Reports an error inside the stream."""
        self.data(json.dumps(_error(message, None, "server_error")))

    def event(self, fields: Mapping[str, Any]) -> None:
        """Sends one JSON event with the fields that all of them have."""
        about = {"id": f"chatcmpl-wall-{self.entry.number}", "object": "chat.completion.chunk"}
        chunk = {**about, "created": self._created, "model": self.entry.model, **fields}
        self.data(json.dumps(chunk, ensure_ascii=False))

    def data(self, text: str) -> None:
        """Sends one event with this text."""
        for piece in self.cut_up(f"data: {text}\n\n".encode()):
            self._send(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end(self, *, done: bool = True) -> None:
        """Ends the body cleanly, after `[DONE]` unless told otherwise."""
        if done:
            self.data("[DONE]")
        self._send(b"0\r\n\r\n")

    # -- and what nobody should do

    def pause(self, seconds: float) -> None:
        """Says nothing for a while."""
        self._peer.pause(seconds)

    def cut(self) -> NoReturn:
        """Hangs up in the middle of what was being said."""
        self._peer.hang_up()

    def reset(self) -> NoReturn:
        """Hangs up with a TCP reset."""
        self._peer.reset()

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.entry.status = status
        lines = [f"HTTP/1.1 {status} Wall", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._send("\r\n".join(lines).encode("latin-1"))

    def _send(self, data: bytes) -> None:
        try:
            self._peer.send(data)
        finally:
            self.entry.bytes = self._peer.sent


def _whole(event: bytes) -> tuple[bytes, ...]:
    return (event,)


def _error(message: str, code: str | None, kind: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
