"""The windows that instances share, in Redis: asked on threads of their own, behind a breaker.

    ask     the caller's thread waits for the answer, `timeout` seconds at most     Lost, else
    tell    nobody waits; forgotten when Redis is lost

The first call that gets no answer in time opens the breaker, and wakes all that wait with it; from then on
nobody waits at all. A thread looks at once whether Redis was only late, and then every `retry_every` seconds
whether it is back. As calls run on threads of ours, not even a name server that hangs can hold up a request.

Runs on:   `LANES` threads and, while Redis is lost, one more; `ask` and `tell` on any.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, Full, Queue
from typing import Any, TypeVar

from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.retry import Retry

from cortex_actors.rate_limits.target import Lost, Target
from cortex_actors.rate_limits.windows import MINUTE, Windows

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Calls at once. One takes a fraction of a millisecond.
LANES = 4

#: Calls that may wait for a lane; with more than that Redis cannot keep up.
MOST_WAITING = 10_000

#: How long a thread of ours stays in one call; no request waits for that. In seconds.
_PATIENCE = 1.0


class _Call:
    """One question, and the thread that waits for its answer, if any does."""

    __slots__ = ("answer", "done", "dropped", "error", "question")

    def __init__(self, question: Callable[[Windows], Any]) -> None:
        self.question = question
        self.answer: Any = None
        self.error: BaseException | None = None
        #: Nobody waits for it any more.
        self.dropped = False
        self.done = threading.Event()

    def run(self, windows: Windows) -> None:
        try:
            self.answer = self.question(windows)
        except BaseException as error:
            self.error = error
        self.done.set()

    def drop(self) -> None:
        self.dropped = True
        self.done.set()


class SharedWindows:
    """Windows in Redis. Counts as lost until it has answered for the first time."""

    def __init__(self, target: Target, period: int = MINUTE) -> None:
        options: dict[str, Any] = {
            "password": target.password,
            "socket_timeout": _PATIENCE,
            "socket_connect_timeout": _PATIENCE,
            "retry": Retry(NoBackoff(), 0),  # a lost call is lost: its window has a copy in memory
        }
        self._storage = RedisStorage(
            target.url.replace("unix://", "redis+unix://"), key_prefix="cortex:limits", **options
        )
        self._windows = Windows(self._storage, period)
        self._target = target
        self._waiting: Queue[_Call | None] = Queue(MOST_WAITING)
        self._running: set[_Call] = set()
        self._turn = threading.Lock()
        self._closed = threading.Event()
        self.lost = True
        #: How often it was lost, and not only late.
        self.losses = 0
        self._answered = False
        for number in range(LANES):
            self._start(self._serve, f"rate-limits-{number}")
        self._start(partial(self._await_answer, "it does not answer"), "rate-limits-probe")

    def ask(self, question: Callable[[Windows], T]) -> T:
        """The answer of Redis. Raises Lost when there is none in time."""
        call = self._hand_over(question)
        if not call.done.wait(self._target.timeout):
            self._open_breaker("no answer in time")
            raise Lost
        if call.dropped or call.error is not None:
            raise Lost from call.error
        answer: T = call.answer
        return answer

    def tell(self, question: Callable[[Windows], object]) -> None:
        """Has it done when there is time."""
        with suppress(Lost):
            self._hand_over(question)

    def close(self) -> None:
        """Ends the threads and the connections."""
        self._closed.set()
        self.lost = True
        self._drop_calls()
        for _ in range(LANES):
            self._waiting.put(None)
        self._storage.storage.close()

    def _hand_over(self, question: Callable[[Windows], Any]) -> _Call:
        if self.lost:
            raise Lost
        call = _Call(question)
        try:
            self._waiting.put_nowait(call)
        except Full:
            self._open_breaker("it cannot keep up")
            raise Lost from None
        return call

    def _serve(self) -> None:
        while (call := self._waiting.get()) is not None:
            self._running.add(call)
            call.run(self._windows)
            self._running.discard(call)
            if call.error is not None and not call.dropped:
                self._open_breaker(type(call.error).__name__)

    def _open_breaker(self, why: str) -> None:
        with self._turn:
            if self.lost:
                return
            self.lost = True
        self._drop_calls()
        self._start(partial(self._await_answer, why), "rate-limits-probe")

    def _drop_calls(self) -> None:
        """Wakes everybody who waits."""
        with suppress(Empty):
            while (call := self._waiting.get_nowait()) is not None:
                call.drop()
        for call in tuple(self._running):
            call.drop()

    def _await_answer(self, why: str) -> None:
        told = False
        while not self._closed.is_set():
            if self._answers():
                self.lost = False
                if told or not self._answered:
                    _log.log(logging.WARNING if told else logging.INFO, "rate limits are counted in Redis")
                self._answered = True
                return
            if not told and not self._closed.is_set():
                told = True
                self.losses += 1
                _log.warning("Redis is lost (%s): rate limits are counted in memory until it is back", why)
            self._closed.wait(self._target.retry_every)

    def _answers(self) -> bool:
        """Whether it does what is asked of it: one that only reads is of no use."""
        try:
            self._storage.incr("probe", MINUTE)
        except Exception:
            return False
        return True

    def _start(self, run: Callable[[], None], name: str) -> None:
        threading.Thread(target=run, name=name, daemon=True).start()
